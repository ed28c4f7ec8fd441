"""A real server on a loopback port, in the test's own event loop; and clients of it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from door import Door

PROTOCOL = Subprotocol("graphql-transport-ws")
PATIENCE = 60.0
SMALL = 8_192


@asynccontextmanager
async def serve_door(door: Door[Any]) -> AsyncIterator[int]:
    """The port at which a door is served, with small buffers."""
    app = Starlette(routes=[Route("/graphql", door), WebSocketRoute("/graphql", door)])
    config = uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    listener.bind(("127.0.0.1", 0))
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield listener.getsockname()[1]
    finally:
        door.close_where(lambda _: True, 1012, "Going down")
        await server.shutdown(sockets=[listener])


async def wait_until(condition: Callable[[], object], within: float = PATIENCE) -> None:
    """Return as soon as a condition holds, looking at every turn of the loop."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.002)


class SocketClient:
    """One websocket; messages are kept by operation."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws

    async def say(self, **message: Any) -> None:
        await self.ws.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            found: dict[str, Any] = json.loads(await self.ws.recv())
            return found

    async def subscribe(self, query: str, name: str = "1", **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.say(type="subscribe", id=name, payload=payload)

    async def init(self, token: str | None = "i-am-boss") -> None:
        await self.say(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert await self.hear() == {"type": "connection_ack"}

    async def next(self, field: str, key: str = "position") -> Any:
        message = await self.hear()
        assert message["type"] == "next", message
        assert not message["payload"].get("errors"), message
        return message["payload"]["data"][field][key]

    async def closing(self) -> tuple[int | None, str | None]:
        async with asyncio.timeout(PATIENCE):
            await self.ws.wait_closed()
        return self.ws.close_code, self.ws.close_reason


@asynccontextmanager
async def connect_client(
    port: int, token: str | None = "i-am-boss", *, narrow: bool = False, **options: Any
) -> AsyncIterator[SocketClient]:
    """A connected client; signed in unless told otherwise. A narrow one has no buffers."""
    sock = socket.socket()
    if narrow:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        options["max_queue"] = 1
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    options.setdefault("subprotocols", [PROTOCOL])
    url = f"ws://127.0.0.1:{port}/graphql"
    async with connect(url, sock=sock, compression=None, close_timeout=1, **options) as ws:
        found = SocketClient(ws)
        if token is not None:
            await found.init(token)
        yield found
