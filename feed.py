"""The one feed of changes of a process.

The doorbell says that something happened. The feed then reads it from Postgres, through a reader that it is
given, and fans it out in memory to any number of watchers. A lost ring costs a second.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic
from typing import Generic, Protocol, TypeVar

from redis.asyncio import Redis

import doorbell

log = logging.getLogger("feed")

HEAD_EVERY_S, STALE_S = 1.0, 4.0
LONG_AWAY_S = 3600.0
"""No change is dropped that is as young as this: who has read within it has missed none."""
HEARTBEAT_S = 5.0
BATCH = 1000
MOST_BUFFERED = 2000
ABOUT = ("submission", "campaign", "all")


class FeedChange(Protocol):
    """What the feed has to know of a change to hand it to those whom it concerns."""

    @property
    def position(self) -> int: ...  # noqa: D102
    @property
    def experiment_id(self) -> int | None: ...  # noqa: D102
    @property
    def campaign_id(self) -> int | None: ...  # noqa: D102
    @property
    def submission_id(self) -> int | None: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102


C = TypeVar("C", bound=FeedChange)
C_co = TypeVar("C_co", bound=FeedChange, covariant=True)


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes a watcher wants; what is None or empty doesn't narrow.

    A change of no experiment is everybody's.
    """

    experiments: frozenset[int] | None = None
    campaign_id: int | None = None
    submission_id: int | None = None
    kinds: frozenset[str] = frozenset()

    def fits(self, change: FeedChange) -> bool:
        """Whether a change is wanted."""
        whose = change.experiment_id
        return (
            (self.experiments is None or whose is None or whose in self.experiments)
            and self.campaign_id in (None, change.campaign_id)
            and self.submission_id in (None, change.submission_id)
            and (not self.kinds or change.kind in self.kinds)
        )


EVERYTHING = ChangeFilter()


@dataclass(frozen=True, slots=True)
class FeedHead:
    """How far the changes go; another history means that the database is another one now."""

    position: int
    history: str


class FeedReader(Protocol[C_co]):
    """How the feed reads the truth."""

    async def head(self) -> FeedHead:
        """How far the changes go."""

    async def read(
        self, after: int, upto: int, bound: int, wanted: ChangeFilter
    ) -> tuple[Sequence[C_co], int]:
        """The wanted changes in (after, upto], at most `bound`, and how far that scanned."""

    async def dropped_to(self) -> int:
        """The position up to which changes are not kept any more."""


@dataclass(frozen=True, slots=True)
class ChangeBatch(Generic[C]):
    """Some changes, in order; all wanted ones up to `position` have been handed out with them."""

    position: int
    items: Sequence[C] = ()
    live: bool = False
    """At the head: from here on it is news. Without items it is a heartbeat."""


class OtherHistory(Exception):
    """The database is not the one any more that positions were counted in."""


class PositionExpired(Exception):
    """Some of what came after the position is not kept any more."""

    def __init__(self, dropped_to: int) -> None:
        super().__init__(f"changes up to {dropped_to} are dropped")
        self.dropped_to = dropped_to


@dataclass(eq=False)
class FeedWatcher(Generic[C]):
    """One who follows, with what is to be handed out next."""

    filter: ChangeFilter
    buffer: deque[C] = field(default_factory=deque)
    overrun: bool = False
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    def give(self, change: C) -> None:
        """Keep a change for the watcher; too many, and it reads history again instead."""
        if len(self.buffer) >= MOST_BUFFERED:
            self.overrun = True
            self.buffer.clear()
        if not self.overrun:
            self.buffer.append(change)
        self.rung.set()

    def take(self) -> list[C]:
        """All that is there."""
        taken = list(self.buffer)
        self.buffer.clear()
        self.rung.clear()
        return taken


