"""A lane's hung calls cost that lane alone: real threads that wait for a real FIFO."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import metrics  # noqa: F401 - it tells of lanes
from lanes import CallLane, Lane, LaneFull, LaneTimeout, LaneUnavailable

ROOT = Path(__file__).parent.parent
SOON_S, LONG_S = 0.1, 60.0


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    yield path
    release_fifo(path)


def release_fifo(fifo: Path) -> None:
    """All that hang on it come back."""
    with suppress(OSError):
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


async def leave_hanging(lane: Lane, fifo: Path, times: int) -> None:
    """Leave so many calls behind that hang."""
    calls = [lane.call(fifo.read_bytes, SOON_S) for _ in range(times)]
    assert all(
        isinstance(each, LaneTimeout)
        for each in await asyncio.gather(*calls, return_exceptions=True)
    )
    assert lane.state().hung == times


async def test_calls_that_hang_are_replaced_up_to_a_bound_and_then_refused_at_once(
    fifo: Path,
) -> None:
    lane = Lane("a", LONG_S, at_once=1, most_hung=2)
    await leave_hanging(lane, fifo, 1)
    assert await lane.call(lambda: 7) == 7
    with pytest.raises(LaneTimeout, match=r"no answer within 0\.1 s"):
        await lane.call(fifo.read_bytes, SOON_S)
    began = []
    with pytest.raises(LaneFull, match="2 calls hang since"):
        await lane.call(lambda: began.append(1))
    state = lane.state()
    assert (state.hung, state.in_use, state.is_open, state.refused) == (2, 0, True, 1)
    assert state.hung_since is not None
    release_fifo(fifo)
    async with asyncio.timeout(30):
        while lane.state().hung:
            await asyncio.sleep(0.01)
    await lane.call(lambda: began.append(2))
    assert began == [2]
    assert lane.state().hung_since is None


async def test_what_waits_behind_calls_that_hang_is_begun_or_refused_and_never_forgotten(
    fifo: Path,
) -> None:
    lane = Lane("a", LONG_S, at_once=1, most_hung=2)
    hanging = asyncio.create_task(lane.call(fifo.read_bytes, SOON_S))
    await asyncio.sleep(0)
    assert await lane.call(lambda: 7) == 7  # begun when the first was given up
    with pytest.raises(LaneTimeout):
        await hanging
    second = asyncio.create_task(lane.call(fifo.read_bytes, SOON_S))
    await asyncio.sleep(0)
    with pytest.raises(LaneFull):
        await lane.call(lambda: 7)
    with pytest.raises(LaneTimeout):
        await second


async def test_another_lane_and_the_event_loop_go_on(fifo: Path) -> None:
    hung, well = Lane("a", LONG_S, at_once=3, most_hung=3), Lane("b", LONG_S, at_once=1)
    await leave_hanging(hung, fifo, 3)
    assert [await well.call(partial(pow, n, 2)) for n in range(20)] == [n * n for n in range(20)]
    assert well.state().timed_out == 0


async def test_no_more_run_at_once_than_may_and_no_more_wait(fifo: Path) -> None:
    lane, most, now, guard = Lane("a", LONG_S, at_once=3, most_waiting=20), 0, 0, threading.Lock()

    def work() -> None:
        nonlocal most, now
        with guard:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.01)
        with guard:
            now -= 1

    await asyncio.gather(*(lane.call(work) for _ in range(20)))
    assert most == 3
    late = [asyncio.create_task(lane.call(fifo.read_bytes, LONG_S)) for _ in range(24)]
    with pytest.raises(LaneFull, match="20 calls wait already"):
        await next(asyncio.as_completed(late))
    assert [each.done() for each in late].count(True) == 1
    state = lane.state()
    assert (state.in_use, state.waiting, state.refused) == (3, 20, 1)
    for each in late:
        each.cancel()
    await asyncio.gather(*late, return_exceptions=True)


async def test_what_waited_too_long_is_never_begun(fifo: Path) -> None:
    lane, began = Lane("a", LONG_S, at_once=1), list[int]()
    first = asyncio.create_task(lane.call(fifo.read_bytes, LONG_S))
    await asyncio.sleep(0)
    with pytest.raises(LaneTimeout):
        await lane.call(lambda: began.append(1), SOON_S)
    release_fifo(fifo)
    assert await first == b""
    await lane.call(lambda: began.append(2))
    assert began == [2]


async def test_who_is_cancelled_leaves_a_thread_that_is_replaced(fifo: Path) -> None:
    lane = Lane("a", LONG_S, at_once=1)
    task = asyncio.create_task(lane.call(fifo.read_bytes))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lane.state().hung == 1
    assert await lane.call(lambda: 7) == 7


async def test_a_call_raises_what_its_work_raises_also_a_timeout_of_its_own() -> None:
    lane = Lane("a", LONG_S)

    def late() -> None:
        raise TimeoutError("the lock is held")

    with pytest.raises(TimeoutError, match="the lock is held"):
        await lane.call(late)
    assert (lane.state().hung, lane.state().timed_out) == (0, 0)


async def test_only_a_read_is_tried_again_and_only_after_what_passes() -> None:
    lane, tries = Lane("a", LONG_S), list[int]()

    def third() -> int:
        tries.append(1)
        if len(tries) % 3:
            raise ConnectionError("not yet")
        return len(tries)

    with pytest.raises(ConnectionError):
        await lane.call(third)
    assert await lane.read(third, ConnectionError) == 3
    with pytest.raises(ConnectionError):
        await lane.read(third, LookupError)
    assert len(tries) == 4


async def test_a_read_never_takes_longer_than_its_time(fifo: Path) -> None:
    lane = Lane("a", LONG_S, most_hung=10)
    with pytest.raises(LaneTimeout):
        await lane.read(fifo.read_bytes, LaneUnavailable, SOON_S)
    assert lane.state().hung == 1  # it had no time for another


PROGRAM = """
import asyncio, sys
from pathlib import Path
from lanes import Lane, LaneTimeout

async def main():
    lane = Lane("a", 60, at_once=1, most_hung=2)
    lane.start(Path(sys.argv[1]).read_bytes, 60)
    try:
        await lane.call(Path(sys.argv[1]).read_bytes, 0.1)
    except LaneTimeout:
        print("given up", flush=True)

asyncio.run(main())
"""


def test_a_process_ends_whatever_hangs(fifo: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(fifo)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "given up\n"), done.stderr


async def test_prometheus_is_told_of_a_lane_that_hangs(fifo: Path) -> None:
    lane = Lane("of-this-test", LONG_S, at_once=2, most_hung=2)
    await leave_hanging(lane, fifo, 2)
    with pytest.raises(LaneFull):
        await lane.call(lambda: 7)

    def value(name: str) -> float | None:
        return REGISTRY.get_sample_value(f"poms_lane_{name}", {"lane": "of-this-test"})

    told = {name: value(name) for name in ("hung", "open", "in_use", "waiting")}
    assert told == {"hung": 2, "open": 1, "in_use": 0, "waiting": 0}
    assert (value("timed_out_total"), value("refused_total")) == (2, 1)


async def test_calls_without_an_answer_open_a_call_lane_until_a_probe_has_one() -> None:
    lane = CallLane("d", LONG_S, most_failed=2, probe_s=SOON_S)
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            async with lane.enter((OSError,)):
                raise OSError("away")
    with pytest.raises(LaneFull, match="2 calls in a row got no answer"):
        async with lane.enter((OSError,)):
            pytest.fail("It was begun.")
    assert (lane.state().is_open, lane.state().refused) == (True, 1)
    await asyncio.sleep(SOON_S)
    async with lane.enter((OSError,)):
        assert lane.state().in_use == 1
    assert (lane.state().is_open, lane.state().in_use) == (False, 0)


async def test_what_was_wrongly_asked_does_not_open_a_call_lane() -> None:
    lane = CallLane("e", LONG_S, most_failed=1)
    with pytest.raises(KeyError):
        async with lane.enter((OSError,)):
            raise KeyError
    assert not lane.state().is_open


async def test_a_refusal_is_an_answer_and_closes_a_call_lane() -> None:
    lane = CallLane("g", LONG_S, most_failed=1, probe_s=0)
    with pytest.raises(OSError, match="away"):
        async with lane.enter((OSError,)):
            raise OSError("away")
    assert lane.state().is_open
    with pytest.raises(KeyError):
        async with lane.enter((OSError,)):
            raise KeyError
    assert not lane.state().is_open


async def test_a_call_lane_gives_up_what_takes_too_long_and_what_waits_for_it() -> None:
    lane = CallLane("f", SOON_S, at_once=1, most_failed=9)

    async def wait_for_ever() -> None:
        async with lane.enter((OSError,)):
            await asyncio.Event().wait()

    ends = await asyncio.gather(wait_for_ever(), wait_for_ever(), return_exceptions=True)
    assert [type(end) for end in ends] == [LaneTimeout, LaneTimeout]
    state = lane.state()
    assert (state.timed_out, state.in_use, state.waiting) == (2, 0, 0)
