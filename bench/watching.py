"""Many watchers on as many websockets, in a process of their own.

Arguments: port, path, token, how many watchers; the subscription's payload comes as the first line.
Says `{}` once everybody has heard something. Then each line is a number of messages with a time in
them that everybody is to get; the answer says when the last one came, and how long they took.
"""

import asyncio
import os
import statistics
import struct
import sys
import time
from base64 import b64encode
from typing import Any, cast

import orjson
import uvloop

HOST, MARK = "127.0.0.1", b"t="
TEXT, PING, PONG = 0x81, 0x89, 0x8A
PATIENCE_S = 60.0


def build_frame(text: bytes, kind: int = TEXT) -> bytes:
    """A frame as clients send them, masked with nothing."""
    size = len(text)
    head = bytes([kind, 0x80 | size]) if size < 126 else struct.pack(">BBH", kind, 0x80 | 126, size)
    return head + bytes(4) + text


class WatcherTally:
    """What all watchers have had."""

    def __init__(self, watchers: int) -> None:
        self.heard, self.left = watchers, 0
        self.news = asyncio.Event()
        self.took: list[float] = []
        self.last = 0.0

    def first(self) -> None:
        """One more watcher has heard something."""
        self.heard -= 1
        if self.heard == 0:
            self.news.set()

    def count(self, since: int, now: float) -> None:
        """One more message with a time in it came."""
        self.took.append(now - since / 1e9)
        self.left -= 1
        if self.left == 0:
            self.last = now
            self.news.set()

    async def wait(self) -> None:
        """Until everybody has had everything."""
        try:
            await asyncio.wait_for(self.news.wait(), PATIENCE_S)
        except TimeoutError:
            raise SystemExit(f"{self.left} messages to {self.heard} watchers are missing") from None
        self.news.clear()


class WatcherConnection(asyncio.Protocol):
    """One websocket with one subscription on it."""

    def __init__(self, tally: WatcherTally, hello: list[bytes]) -> None:
        self.tally, self.hello = tally, hello
        self.buffer, self.heard, self.open = b"", False, False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a websocket."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.hello[0])

    def data_received(self, data: bytes) -> None:
        """Take all whole frames."""
        self.buffer = data = self.buffer + data if self.buffer else data
        if not self.open:
            return self.start_watching()
        now, at = time.monotonic(), 0
        while (end := self.end(data, at)) is not None:
            self.message(data, at, end, now)
            at = end
        self.buffer = data[at:]
        return None

    def end(self, data: bytes, at: int) -> int | None:
        """Where the frame that begins here ends, if that has come."""
        if len(data) < at + 4:
            return None
        size = data[at + 1]
        if size == 126:
            size = 2 + (data[at + 2] << 8 | data[at + 3])
        elif size == 127:
            raise RuntimeError("a message is longer than was thought of")
        end = at + 2 + size
        return end if end <= len(data) else None

    def start_watching(self) -> None:
        """Greet and subscribe, once the server has agreed."""
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if found:
            assert head.startswith(b"HTTP/1.1 101"), head
            assert self.transport is not None
            self.open, self.buffer = True, rest
            self.transport.write(self.hello[1] + self.hello[2])

    def message(self, data: bytes, at: int, end: int, now: float) -> None:
        """One message of the server."""
        mark = data.find(MARK, at, end)
        if mark >= 0:
            try:
                since = int(data[mark + 2 : data.index(b";", mark)])
            except ValueError:
                raise RuntimeError(data[at:end]) from None
            if since:
                self.tally.count(since, now)
        if not self.heard and data.find(b'"next"', at, end) >= 0:
            self.heard = True
            self.tally.first()
        elif data[at] == PING:
            cast(asyncio.Transport, self.transport).write(build_frame(data[at + 2 : end], PONG))
        elif data[at] != TEXT or data.find(b'"error', at, end) >= 0:
            raise RuntimeError(data[at:end])

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is to hang up before all is over."""
        raise exc or RuntimeError(f"the server closed a socket: {self.buffer[:300]!r}")


def build_greetings(path: str, port: int, token: str, payload: Any) -> list[bytes]:
    """What a watcher sends: the handshake, who it is, what it wants."""
    shake = (
        f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
    wanted = {"id": "1", "type": "subscribe", "payload": payload}
    return [shake.encode(), build_frame(orjson.dumps(init)), build_frame(orjson.dumps(wanted))]


def write_line(what: dict[str, float]) -> None:
    """One line for the process that asked."""
    sys.stdout.buffer.write(orjson.dumps(what) + b"\n")
    sys.stdout.buffer.flush()


async def run_watchers(port: int, path: str, token: str, watchers: int) -> None:
    """Connect everybody, then count what comes."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: os._exit(report_problem(context)))
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    hello = build_greetings(path, port, token, orjson.loads(await lines.readline()))
    tally = WatcherTally(watchers)
    for _ in range(watchers):
        await loop.create_connection(lambda: WatcherConnection(tally, hello), HOST, port)
    await tally.wait()
    write_line({})
    while line := await lines.readline():
        tally.left = int(line) * watchers
        tally.took.clear()
        write_line({})
        await tally.wait()
        cuts = statistics.quantiles(tally.took, n=100)
        write_line({"last": tally.last, "p50": cuts[49], "p99": cuts[98]})


def report_problem(context: dict[str, Any]) -> int:
    """Tell what went wrong, before all ends."""
    sys.stderr.write(f"{context.get('exception')!r} {context.get('message')}\n")
    return 1


if __name__ == "__main__":
    uvloop.run(run_watchers(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
    os._exit(0)
