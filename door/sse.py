"""Server-sent events: one operation per response, for clients that like plain HTTP."""

import asyncio

from starlette.types import Receive, Send

from door.channels import Channel, RunMember
from door.media import EVENTS

PING_SECONDS = 12.0
COMPLETE = "event: complete\ndata:\n\n"
HEADERS = [
    (b"content-type", f"{EVENTS}; charset=utf-8".encode()),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class EventStreamChannel(Channel):
    """One response that goes on."""

    def __init__(self, receive: Receive, send: Send) -> None:
        super().__init__()
        self.receive, self.raw = receive, send

    def next(self, member: RunMember, payload: str) -> str:
        """One result as an event."""
        return f"event: next\ndata: {payload}\n\n"

    def end(self, member: RunMember, kind: str, payload: str) -> str:
        """The end; this protocol has no event for errors, they come as a result."""
        last = f'event: next\ndata: {{"errors":{payload}}}\n\n' if kind == "error" else ""
        return last + COMPLETE

    async def send(self, message: str) -> None:
        """Write, and be done after the last event."""
        await self.raw({"type": "http.response.body", "body": message.encode(), "more_body": True})
        if message.endswith(COMPLETE):
            self.close(0, "")

    async def watch(self) -> None:
        """Notice when the client goes."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def ping(self) -> None:
        """Keep proxies from thinking that nobody is there."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            await self.raw({"type": "http.response.body", "body": b":\n\n", "more_body": True})

    async def respond(self) -> None:
        """Answer until there is no more; without `complete`, the client knows to come back."""
        await self.raw({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await self.serve(self.watch(), self.ping())
        await self.raw({"type": "http.response.body", "body": b""})
