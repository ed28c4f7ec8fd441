"""graphql-transport-ws: many operations over one websocket."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect

from door.answers import encode_errors, encode_json_text
from door.channels import Channel, RunMember
from door.context import DoorContext, NotSignedIn, OutOfService
from door.requests import MalformedRequest, decode_json, parse_request
from door.shared import SharedRuns
from door.signing import SignIn, parse_bearer_token

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 3.0
CLOSE_SECONDS = 5.0
SIGN_IN_SECONDS = 10.0
MOST_OPERATIONS = 100
MOST_LENGTH = 1_000_000
LONGEST_REASON = 120

Fault = tuple[int, str]
FINE: Fault = (0, "")


class WebSocketChannel(Channel):
    """One websocket and the conversation on it."""

    def __init__(
        self,
        ws: WebSocket,
        hub: SharedRuns,
        sign_in: SignIn[Any],
        opened: Callable[[Channel, Any], None],
    ) -> None:
        super().__init__()
        self.ws, self.hub, self.sign_in, self.opened = ws, hub, sign_in, opened
        self.greeted = self.signed_in = False

    def next(self, member: RunMember, payload: str) -> str:
        """One result as a message."""
        return f'{{"id":{member.quoted},"type":"next","payload":{payload}}}'

    def end(self, member: RunMember, kind: str, payload: str) -> str:
        """The end of an operation as a message."""
        tail = f',"payload":{payload}' if payload else ""
        return f'{{"id":{member.quoted},"type":"{kind}"{tail}}}'

    async def send(self, message: str) -> None:
        """One text frame."""
        await self.ws.send({"type": "websocket.send", "text": message})

    async def converse(self) -> None:
        """Greet, talk and part."""
        await self.ws.accept(PROTOCOL)
        self.timer(INIT_SECONDS, 4408, "Connection initialisation timeout")
        code, reason = await self.serve(self.read())
        if code:
            await close_socket(self.ws, code, reason)

    async def read(self) -> None:
        """Take messages until one is wrong or the client goes."""
        while (message := await self.ws.receive())["type"] == "websocket.receive":
            fault = await self.handle(message.get("text"))
            if fault != FINE:
                return self.close(*fault)
        return None

    async def handle(self, raw: str | None) -> Fault:
        """Do what one message says; or say why the socket is closed for it."""
        if raw is None:
            return 4400, "Text frames only"
        if len(raw) > MOST_LENGTH:
            return 1009, "The message is too long"
        try:
            message = decode_json(raw)
        except MalformedRequest:
            return 4400, "Messages are JSON"
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            return 4400, "Messages are JSON objects with a type"
        return await self.act(message["type"], message)

    async def act(self, kind: str, message: dict[str, Any]) -> Fault:
        """One message of the protocol."""
        match kind:
            case "connection_init":
                return await self.init(message.get("payload"))
            case "subscribe":
                return await self.subscribe(message)
            case "complete":
                self.drop(str(message.get("id")))
            case "ping":
                await self.send('{"type":"pong"}')
            case "pong":
                pass
            case _:
                return 4400, f"Unknown message type: {kind}"
        return FINE

    async def init(self, payload: Any) -> Fault:
        """Sign in."""
        if self.greeted:
            return 4429, "Too many initialisation requests"
        self.greeted = True
        self.stop_timer()
        if not isinstance(payload, dict | None):
            return 4400, "The payload of connection_init must be an object"
        try:
            async with asyncio.timeout(SIGN_IN_SECONDS):
                context: DoorContext = await self.sign_in(self.ws, self.token(payload or {}))
        except NotSignedIn as why:
            return 4403, f"Forbidden: {why.reason}"
        except OutOfService as why:
            return 1013, why.reason
        self.context, self.signed_in = context, True
        self.opened(self, context)
        self.expire(context.expires_in_s)
        await self.send('{"type":"connection_ack"}')
        return FINE

    def token(self, payload: dict[str, Any]) -> str | None:
        """From the first message; programs may also send it with the handshake."""
        for name, value in payload.items():
            if name.lower() == "authorization" and isinstance(value, str):
                return parse_bearer_token(value)
        return parse_bearer_token(self.ws.headers.get("authorization"))

    async def subscribe(self, message: dict[str, Any]) -> Fault:
        """Begin an operation."""
        name = message.get("id")
        if not self.signed_in:
            return 4401, "Unauthorized"
        if not isinstance(name, str) or not name:
            return 4400, "The id must be a string"
        try:
            wanted = parse_request(message.get("payload"))
        except MalformedRequest as why:
            return 4400, why.reason
        if name in self.members:
            return 4409, f"Subscriber for {name} already exists"
        if len(self.members) >= MOST_OPERATIONS:
            await self.send(self.too_many(name))
        else:
            self.hub.begin(self.open(name, wanted))
        return FINE

    def too_many(self, name: str) -> str:
        """The refusal of one operation more."""
        error = GraphQLError(f"At most {MOST_OPERATIONS} operations on one socket.")
        return (
            f'{{"id":{encode_json_text(name)},"type":"error","payload":{encode_errors([error])}}}'
        )


async def close_socket(ws: WebSocket, code: int, reason: str) -> None:
    """Close, without waiting long for a client that doesn't listen."""
    said = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
    with suppress(OSError, RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await ws.close(code, said)
