"""What is special to Slurm: arrays in several parts, what its queue forgets, and daemons of it that die."""

import itertools
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batch import Absent, Batch, BatchUnavailable, Found, Unknown
from batch.slurm import Slurm
from batch.slurm.order import Name, command, put_script
from domain.jobs import JobState, Verb
from tests.batch.benches import Feed, until
from tests.batch.conftest import reachable
from tests.batch.slurm_bench import SlurmBench
from tests.batch.slurm_pool import SLURM, SlurmPool
from up import children, home

WRITES = 'echo "$POMS_JOB" > "$POMS_JOB.out"'
WAITS = "echo x > $POMS_JOB.out; exec sleep 60"
_serial = itertools.count()


@pytest.fixture
def bench(slurm: SlurmBench) -> SlurmBench:
    return slurm


@pytest.fixture
def feed(bench: SlurmBench) -> Feed:
    return Feed(bench.system)


@pytest.fixture(scope="module")
def forgetful(service_home: Path) -> Iterator[SlurmPool]:
    """A cluster that keeps nothing of jobs that ended a moment ago."""
    reachable(SLURM)
    made = SlurmPool.start(
        service_home / "slurm-forgets", children.account(), min_job_age=2, jobcomp="none"
    )
    yield made
    made.stop()


@pytest.fixture
def forgotten(forgetful: SlurmPool, service_home: Path) -> Iterator[SlurmBench]:
    with SlurmBench.within(forgetful, service_home / f"forgotten{next(_serial)}") as made:
        yield made


def forgets(bench: SlurmBench) -> bool:
    return not bench.pool.run("squeue", "-h", "--states=all").stdout


async def until_forgotten(bench: SlurmBench) -> None:
    async def gone() -> bool:
        return forgets(bench)

    await until(gone, within_s=90)


def a_part(bench: SlurmBench, mark: str, base: int, *, of: int) -> str:
    """One array of a set, as a launcher that was killed before the next one leaves it."""
    launch = bench.launch(mark, WRITES)
    put_script(launch.directory)
    for path in (launch.directory / "job.sh", launch.directory / "slurm"):
        home.give(path, bench.pool.run_as)
    words = command(launch, bench.pool.access(), Name(launch.mark, "ab12", base, of), [1])
    done = bench.pool.run(*words)
    assert done.returncode == 0, done.stderr
    return launch.mark


async def test_more_jobs_than_an_array_may_have_are_one_launch_of_several(
    bench: SlurmBench, feed: Feed
) -> None:
    launch = bench.launch("m1", WRITES, 1003)
    native_id = await bench.system.submit(launch)
    assert native_id.count("+") == 1
    assert await bench.system.find(launch.mark) == Found([native_id])
    await feed.read()
    assert set(feed.states(native_id)) == set(range(1, 1004))
    # Of the first array a few, of the second all.
    await bench.system.act(Verb.REMOVE, native_id, "too many", range(3, 1001))
    await bench.system.open(native_id)
    await feed.until(native_id, JobState.REMOVED, range(3, 1001))
    states = await feed.until_over(native_id, range(1, 1004))
    done = [number for number, state in states.items() if state is JobState.SUCCEEDED]
    assert sorted(done) == [1, 2, 1001, 1002, 1003]
    assert [bench.starts(launch, number) for number in (1, 3, 1000, 1001, 1003)] == [1, 0, 0, 1, 1]


async def test_a_part_of_a_launch_is_removed_and_counts_as_absent(bench: SlurmBench) -> None:
    mark = a_part(bench, "half", 0, of=2)
    sighting = await bench.system.find(mark)
    assert isinstance(sighting, Absent)
    assert "never ran, and are removed" in sighting.proof
    assert bench.pool.queue() == ""
    assert isinstance(await bench.system.find(mark), Absent)


