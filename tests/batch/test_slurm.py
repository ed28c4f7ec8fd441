"""What is special to Slurm: arrays in several parts, what its queue forgets, and daemons of it that die."""

import itertools
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batch import BatchUnavailable, EventBatch, MarkAbsent, MarkFound, MarkUnknown
from batch.slurm import Slurm
from batch.slurm.order import ArrayName, build_sbatch_command, put_script
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, wait_for_condition
from tests.batch.conftest import check_reachable
from tests.batch.slurm_fixture import SlurmFixture
from tests.batch.slurm_pool import SLURM, SlurmPool
from up import children, home

WRITES = 'echo "$POMS_JOB" > "$POMS_JOB.out"'
WAITS = "echo x > $POMS_JOB.out; exec sleep 60"
_serial = itertools.count()


@pytest.fixture
def bench(slurm: SlurmFixture) -> SlurmFixture:
    return slurm


@pytest.fixture
def feed(bench: SlurmFixture) -> CommittingFeed:
    return CommittingFeed(bench.system)


@pytest.fixture(scope="module")
def forgetful(service_home: Path) -> Iterator[SlurmPool]:
    """A cluster that keeps nothing of jobs that ended a moment ago."""
    check_reachable(SLURM)
    made = SlurmPool.start(
        service_home / "slurm-forgets", children.find_run_account(), min_job_age=2, jobcomp="none"
    )
    yield made
    made.stop()


@pytest.fixture
def forgotten(forgetful: SlurmPool, service_home: Path) -> Iterator[SlurmFixture]:
    with SlurmFixture.within(forgetful, service_home / f"forgotten{next(_serial)}") as made:
        yield made


def is_forgotten(bench: SlurmFixture) -> bool:
    return not bench.pool.run("squeue", "-h", "--states=all").stdout


async def wait_until_forgotten(bench: SlurmFixture) -> None:
    async def gone() -> bool:
        return is_forgotten(bench)

    await wait_for_condition(gone, within_s=90)


def submit_part(bench: SlurmFixture, mark: str, base: int, *, of: int) -> str:
    """One array of a set, as a launcher that was killed before the next one leaves it."""
    launch = bench.launch(mark, WRITES)
    put_script(launch.directory)
    for path in (launch.directory / "job.sh", launch.directory / "slurm"):
        home.give_ownership(path, bench.pool.run_as)
    words = build_sbatch_command(
        launch, bench.pool.access(), ArrayName(launch.mark, "ab12", base, of), [1]
    )
    done = bench.pool.run(*words)
    assert done.returncode == 0, done.stderr
    return launch.mark


