"""HTTP whose heads are bounded in bytes and in time, also where no proxy stands in front.

uvicorn bounds neither with httptools: forty megabytes of headers came through, and a connection that never
finished its head stayed for ever. `uvicorn --http door.bounded:BoundedHttp` serves it.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 65_536
"""Bytes of a request line with all headers."""
HEAD_SECONDS = 10.0
"""How long a head may take to arrive, from its first byte or from the connection's beginning."""


class BoundedHttp(HttpToolsProtocol):
    """One connection; whoever sends too much or too slowly is told so, and cut off."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.head_bytes = 0
        self.head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self.wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self.stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that is not complete."""
        super().data_received(data)
        if self.head_timer is not None and not self.transport.is_closing():
            self.head_bytes += len(data)
            if self.head_bytes > MOST_HEAD:
                self.cut_off(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins, the first one or one on a connection that was kept."""
        self.wait_for_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self.stop_waiting()
        super().on_headers_complete()

    def wait_for_head(self) -> None:
        """Count from here on, unless that has begun."""
        if self.head_timer is None:
            self.head_bytes = 0
            late = HTTPStatus.REQUEST_TIMEOUT
            self.head_timer = self.loop.call_later(HEAD_SECONDS, self.cut_off, late)

    def stop_waiting(self) -> None:
        """No head is on its way."""
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def cut_off(self, status: HTTPStatus) -> None:
        """Say why, and close."""
        self.stop_waiting()
        if self.transport.is_closing():
            return
        line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        self.transport.write(f"{line}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        self.transport.close()
