"""Asks one request again and again on a few connections, in a process of its own.

Reads one JSON line for each run (port, request, connections, seconds; 0 seconds: ask once) and
writes one. It does next to nothing per answer, so that it is not what is measured.
"""

import asyncio
import sys
import time
from typing import cast

import orjson
import uvloop

HOST = "127.0.0.1"
END = b"\r\n\r\n"


class LoadConnection(asyncio.Protocol):
    """One connection that asks as soon as it was answered."""

    def __init__(self, request: bytes, until: float) -> None:
        self.request, self.until = request, until
        self.answers, self.buffer, self.last = 0, b"", b""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are not its subclasses
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Ask again once the answer is whole."""
        self.buffer = self.buffer + data if self.buffer else data
        head = self.buffer.find(END)
        body = head + len(END)
        if head < 0 or len(self.buffer) < body + parse_content_length(self.buffer[:head]):
            return
        if self.buffer.startswith(b"HTTP/1.1 200"):
            self.last, self.buffer = self.buffer[body:], b""
            self.answers += 1
            self.go_on()
        else:
            self.fail(RuntimeError(self.buffer[:500].decode()))

    def go_on(self) -> None:
        """Ask again, or stop when the time is over."""
        assert self.transport is not None
        if time.monotonic() < self.until:
            self.transport.write(self.request)
        elif not self.over.done():
            self.over.set_result(None)

    def fail(self, error: Exception) -> None:
        """Stop at once."""
        if not self.over.done():
            self.over.set_exception(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has hung up."""
        self.fail(exc or RuntimeError("the server closed the connection"))


def parse_content_length(head: bytes) -> int:
    """How long the body is, by its header."""
    lowered = head.lower()
    at = lowered.index(b"content-length:") + 15
    end = lowered.find(b"\r\n", at)
    return int(lowered[at : end if end >= 0 else None])


async def load_server(what: dict[str, str | int | float]) -> dict[str, float | str]:
    """Load a server; say how many answers came in a second, and the last one's body."""
    loop = asyncio.get_running_loop()
    request, seconds = str(what["request"]).encode(), float(what["seconds"])
    began = time.monotonic()
    count = int(what["connections"]) if seconds else 1
    made = [
        await loop.create_connection(
            lambda: LoadConnection(request, began + seconds), HOST, int(what["port"])
        )
        for _ in range(count)
    ]
    await asyncio.gather(*(protocol.over for _, protocol in made))
    took = time.monotonic() - began
    for transport, _ in made:
        transport.close()
    answers = sum(protocol.answers for _, protocol in made)
    return {"rate": answers / took, "answers": answers, "body": made[0][1].last.decode()}


def main() -> None:
    """Serve runs until nobody asks for more."""
    for line in sys.stdin.buffer:
        found = uvloop.run(load_server(orjson.loads(line)))
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
