"""A cluster whose queue forgets within seconds and that keeps no file: what slurmdbd and sacct tell, late or not."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from batch import Launch, MarkAbsent, MarkFound, MarkUnknown
from batch.slurm import Slurm
from batch.slurm.order import parse_slurm_id
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.accounting_pool import AccountedPool
from tests.batch.batch_fixtures import CommittingFeed, stop_process, wait_for_condition
from tests.batch.slurm_fixture import SlurmFixture

WRITES = 'echo x > "$POMS_JOB.$$.out"'
"""By a name of its own, as all these launches have one store."""
_serial = itertools.count()


@pytest.fixture
def bench(accounted: AccountedPool, service_home: Path) -> Iterator[SlurmFixture]:
    with SlurmFixture.within(accounted, service_home / f"accounted{next(_serial)}") as made:
        yield made


@pytest.fixture
def feed(bench: SlurmFixture) -> CommittingFeed:
    return CommittingFeed(bench.system)


@contextmanager
def stop_slurmdbd(pool: AccountedPool) -> Iterator[None]:
    pool.end("slurmdbd")
    yield
    pool.begin("slurmdbd")


async def wait_until_forgotten(bench: SlurmFixture) -> None:
    async def gone() -> bool:
        return not bench.pool.run("squeue", "-h", "--states=all").stdout

    await wait_for_condition(gone, within_s=90)


async def launch_and_open(bench: SlurmFixture, launch: Launch) -> str:
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    return native_id


def remove_reports(launch: Launch) -> None:
    for path in (launch.directory / "reports").glob("*"):
        path.unlink()


class Counting(Slurm):
    """Slurm that counts how often its programs are called."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        run = self._programs.run
        self.called: list[str] = []

        def counted(*words: str, **more: Any) -> str:
            self.called.append(words[0])
            return run(*words, **more)

        self._programs.run = counted  # type: ignore[method-assign]


def make_stranger(bench: SlurmFixture) -> Slurm:
    """Whoever took over, and was never told of a launch that was submitted."""
    return Slurm(bench.pool.access(), bench.spool, "stranger")


