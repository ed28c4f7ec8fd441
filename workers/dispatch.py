"""Work that may wait for something outside goes on in tasks of its own: so many at once for each outside system.

A loop takes work and hands it out, and waits for none: what hangs at one batch system (or reads the large files of
one experiment) keeps only what is there.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, Protocol, TypeVar

import metrics
from workers.loops import LoopBell, draw_backoff, run_loop
from workers.tools import WorkerTools, log

_Key = TypeVar("_Key")
_Work = TypeVar("_Work")


class TaskPool(Generic[_Key]):
    """Tasks by what they may wait for: at most `of_each` for one, at most `most` for all."""

    def __init__(self, name: str, of_each: int, most: int) -> None:
        self.name, self._of_each, self._most = name, of_each, most
        self._tasks: dict[asyncio.Task[None], _Key] = {}
        self._faults = 0
        self.bell = LoopBell()
        """Rung when there is room again."""

    @property
    def full(self) -> list[_Key]:
        """For which nothing more may begin."""
        return [
            key for key, tasks in Counter(self._tasks.values()).items() if tasks >= self._of_each
        ]

    @property
    def has_room(self) -> bool:
        """Whether anything more may begin."""
        return len(self._tasks) < self._most

    def start(self, key: _Key, work: Coroutine[Any, Any, None]) -> None:
        """Let it go on by itself; what it raises is logged, and keeps its place for a while."""
        task = asyncio.create_task(self._go_on(work))
        self._tasks[task] = key
        task.add_done_callback(self._end)

    async def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            self._faults = 0
        except Exception:
            self._faults += 1
            metrics.LOOP_FAULTS.labels(self.name).inc()
            log.exception("%s failed, for the %s. time in a row", self.name, self._faults)
            await asyncio.sleep(draw_backoff(self._faults))

    def _end(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self.bell.set()

    async def drain(self) -> None:
        """Wait for all."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def cancel(self) -> None:
        """Cut all off; what they had taken is free again when their leases end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Dispatcher(Generic[_Work, _Key]):
    """Takes work as long as there is room for it."""

    def __init__(
        self,
        pool: TaskPool[_Key],
        take: Callable[[WorkerTools, Sequence[_Key]], Awaitable[_Work | None]],
        do: Callable[[WorkerTools, _Work], Coroutine[Any, Any, None]],
        key_of: Callable[[_Work], _Key],
    ) -> None:
        """`take` gets the keys for which there is no room."""
        self.pool, self._take, self._do, self._key_of = pool, take, do, key_of

    async def step(self, tools: WorkerTools) -> bool:
        """Hand one out; false when there is none, no room, or doubt whose clusters these are."""
        if tools.guard.doubt or not self.pool.has_room:
            return False
        work = await self._take(tools, self.pool.full)
        if work is None:
            return False
        self.pool.start(self._key_of(work), self._do(tools, work))
        return True


class TaskSource(Protocol):
    """A step that hands out work."""

    pool: TaskPool[Any]

    async def step(self, tools: WorkerTools) -> bool:
        """Hand some out; false when there is no more, or no room."""
        ...


async def run_pool(source: TaskSource, tools: WorkerTools, idle_s: float, bell: LoopBell) -> None:
    """Hand out until the bell's end, then wait for what is in hand."""
    pool = source.pool
    pool.bell = bell
    try:
        await run_loop(pool.name, source.step, tools, idle_s, bell)
        await pool.drain()
    finally:
        await pool.cancel()
