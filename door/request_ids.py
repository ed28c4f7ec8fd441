"""Ids by which a user's report is found in the log."""

from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

import log_lines

HEADER = b"x-request-id"


class RequestIds:
    """Gives each request (or socket) an id, which is in its answer's headers and in every line of the log about it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name it while it is answered."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        request_id = uuid4().hex[:16]

        async def send_named(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                others = [
                    pair for pair in message.get("headers") or () if pair[0].lower() != HEADER
                ]
                message = {**message, "headers": [*others, (HEADER, request_id.encode())]}
            await send(message)

        with log_lines.name_subjects(request_id=request_id):
            return await self.app(scope, receive, send_named)