async def test_what_the_queue_has_forgotten_is_told_by_accounting(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    script = 'case "$POMS_JOB" in 1) exit 0;; 2) exit 7;; 3) kill -9 $$;; esac'
    launch = bench.launch("m1", f"{WRITES}; {script}", 3)
    native_id = await launch_and_open(bench, launch)
    await wait_until_forgotten(bench)
    remove_reports(launch)
    began, now = (launch.directory / "digest").stat().st_mtime, datetime.now(UTC).timestamp()
    assert await feed.until_over(native_id, [1, 2, 3]) == {
        1: JobState.SUCCEEDED, 2: JobState.FAILED, 3: JobState.FAILED,
    }  # fmt: skip
    assert feed.list_states(2) == [("idle", 0), ("running", 1), ("failed", 1)]
    for number, code in ((1, 0), (2, 7)):
        idle, running, end = (e for e in feed.events if e.number == number)
        assert (running.site, end.exit_code) == ("localhost", code)
        assert end.wall_s is not None
        assert (
            began - 1 <= idle.at.timestamp() <= running.at.timestamp() <= end.at.timestamp() < now
        )


async def test_one_call_tells_of_all_launches_and_none_is_made_when_nothing_is_missing(
    bench: SlurmFixture,
) -> None:
    system = bench.system = Counting(bench.pool.access(interval_s=0), bench.spool)
    feed = CommittingFeed(system)
    ids = [await launch_and_open(bench, bench.launch(f"m{n}", WRITES, 2)) for n in range(3)]
    waiting = await system.submit(bench.launch("waits", WRITES))
    await feed.read()
    assert "sacct" not in system.called

    async def gone() -> bool:
        shown = bench.pool.run("squeue", "-h", "--states=all", "-o", "%F").stdout.split()
        return shown == [waiting.partition("@")[0]]

    await wait_for_condition(gone, within_s=90)
    system.called.clear()
    await feed.read()
    assert system.called.count("sacct") == 1
    assert {state for id in ids for state in feed.states(id).values()} == {JobState.SUCCEEDED}
    system.called.clear()
    await feed.read()
    assert "sacct" not in system.called


async def test_what_accounting_does_not_tell_is_unknown_and_asked_for_ever_less_often(
    bench: SlurmFixture,
) -> None:
    system = bench.system = Counting(bench.pool.access(interval_s=0.1), bench.spool)
    native_id = await launch_and_open(bench, bench.launch("m1", WRITES, 3))
    # Slurm itself drops what is cancelled out of an array that waits.
    other = await bench.submit(bench.launch("m2", WRITES, 3))
    done = bench.pool.run("scancel", f"{other.partition('@')[0]}_2")
    assert done.returncode == 0, done.stderr
    await bench.open(other)
    await wait_until_forgotten(bench)
    feed = CommittingFeed(system)
    assert set((await feed.until_over(native_id, [1, 2, 3])).values()) == {JobState.SUCCEEDED}
    await feed.until(other, JobState.UNKNOWN, [2])
    assert (feed.states(other)[1], feed.states(other)[3]) == (JobState.SUCCEEDED,) * 2
    system.called.clear()

    async def looked() -> bool:
        await feed.read()
        return system.called.count("squeue") >= 30

    await wait_for_condition(looked)
    assert system.called.count("sacct") < 10
    await bench.act(JobActionVerb.REMOVE, other, "give it up")
    assert (await feed.until_over(other, [2]))[2] is JobState.REMOVED


async def test_what_was_cancelled_before_it_ran_is_removed(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    held = await bench.submit(bench.launch("held", WRITES, 3))
    running = await launch_and_open(bench, bench.launch("m1", "exec sleep 60", 12))
    await feed.until(running, JobState.RUNNING, [1])
    for native_id in (held, running):
        bench.pool.run("scancel", native_id.partition("@")[0])
    await wait_until_forgotten(bench)
    again = CommittingFeed(bench.again())
    assert set((await again.until_over(held, [1, 2, 3])).values()) == {JobState.REMOVED}
    assert set((await again.until_over(running, range(1, 13))).values()) == {JobState.REMOVED}
    attempts = {e.number: e.attempt for e in again.events if e.native_id == running}
    assert (attempts[1], attempts[12]) == (1, 0)


async def test_a_job_that_was_put_back_is_told_by_its_last_run(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    launch = bench.launch("m1", f'echo x > 1.out; [ -e "{bench.shared}/go" ] || exec sleep 60')
    native_id = await launch_and_open(bench, launch)
    await wait_for_condition(lambda: bench.has_started(launch, 1))
    (bench.shared / "go").touch()
    bench.pool.run("scontrol", "requeue", f"{native_id.partition('@')[0]}_1")
    await wait_until_forgotten(bench)
    remove_reports(launch)
    await feed.until_over(native_id, [1])
    assert feed.list_states(1) == [("idle", 0), ("running", 2), ("succeeded", 2)]


async def test_a_mark_is_there_or_proven_to_be_absent_after_the_queue_has_forgotten(
    bench: SlurmFixture,
) -> None:
    never, ran = bench.launch("never", WRITES), bench.launch("ran", WRITES, 2)
    held = bench.launch("held", WRITES, 2)
    ids = await launch_and_open(bench, ran), await bench.submit(held)
    bench.pool.run("scancel", ids[1].partition("@")[0])
    await wait_until_forgotten(bench)
    system = make_stranger(bench)
    assert await system.find(ran.mark) == MarkFound([ids[0]])
    assert await system.find(held.mark) == MarkFound([ids[1]])
    sighting = await system.find(never.mark)
    assert sighting == MarkAbsent("neither the queue nor accounting has it")
    health = await system.health()
    assert "slurmdbd" in health.proof_of_absence


async def test_nothing_is_concluded_while_slurmdbd_is_away(
    bench: SlurmFixture, feed: CommittingFeed, accounted: AccountedPool
) -> None:
    never, launch = bench.launch("never", WRITES), bench.launch("m1", WRITES, 2)
    system = make_stranger(bench)
    with stop_slurmdbd(accounted):
        native_id = await launch_and_open(bench, launch)
        await wait_until_forgotten(bench)
        remove_reports(launch)
        for mark in (never.mark, launch.mark):
            assert isinstance(await system.find(mark), MarkUnknown)
        await bench.act(JobActionVerb.REMOVE, native_id, "too late")
        await feed.until(native_id, JobState.UNKNOWN, [1, 2])
        assert any("accounting" in str(event.text) for event in feed.events)
    assert set((await feed.until_over(native_id, [1, 2])).values()) == {JobState.SUCCEEDED}
    assert await system.find(launch.mark) == MarkFound([native_id])
    assert isinstance(await system.find(never.mark), MarkAbsent)


async def test_nothing_is_concluded_while_slurmdbd_has_not_been_told_of_all(
    bench: SlurmFixture, feed: CommittingFeed, accounted: AccountedPool
) -> None:
    never, launch = bench.launch("never", WRITES), bench.launch("m1", WRITES)
    # It answers, and takes nothing.
    with stop_process(accounted.daemons["mariadbd"].pid):
        native_id = await launch_and_open(bench, launch)
        await wait_until_forgotten(bench)
        remove_reports(launch)
        for mark in (never.mark, launch.mark):
            sighting = await make_stranger(bench).find(mark)
            assert isinstance(sighting, MarkUnknown)
            assert "has not been told of everything" in sighting.why
        await feed.read()
        assert set(feed.states(native_id).values()) <= {JobState.UNKNOWN}
    assert set((await feed.until_over(native_id, [1])).values()) == {JobState.SUCCEEDED}


async def test_what_was_launched_before_the_controller_was_started_is_not_proven_to_be_absent(
    bench: SlurmFixture, accounted: AccountedPool
) -> None:
    before = accounted.remembered()
    launch = bench.launch("m1", WRITES)
    with stop_slurmdbd(accounted):
        await launch_and_open(bench, launch)
        await wait_until_forgotten(bench)
        # What it had yet to tell is lost with it.
        accounted.daemons["slurmctld"].kill()
    accounted.crash(before)
    await wait_for_condition(lambda: is_up(accounted))
    sighting = await make_stranger(bench).find(launch.mark)
    assert isinstance(sighting, MarkUnknown)
    assert "controller" in sighting.why


async def is_up(pool: AccountedPool) -> bool:
    return pool.is_up() and "queue size: 0" in pool.run("sdiag").stdout


async def test_an_id_that_is_given_again_is_not_mixed_up(
    bench: SlurmFixture, feed: CommittingFeed, accounted: AccountedPool
) -> None:
    before = accounted.remembered()
    old = bench.launch("old", "exit 7", 2)
    forgotten = await launch_and_open(bench, old)
    await wait_until_forgotten(bench)
    accounted.crash(before)
    await wait_for_condition(lambda: is_up(accounted))
    new = bench.launch("new", WRITES, 3)
    native_id = await launch_and_open(bench, new)
    old_id, new_id = parse_slurm_id(forgotten), parse_slurm_id(native_id)
    assert old_id is not None
    assert new_id is not None
    assert old_id.arrays == new_id.arrays
    await wait_until_forgotten(bench)
    for launch in (old, new):
        remove_reports(launch)
    await feed.until_over(native_id, [1, 2, 3])
    assert feed.states(native_id) == dict.fromkeys([1, 2, 3], JobState.SUCCEEDED)
    assert feed.states(forgotten) == dict.fromkeys([1, 2], JobState.FAILED)
    assert await make_stranger(bench).find(new.mark) == MarkFound([native_id])
    assert await make_stranger(bench).find(old.mark) == MarkFound([forgotten])
