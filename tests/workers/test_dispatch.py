"""Tasks are begun as far as there is room for each outside system, and what fails keeps only its own place."""

import asyncio
from collections.abc import Sequence

import pytest

from db.pool import Pool
from tests.worker_tools import make_worker_tools
from workers import dispatch
from workers.dispatch import Dispatcher, TaskPool, run_pool
from workers.loops import LoopBell
from workers.tools import WorkerTools


class KeyedQueue:
    """Work as (key, number), taken in order but for what is full."""

    def __init__(self, *work: tuple[str, int]) -> None:
        self.left, self.done = list(work), list[tuple[str, int]]()
        self.go = asyncio.Event()

    async def take(self, _: WorkerTools, full: Sequence[str]) -> tuple[str, int] | None:
        found = next((each for each in self.left if each[0] not in full), None)
        if found:
            self.left.remove(found)
        return found

    async def do(self, _: WorkerTools, work: tuple[str, int]) -> None:
        if work[0] == "hangs":
            await self.go.wait()
        if work[0] == "fails":
            raise RuntimeError("broken")
        self.done.append(work)


def make_dispatcher(
    queue: KeyedQueue, of_each: int = 2, most: int = 10
) -> Dispatcher[tuple[str, int], str]:
    pool = TaskPool[str]("tests", of_each, most)
    return Dispatcher(pool, queue.take, queue.do, lambda work: work[0])


@pytest.fixture
def tools(db: Pool) -> WorkerTools:
    return make_worker_tools(db)


async def test_what_hangs_for_one_key_is_bounded_and_the_others_are_done(
    tools: WorkerTools,
) -> None:
    queue = KeyedQueue(*(("hangs", n) for n in range(4)), *(("well", n) for n in range(50)))
    source, bell = make_dispatcher(queue), LoopBell()
    running = asyncio.create_task(run_pool(source, tools, 60, bell))
    async with asyncio.timeout(20):
        while len(queue.done) < 50:
            await asyncio.sleep(0.001)
    assert queue.left == [("hangs", 2), ("hangs", 3)]
    assert source.pool.full == ["hangs"]
    queue.go.set()
    async with asyncio.timeout(20):
        while queue.left:  # room is told of at once, not after the loop's rest
            await asyncio.sleep(0.001)
    bell.end()
    async with asyncio.timeout(20):
        await running
    assert len(queue.done) == 54


async def test_what_fails_is_not_tried_again_and_again_at_once(
    tools: WorkerTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "draw_backoff", lambda _: 3600.0)
    queue = KeyedQueue(*(("fails", n) for n in range(10)), ("well", 1))
    source, bell = make_dispatcher(queue), LoopBell()
    running = asyncio.create_task(run_pool(source, tools, 0.001, bell))
    async with asyncio.timeout(20):
        while not queue.done:
            await asyncio.sleep(0.001)
    assert len(queue.left) == 8
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_pool_that_is_cut_off_leaves_no_task(tools: WorkerTools) -> None:
    queue, bell = KeyedQueue(("hangs", 1), ("hangs", 2)), LoopBell()
    source = make_dispatcher(queue)
    running = asyncio.create_task(run_pool(source, tools, 60, bell))
    async with asyncio.timeout(20):
        while queue.left:
            await asyncio.sleep(0.001)
    bell.end()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert source.pool.full == []
    assert queue.done == []