async def test_more_jobs_than_an_array_may_have_are_one_launch_of_several(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    launch = bench.launch("m1", WRITES, 1003)
    native_id = await bench.submit(launch)
    assert native_id.count("+") == 1
    assert await bench.system.find(launch.mark) == MarkFound([native_id])
    await feed.read()
    assert set(feed.states(native_id)) == set(range(1, 1004))
    # Of the first array a few, of the second all.
    await bench.act(JobActionVerb.REMOVE, native_id, "too many", range(3, 1001))
    await bench.open(native_id)
    await feed.until(native_id, JobState.REMOVED, range(3, 1001))
    states = await feed.until_over(native_id, range(1, 1004))
    done = [number for number, state in states.items() if state is JobState.SUCCEEDED]
    assert sorted(done) == [1, 2, 1001, 1002, 1003]
    assert [bench.starts(launch, number) for number in (1, 3, 1000, 1001, 1003)] == [1, 0, 0, 1, 1]


async def test_a_part_of_a_launch_is_removed_and_counts_as_absent(bench: SlurmFixture) -> None:
    mark = submit_part(bench, "half", 0, of=2)
    sighting = await bench.system.find(mark)
    assert isinstance(sighting, MarkAbsent)
    assert "never ran, and are removed" in sighting.proof
    assert bench.pool.queue() == ""
    assert isinstance(await bench.system.find(mark), MarkAbsent)


async def test_a_launcher_whose_first_arrays_were_removed_does_not_adopt_the_rest(
    bench: SlurmFixture, monkeypatch: pytest.MonkeyPatch
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
        await bench.submit(launch)
    assert isinstance(await bench.system.find(launch.mark), MarkAbsent)
    assert bench.pool.queue() == ""


async def test_a_requeued_job_starts_again_as_the_next_attempt(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    script = f'echo x > 1.out; [ -e "{bench.shared}/go" ] || exec sleep 60'
    launch = bench.launch("m1", script)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await wait_for_condition(lambda: bench.has_started(launch, 1))
    await feed.until(native_id, JobState.RUNNING, [1])
    (bench.shared / "go").touch()
    assert bench.pool.run("scontrol", "requeue", f"{native_id.partition('@')[0]}_1").returncode == 0
    await feed.until_over(native_id, [1])
    assert feed.list_states(1) == [
        ("idle", 0), ("running", 1), ("idle", 1), ("running", 2), ("succeeded", 2),
    ]  # fmt: skip
    assert bench.starts(launch, 1) == 2


@pytest.mark.timeout(300)
async def test_jobs_whose_launch_directory_is_away_begin_when_it_is_back(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    launch = bench.launch("m1", WRITES, 2)
    native_id = await bench.submit(launch)
    away = bench.spool / "away"
    launch.directory.rename(away)
    await bench.open(native_id)

    async def have_failed() -> bool:
        await feed.read()
        shown = bench.pool.run("squeue", "-h", "--states=FAILED", "-O", "exit_code:.9").stdout
        return shown.split() == ["0:53"] * 2

    await wait_for_condition(have_failed)
    await feed.read()
    assert {state for state, _ in feed.list_states(1)} <= {"idle", "running"}
    away.rename(launch.directory)
    states = await feed.until_over(native_id, [1, 2], within_s=200)
    assert set(states.values()) == {JobState.SUCCEEDED}
    assert [bench.starts(launch, number) for number in (1, 2)] == [1, 1]


@pytest.mark.timeout(300)
async def test_a_job_that_never_began_and_is_to_be_removed_is_not_put_back(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    launch = bench.launch("m1", WRITES)
    native_id = await bench.submit(launch)
    away = bench.spool / "away"
    launch.directory.rename(away)
    await bench.open(native_id)

    async def has_failed() -> bool:
        shown = bench.pool.run("squeue", "-h", "--states=FAILED", "-O", "exit_code:.9").stdout
        return shown.split() == ["0:53"]

    await wait_for_condition(has_failed)
    await bench.act(JobActionVerb.REMOVE, native_id, "not wanted")
    away.rename(launch.directory)
    states = await feed.until_over(native_id, [1])
    assert states[1] is not JobState.SUCCEEDED
    assert bench.starts(launch, 1) == 0


async def test_a_node_that_fails_gives_its_jobs_back_and_says_so(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    script = f'echo x > 1.out; [ -e "{bench.shared}/go" ] || exec sleep 60'
    launch = bench.launch("m1", script)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await wait_for_condition(lambda: bench.has_started(launch, 1))
    await feed.until(native_id, JobState.RUNNING, [1])
    down = ("update", "NodeName=localhost", "State=DOWN", "Reason=test")
    assert bench.pool.run("scontrol", *down).returncode == 0
    await feed.until(native_id, JobState.IDLE, [1])
    assert feed.events[-1].attempt == 1
    (bench.shared / "go").touch()
    bench.pool.run("scontrol", "update", "NodeName=localhost", "State=RESUME")
    states = await feed.until_over(native_id, [1])
    assert states[1] is JobState.SUCCEEDED
    assert feed.events[-1].attempt == 2


async def test_what_the_queue_has_forgotten_is_told_by_the_file_of_completions(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    launch = bench.launch("m1", '[ "$POMS_JOB" = 1 ] || exit 7; echo x > 1.out', 2)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await wait_for_condition(lambda: is_queue_empty(bench))
    # As if it had forgotten them: what it says now is about others alone.
    bench.system = Blind(bench.pool.access(), bench.spool)
    blind = CommittingFeed(bench.system)
    await blind.until_over(native_id, [1, 2])
    assert blind.list_states(1) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    assert blind.list_states(2) == [("idle", 0), ("running", 1), ("failed", 1)]
    assert blind.events[-1].exit_code in (0, 7)


class Blind(Slurm):
    """Slurm whose queue shows nothing."""

    def _read(self, read_to: str | None, bound: int) -> EventBatch:
        run = self._programs.run
        self._programs.run = lambda *words, **more: (  # type: ignore[method-assign]
            "" if words[0] == "squeue" else run(*words, **more)
        )
        try:
            return super()._read(read_to, bound)
        finally:
            self._programs.run = run  # type: ignore[method-assign]


async def is_queue_empty(bench: SlurmFixture) -> bool:
    return not bench.pool.queue()


async def test_what_nothing_keeps_is_told_by_the_payload_and_else_is_unknown(
    forgotten: SlurmFixture,
) -> None:
    launch = forgotten.launch("m1", f"{WRITES}; exit 0", 3)
    native_id = await forgotten.submit(launch)
    await forgotten.open(native_id)
    await wait_until_forgotten(forgotten)
    (launch.directory / "reports/2.1.json").unlink()
    feed = CommittingFeed(forgotten.system)
    await feed.read()
    assert feed.list_states(1) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    assert feed.list_states(2) == [("unknown", 1)]
    assert "left no report" in str(feed.events[-1].text or feed.events[-2].text)
    before = len(feed.events)
    await feed.read()
    assert len(feed.events) == before
    await forgotten.act(JobActionVerb.REMOVE, native_id, "give it up")
    assert (await feed.until_over(native_id, [1, 2, 3]))[2] is JobState.REMOVED


async def test_absence_is_proven_only_while_the_queue_would_still_show_it(
    forgotten: SlurmFixture, bench: SlurmFixture
) -> None:
    launch = forgotten.launch("m1", WRITES)
    # A cluster that forgets within seconds proves nothing; one with a file of completions always does.
    assert isinstance(await forgotten.system.find(launch.mark), MarkUnknown)
    assert "only while a launch is younger" in (await forgotten.system.health()).proof_of_absence
    assert isinstance(await bench.system.find(launch.mark), MarkAbsent)
    health = await bench.system.health()
    assert "jobcomp/filetxt" in health.proof_of_absence
    assert health.wall == "one user"


async def test_a_controller_that_does_not_answer_is_no_absence(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    hasty = replace(bench.pool.access(), call_s=1)
    system = Slurm(hasty, bench.spool)
    launch = bench.launch("m1", WRITES)
    native_id = await bench.submit(launch)
    bench.pool.daemons["slurmctld"].send_signal(signal.SIGSTOP)
    try:
        assert isinstance(await system.find(launch.mark), MarkUnknown)
        with pytest.raises(BatchUnavailable):
            await system.read(None, 100)
        assert not (await system.health()).reachable
    finally:
        bench.pool.daemons["slurmctld"].send_signal(signal.SIGCONT)
    await bench.open(native_id)
    assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED
