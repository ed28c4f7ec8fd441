"""The local runner is killed at any moment, and nothing is lost or done twice."""

import asyncio
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from batch import Launch
from batch.local import LocalBatchSystem, journal
from batch.local.folder import RunnerFolder
from batch.local.processes import MARK, kill_carrying
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, LocalFixture, wait_for_condition
from tests.conftest import wait_until
from tests.workers.test_hostile_children import build_start_lines_in, count_alive


@pytest.fixture
def bench(local: LocalFixture) -> LocalFixture:
    return local


WRITES = 'sleep 0.05; echo "$POMS_JOB" > "$POMS_JOB.out"'


def list_attempts(launch: Launch, number: int) -> list[int]:
    path = launch.directory / f"starts/{number}.jsonl"
    return [json.loads(line)["attempt"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("seed", range(3))
async def test_a_runner_killed_at_any_moment_loses_nothing_and_starts_nothing_twice(
    bench: LocalFixture, feed: CommittingFeed, seed: int
) -> None:
    luck = random.Random(seed)
    launch = bench.launch("m1", WRITES, 30)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    for _ in range(10):
        bench.start(slots=3)
        await asyncio.sleep(luck.uniform(0.02, 0.4))
        bench.kill()
        await feed.read()
    bench.start(slots=3)
    states = await feed.until_over(native_id, range(1, 31))
    assert set(states.values()) == {JobState.SUCCEEDED}
    for number in range(1, 31):
        (attempt,) = list_attempts(launch, number)
        # A number may have been used up by a runner that was killed before it forked.
        told = [("idle", 0), ("running", attempt), ("succeeded", attempt)]
        assert feed.list_states(number) == told
    assert len({event.sequence for event in feed.events}) == len(feed.events) == 90
    assert len(list(bench.store.iterdir())) == 30


async def test_a_starter_killed_with_its_runner_is_started_again_as_the_next_attempt(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    launch = bench.launch("m1", 'echo x > 1.out; [ "$POMS_ATTEMPT" = 2 ] || exec sleep 60')
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await wait_for_condition(lambda: bench.has_started(launch, 1))
    bench.kill()
    os.kill(find_starter(bench, native_id), signal.SIGKILL)
    bench.start()
    await feed.until_over(native_id, [1])
    told = [("idle", 0), ("running", 1), ("idle", 1), ("running", 2), ("succeeded", 2)]
    assert feed.list_states(1) == told
    assert list_attempts(launch, 1) == [1, 2]
    assert bench.left_over() == [], "what the first attempt left was ended before the second began"


def test_who_executes_itself_over_and_over_is_ended_too(tmp_path: Path) -> None:
    """In the midst of `exec` a process shows no environment, and was passed over."""
    again = 'f="exec /bin/sh -c \\"\\$f\\""; export f; eval "$f"'
    for number in range(20):
        folder = str(tmp_path / str(number))
        job = subprocess.Popen(["/bin/sh", "-c", again], env={MARK: folder})
        try:
            time.sleep(0.02)
            assert job.poll() is None
            kill_carrying(folder.__eq__)
            assert job.wait(5) == -signal.SIGKILL
        finally:
            job.kill()
            job.wait()


async def test_a_job_whose_starters_always_vanish_is_failed_after_three(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    launch = bench.launch("m1", "exec sleep 60")
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    for attempt in (1, 2, 3):

        async def has_begun(attempt: int = attempt) -> bool:
            return bench.starts(launch, 1) == attempt

        await wait_for_condition(has_begun)
        os.kill(find_starter(bench, native_id, attempt), signal.SIGKILL)
    assert (await feed.until_over(native_id, [1]))[1] == JobState.FAILED
    assert (feed.events[-1].attempt, feed.events[-1].code) == (3, 100)
    assert list_attempts(launch, 1) == [1, 2, 3]


async def test_a_stopped_runner_evicts_its_jobs_soon_and_they_run_again(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    runner = bench.start()
    launch = bench.launch("m1", 'echo x > 1.out; [ "$POMS_ATTEMPT" = 2 ] || exec sleep 60')
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await wait_for_condition(lambda: bench.has_started(launch, 1))
    begin = time.monotonic()
    runner.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(runner.wait) == 0
    assert time.monotonic() - begin < 30
    await feed.read()
    assert feed.list_states(1)[-1] == ("idle", 1)
    assert bench.left_over() == []
    bench.start()
    await feed.until_over(native_id, [1])
    assert feed.list_states(1)[-1] == ("succeeded", 2)


async def test_a_hold_asked_of_a_killed_runner_is_done_by_the_next(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    launch = bench.launch("m1", "exec sleep 60", 2)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1, 2])
    bench.kill()
    await bench.act(JobActionVerb.HOLD, native_id, "wait", [1])
    await bench.act(JobActionVerb.REMOVE, native_id, "enough", [2])
    bench.start()
    await feed.until(native_id, JobState.HELD, [1])
    await feed.until(native_id, JobState.REMOVED, [2])
    assert bench.left_over() == []


async def test_half_a_line_of_a_killed_writer_is_never_read(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    native_id = await bench.submit(bench.launch("m1", WRITES))
    await bench.open(native_id)
    await feed.until_over(native_id, [1])
    bench.kill()
    path = next(Path(RunnerFolder(bench.spool).journal).iterdir())
    whole = path.read_bytes()
    for cut in (1, 40, len(whole.splitlines()[-1])):
        path.write_bytes(whole + whole.splitlines()[-1][:cut])
        await feed.read()
        assert len(feed.events) == 3
    other = await bench.submit(bench.launch("m2", WRITES))
    await bench.open(other)
    bench.start()
    await feed.until_over(other, [1])
    assert len(feed.events) == 6


async def test_a_reader_finishes_one_generation_before_the_next(tmp_path: Path) -> None:
    folder = RunnerFolder(tmp_path)
    folder.make()
    writer = journal.RunnerJournal(folder, bytes_=1)
    at = "2026-01-01T00:00:00+00:00"
    for number in range(1, 5):
        writer.write(native_id="1", number=number, attempt=0, state="idle", at=at)
        writer.flush()
        assert writer.is_full
        last = {"native_id": "1", "number": number, "attempt": 0, "state": "idle"}
        writer.rotate([last])
    feed = CommittingFeed(LocalBatchSystem(tmp_path))
    for _ in range(8):
        await feed.read(bound=1)
    assert [event.number for event in feed.events] == [1, 2, 3, 4]
    assert [event.sequence for event in feed.events] == sorted(
        event.sequence for event in feed.events
    )
    assert journal.list_generations(folder) == [3, 4, 5], "what was read long ago is removed"
    late = CommittingFeed(LocalBatchSystem(tmp_path))
    await late.read()
    assert {event.number for event in late.events} >= {3, 4}


async def test_after_a_power_failure_a_reader_is_told_all_states_again(tmp_path: Path) -> None:
    folder = RunnerFolder(tmp_path)
    folder.make()
    writer = journal.RunnerJournal(folder)
    at = "2026-01-01T00:00:00+00:00"
    writer.write(native_id="1", number=1, attempt=0, state="idle", at=at)
    writer.flush()
    kept = writer.size
    writer.write(native_id="1", number=1, attempt=1, state="running", at=at)
    writer.flush()
    feed = CommittingFeed(LocalBatchSystem(tmp_path))
    await feed.read()
    os.truncate(Path(folder.journal) / f"{1:08d}", kept)
    writer.rotate([{"native_id": "1", "number": 1, "attempt": 0, "state": "idle"}])
    writer.write(native_id="1", number=1, attempt=2, state="running", at=at)
    writer.flush()
    await feed.read()
    told = [("idle", 0), ("running", 1), ("idle", 0), ("running", 2)]
    assert feed.list_states(1) == told


def find_starter(bench: LocalFixture, native_id: str, attempt: int = 1) -> int:
    path = bench.spool / f"local/scratch/{native_id}.1.{attempt}/started.json"
    return int(json.loads(path.read_text())["pid"])


@pytest.mark.parametrize("killed", [False, True])
async def test_children_of_a_job_that_want_to_stay_end_with_it_and_with_its_starter(
    bench: LocalFixture, feed: CommittingFeed, killed: bool
) -> None:
    bench.start()
    then = 'echo x > 1.out; [ "$POMS_ATTEMPT" = 2 ] && exit 0; mkdir places\n'
    text = build_start_lines_in('"$PWD/places"', "exec sleep 600" if killed else "exit 0")
    launch = bench.launch("m1", then + text)
    native_id = await bench.submit(launch)
    folder = bench.spool / f"local/scratch/{native_id}.1.1/work/places"
    await bench.open(native_id)
    if killed:
        await asyncio.to_thread(wait_until, (folder / "all").exists, what="all children")
        os.kill(find_starter(bench, native_id), signal.SIGKILL)
    assert (await feed.until_over(native_id, [1]))[1] == JobState.SUCCEEDED
    await asyncio.to_thread(
        wait_until, lambda: not count_alive(folder), what="the end of all children"
    )