async def test_a_launcher_whose_first_arrays_were_removed_does_not_adopt_the_rest(
    bench: SlurmBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = bench.launch("slow", WRITES, 1003)
    run = bench.slurm._programs.run
    submitted: list[str] = []

    def removing(*words: str, **more: str) -> str:
        said = run(*words, **more)  # type: ignore[arg-type]
        if words[0] == "sbatch" and not submitted:
            submitted.append(said)
            bench.pool.run("scancel", said.strip())
        return said

    # Between two arrays, where nothing else can be put.
    monkeypatch.setattr(bench.slurm._programs, "run", removing)
    with pytest.raises(BatchUnavailable):
        await bench.system.submit(launch)
    assert isinstance(await bench.system.find(launch.mark), Absent)
    assert bench.pool.queue() == ""


async def test_a_requeued_job_starts_again_as_the_next_attempt(
    bench: SlurmBench, feed: Feed
) -> None:
    script = f'echo x > 1.out; [ -e "{bench.spool}/go" ] || exec sleep 60'
    launch = bench.launch("m1", script)
    native_id = await bench.system.submit(launch)
    await bench.system.open(native_id)
    await until(lambda: bench.has_started(launch, 1))
    await feed.until(native_id, JobState.RUNNING, [1])
    (bench.spool / "go").touch()
    assert bench.pool.run("scontrol", "requeue", f"{native_id.partition('@')[0]}_1").returncode == 0
    await feed.until_over(native_id, [1])
    assert feed.told(1) == [
        ("idle", 0), ("running", 1), ("idle", 1), ("running", 2), ("succeeded", 2),
    ]  # fmt: skip
    assert bench.starts(launch, 1) == 2


async def test_a_node_that_fails_gives_its_jobs_back_and_says_so(
    bench: SlurmBench, feed: Feed
) -> None:
    script = f'echo x > 1.out; [ -e "{bench.spool}/go" ] || exec sleep 60'
    launch = bench.launch("m1", script)
    native_id = await bench.system.submit(launch)
    await bench.system.open(native_id)
    await until(lambda: bench.has_started(launch, 1))
    await feed.until(native_id, JobState.RUNNING, [1])
    down = ("update", "NodeName=localhost", "State=DOWN", "Reason=test")
    assert bench.pool.run("scontrol", *down).returncode == 0
    await feed.until(native_id, JobState.IDLE, [1])
    assert feed.events[-1].attempt == 1
    (bench.spool / "go").touch()
    bench.pool.run("scontrol", "update", "NodeName=localhost", "State=RESUME")
    states = await feed.until_over(native_id, [1])
    assert states[1] is JobState.SUCCEEDED
    assert feed.events[-1].attempt == 2


async def test_what_the_queue_has_forgotten_is_told_by_the_file_of_completions(
    bench: SlurmBench, feed: Feed
) -> None:
    launch = bench.launch("m1", '[ "$POMS_JOB" = 1 ] || exit 7; echo x > 1.out', 2)
    native_id = await bench.system.submit(launch)
    await bench.system.open(native_id)
    await until(lambda: over(bench))
    # As if it had forgotten them: what it says now is about others alone.
    bench.system = Blind(bench.pool.access(), bench.spool)
    blind = Feed(bench.system)
    await blind.until_over(native_id, [1, 2])
    assert blind.told(1) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    assert blind.told(2) == [("idle", 0), ("running", 1), ("failed", 1)]
    assert blind.events[-1].exit_code in (0, 7)


class Blind(Slurm):
    """Slurm whose queue shows nothing."""

    def _read(self, read_to: str | None, bound: int) -> Batch:
        run = self._programs.run
        self._programs.run = lambda *words, **more: (  # type: ignore[method-assign]
            "" if words[0] == "squeue" else run(*words, **more)
        )
        try:
            return super()._read(read_to, bound)
        finally:
            self._programs.run = run  # type: ignore[method-assign]


async def over(bench: SlurmBench) -> bool:
    return not bench.pool.queue()


async def test_what_nothing_keeps_is_told_by_the_payload_and_else_is_unknown(
    forgotten: SlurmBench,
) -> None:
    launch = forgotten.launch("m1", f"{WRITES}; exit 0", 3)
    native_id = await forgotten.system.submit(launch)
    await forgotten.system.open(native_id)
    await until_forgotten(forgotten)
    (launch.directory / "reports/2.1.json").unlink()
    feed = Feed(forgotten.system)
    await feed.read()
    assert feed.told(1) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    assert feed.told(2) == [("unknown", 1)]
    assert "left no report" in str(feed.events[-1].text or feed.events[-2].text)
    before = len(feed.events)
    await feed.read()
    assert len(feed.events) == before
    await forgotten.system.act(Verb.REMOVE, native_id, "give it up")
    assert (await feed.until_over(native_id, [1, 2, 3]))[2] is JobState.REMOVED


async def test_absence_is_proven_only_while_the_queue_would_still_show_it(
    forgotten: SlurmBench, bench: SlurmBench
) -> None:
    launch = forgotten.launch("m1", WRITES)
    # A cluster that forgets within seconds proves nothing; one with a file of completions always does.
    assert isinstance(await forgotten.system.find(launch.mark), Unknown)
    assert "only while a launch is younger" in (await forgotten.system.health()).proof_of_absence
    assert isinstance(await bench.system.find(launch.mark), Absent)
    assert "jobcomp/filetxt" in (await bench.system.health()).proof_of_absence


async def test_a_controller_that_does_not_answer_is_no_absence(
    bench: SlurmBench, feed: Feed
) -> None:
    hasty = replace(bench.pool.access(), call_s=1)
    system = Slurm(hasty, bench.spool)
    launch = bench.launch("m1", WRITES)
    native_id = await system.submit(launch)
    bench.pool.daemons["slurmctld"].send_signal(signal.SIGSTOP)
    try:
        assert isinstance(await system.find(launch.mark), Unknown)
        with pytest.raises(BatchUnavailable):
            await system.read(None, 100)
        assert not (await system.health()).reachable
    finally:
        bench.pool.daemons["slurmctld"].send_signal(signal.SIGCONT)
    await system.open(native_id)
    assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED
