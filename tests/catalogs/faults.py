"""Faults of a catalog's server, on demand: put in front of a stand-in, or of a proxy to a real server."""

import asyncio
import json
from dataclasses import dataclass, fields
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FAULTS_PATH = "/faults"
"""Where faults are set, by PUT of a JSON object; an empty one is a server without faults."""


class AnswerCut(Exception):
    """Ends a connection in the middle of an answer."""


@dataclass
class ServerFaults:
    """What goes wrong, `times` times (None: until told otherwise), with paths that contain `path`."""

    status: int = 0
    """Answer this instead; 0: answer as always."""
    text: str = "Service Unavailable"
    cut_after: int | None = None
    """After so many bytes of an answer the connection breaks."""
    delay_s: float = 0
    path: str = ""
    times: int | None = None

    def take(self, path: str) -> bool:
        """Whether this request meets them."""
        if self.path not in path or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultInjector:
    """An application with faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._faults = app, ServerFaults()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or do what goes wrong."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == FAULTS_PATH:
            self._faults = ServerFaults(**json.loads(await _read_body(receive) or b"{}"))
            await _send_text(send, 200, "")
        elif not self._faults.take(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await self._answer_with_faults(self._faults, scope, receive, send)

    async def _answer_with_faults(
        self, faults: ServerFaults, scope: Scope, receive: Receive, send: Send
    ) -> None:
        await asyncio.sleep(faults.delay_s)
        if faults.status:
            await _send_text(send, faults.status, faults.text)
            return
        left = faults.cut_after

        async def send_bounded(message: Message) -> None:
            nonlocal left
            if left is not None and message["type"] == "http.response.body":
                body = message.get("body", b"")
                if len(body) > left:
                    await send(
                        {"type": "http.response.body", "body": body[:left], "more_body": True}
                    )
                    raise AnswerCut
                left -= len(body)
            await send(message)

        await self._app(scope, receive, send_bounded)


def encode_faults(**faults: Any) -> str:
    """What is put to FAULTS_PATH; a name that there is not fails here."""
    assert set(faults) <= {each.name for each in fields(ServerFaults)}, faults
    return json.dumps(faults)


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def _send_text(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
