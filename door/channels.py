"""Connections that stay open, and what is still to be sent on them."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

from door.answers import encode_json_text
from door.context import DoorContext
from door.requests import GraphQLRequest

if TYPE_CHECKING:
    from door.runs import OperationRun

log = logging.getLogger("door")

MOST_PENDING = 256
"""Results that wait for one operation of a client that is slow to read."""
FEW_PENDING = 64
"""So few must be left before a history goes on, or a straggler joins the others again."""


class RunMember:
    """One operation of one client: results come in from a run and go out on a channel."""

    def __init__(self, channel: "Channel", name: str, ask: GraphQLRequest) -> None:
        self.channel, self.name, self.ask = channel, name, ask
        self.quoted = encode_json_text(name)
        self.pending: deque[str] = deque()
        self.ending: tuple[str, str] | None = None
        self.queued = self.ended = False
        self.room = asyncio.Event()
        self.room.set()
        self.run: OperationRun | None = None
        self.position: int | None = None
        """All up to here has been queued, or doesn't concern this member."""
        self.ahead: int | None = None
        """Results up to here were had before joining and come a second time."""

    def push(self, payload: str) -> bool:
        """Queue one result; False when too many wait already."""
        if len(self.pending) >= MOST_PENDING:
            return False
        self.pending.append(payload)
        if len(self.pending) > FEW_PENDING:
            self.room.clear()
        self.channel.ready(self)
        return True

    def replace(self, payload: str) -> None:
        """Queue one result in place of all that still wait."""
        self.pending.clear()
        self.push(payload)

    def finish(self, kind: str, payload: str = "") -> None:
        """No more results; `kind` is complete or error."""
        self.run = None
        if self.ending is None:
            self.ending = kind, payload
            self.channel.ready(self)

    def leave(self) -> None:
        """The client wants no more."""
        self.pending.clear()
        self.ended = True
        if self.run is not None:
            self.run.leave(self)

    @property
    def waits(self) -> bool:
        """Whether there is something to send."""
        return bool(self.pending) or (self.ending is not None and not self.ended)

    def take(self) -> str:
        """The next message for the wire."""
        if self.pending:
            payload = self.pending.popleft()
            if len(self.pending) <= FEW_PENDING:
                self.room.set()
            return self.channel.next(self, payload)
        self.ended = True
        self.channel.members.pop(self.name, None)
        return self.channel.end(self, *(self.ending or ("complete", "")))


class Channel(ABC):
    """One open connection; its operations take turns."""

    context: DoorContext
    """Whose connection this is, once that is known."""

    def __init__(self) -> None:
        self.members: dict[str, RunMember] = {}
        self.turns: deque[RunMember] = deque()
        self.wake = asyncio.Event()
        self.deadline: asyncio.TimerHandle | None = None
        self.shut: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    @abstractmethod
    def next(self, member: RunMember, payload: str) -> str:
        """One result as it goes over the wire."""

    @abstractmethod
    def end(self, member: RunMember, kind: str, payload: str) -> str:
        """The end of an operation as it goes over the wire."""

    @abstractmethod
    async def send(self, message: str) -> None:
        """Write to the client; waits while its buffers are full."""

    def ready(self, member: RunMember) -> None:
        """A member has something to send: it gets a turn."""
        if not member.queued:
            member.queued = True
            self.turns.append(member)
            self.wake.set()

    def close(self, code: int, reason: str) -> None:
        """End the connection; the first reason counts."""
        if not self.shut.done():
            self.shut.set_result((code, reason))

    def overrun(self) -> None:
        """A client that can't resume doesn't keep up."""
        self.close(4013, "Too slow: subscribe again")

    def open(self, name: str, ask: GraphQLRequest) -> RunMember:
        """Begin an operation."""
        member = self.members[name] = RunMember(self, name, ask)
        return member

    def drop(self, name: str) -> None:
        """End an operation because its client said so, or is gone."""
        member = self.members.pop(name, None)
        if member is not None:
            member.leave()

    def drop_all(self) -> None:
        """End all operations."""
        for name in tuple(self.members):
            self.drop(name)

    async def write(self) -> None:
        """Send whatever gets ready, one message of each operation in turn."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self.turns:
                member = self.turns.popleft()
                member.queued = False
                if not member.waits:
                    continue
                message = member.take()
                if member.waits:
                    self.ready(member)
                await self.send(message)

    def expire(self, left_s: float | None) -> None:
        """Close when the viewer's token ends."""
        if left_s is not None:
            self.timer(max(0.0, left_s), 4401, "Unauthorized: the token expired")

    def timer(self, seconds: float, code: int, reason: str) -> None:
        """Close after a while, unless another timer is set before."""
        self.stop_timer()
        loop = asyncio.get_running_loop()
        # a year is more than a loop's clock may be told, and than any connection lasts
        self.deadline = loop.call_later(min(seconds, 30_000_000), self.close, code, reason)

    def stop_timer(self) -> None:
        """Let nothing close it by the clock."""
        if self.deadline is not None:
            self.deadline.cancel()

    async def work(self, part: Coroutine[Any, Any, None]) -> None:
        """One part of serving a connection; when it ends, so does the connection."""
        try:
            await part
        except (OSError, WebSocketDisconnect):
            pass
        except Exception:
            log.exception("a connection failed")
            self.close(1011, "Internal error")
        finally:
            self.close(0, "")

    async def serve(self, *parts: Coroutine[Any, Any, None]) -> tuple[int, str]:
        """Do all parts until the connection is to end; 0 says that the client is gone, or done."""
        tasks = [asyncio.create_task(self.work(part)) for part in (self.write(), *parts)]
        try:
            return await self.shut
        finally:
            self.stop_timer()
            self.drop_all()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