async def wait_for_ring(rung: asyncio.Event, within_s: float) -> bool:
    """Wait for a ring. `wait_for` could swallow a cancellation that comes at the same time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await rung.wait()
    return rung.is_set()


class ChangeFeed(Generic[C]):
    """The changes of one process: one reader, any number of watchers."""

    def __init__(self, reader: FeedReader[C], heartbeat: float = HEARTBEAT_S) -> None:
        self._reader, self._heartbeat = reader, heartbeat
        self._watchers: dict[tuple[str, int | None], set[FeedWatcher[C]]] = {}
        self._rung = asyncio.Event()
        self._started = asyncio.Event()
        self._head, self._heard_at = FeedHead(0, ""), 0.0
        self.listeners: list[Callable[[C], object]] = []
        """Called with each change at once; they must not wait."""

    @property
    def head(self) -> FeedHead:
        """How far this process has read."""
        return self._head

    @property
    def hears(self) -> bool:
        """Whether the database has answered of late: without it there is no heartbeat either."""
        return monotonic() - self._heard_at < STALE_S

    async def now(self) -> FeedHead:
        """The same, once there is a head."""
        await self._started.wait()
        return self._head

    def look(self) -> None:
        """Read what is new now."""
        self._rung.set()

    @asynccontextmanager
    async def running(self, redis: Redis) -> AsyncIterator["ChangeFeed[C]"]:
        """Follow the database for as long as the block lasts."""
        tasks = [
            asyncio.create_task(self.run()),
            asyncio.create_task(doorbell.hear_rings(redis, self.look)),
        ]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def run(self) -> None:
        """Read at each ring, and every second; an outage is waited out."""
        while True:
            try:
                await self.catch_up()
            except Exception as error:
                log.warning("changes can't be read: %r", error)
            await wait_for_ring(self._rung, HEAD_EVERY_S)
            self._rung.clear()

    async def catch_up(self) -> None:
        """Read up to the head and hand everything out."""
        head = await self._reader.head()
        if (
            not self._started.is_set()
            or head.history != self._head.history
            or (monotonic() - self._heard_at > LONG_AWAY_S and await self._has_missed())
        ):
            self._begin(head)
        while self._head.position < head.position:
            items, through = await self._reader.read(
                self._head.position, head.position, BATCH, EVERYTHING
            )
            for item in items:
                self._hand_out(item)
            self._head = FeedHead(through, head.history)
        self._heard_at = monotonic()

    async def _has_missed(self) -> bool:
        return self._head.position < await self._reader.dropped_to()

    def _begin(self, head: FeedHead) -> None:
        self._head = head
        self._started.set()
        for watcher in chain(*self._watchers.values()):
            watcher.overrun = True
            watcher.rung.set()

    def _hand_out(self, change: C) -> None:
        for listener in self.listeners:
            listener(change)
        for key in zip(ABOUT, (change.submission_id, change.campaign_id, None), strict=True):
            for watcher in self._watchers.get(key, ()):
                if watcher.filter.fits(change):
                    watcher.give(change)

    async def follow(
        self, wanted: ChangeFilter, after: int | None = None
    ) -> AsyncGenerator[ChangeBatch[C], None]:
        """History after a position, or none; then live. Raises `OtherHistory` when that changes, and
        `PositionExpired` where changes after the position are not kept any more.

        The first item that is live says that the head is reached; it has no changes.
        """
        await self._started.wait()
        history = self._head.history
        position = self._head.position if after is None else after
        if after is not None:
            await self._refuse_expired(after)
        with self._join_watcher(wanted) as watcher:
            while history == self._head.history:
                watcher.take()
                watcher.overrun = False
                async for changes in self._history(wanted, position):
                    position = changes.position
                    yield changes
                async for changes in self._news(watcher, position):
                    position = changes.position
                    yield changes
        raise OtherHistory

    async def _refuse_expired(self, position: int) -> None:
        if position < (dropped_to := await self._reader.dropped_to()):
            raise PositionExpired(dropped_to)

    async def _history(
        self, wanted: ChangeFilter, position: int
    ) -> AsyncGenerator[ChangeBatch[C], None]:
        upto = self._head.position
        while position < upto:
            items, through = await self._reader.read(position, upto, BATCH, wanted)
            # Asked for after reading: what was dropped meanwhile may be missing in what was read.
            await self._refuse_expired(position)
            position = through
            yield ChangeBatch(position, items)
        yield ChangeBatch(position, live=True)

    async def _news(
        self, watcher: FeedWatcher[C], position: int
    ) -> AsyncGenerator[ChangeBatch[C], None]:
        while not watcher.overrun:
            items = [change for change in watcher.take() if change.position > position]
            position = max(position, self._head.position)
            if items:
                yield ChangeBatch(position, items, live=True)
            elif not await wait_for_ring(watcher.rung, self._heartbeat) and self.hears:
                yield ChangeBatch(max(position, self._head.position), live=True)

    @contextmanager
    def _join_watcher(self, wanted: ChangeFilter) -> Iterator[FeedWatcher[C]]:
        key = ("campaign", wanted.campaign_id) if wanted.campaign_id else ("all", None)
        key = ("submission", wanted.submission_id) if wanted.submission_id else key
        watcher: FeedWatcher[C] = FeedWatcher(wanted)
        self._watchers.setdefault(key, set()).add(watcher)
        try:
            yield watcher
        finally:
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key]
