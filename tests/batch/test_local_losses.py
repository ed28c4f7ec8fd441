"""The local runner's folder damaged, deleted, or restored from a copy, under it or while it is away."""

import os
import shutil
from pathlib import Path

import pytest

from batch import BatchRefused, ClusterRef, MarkAbsent, MarkFound
from batch.local import LocalBatchSystem, journal
from batch.local.folder import RunnerFolder
from domain.batch.reconciliation import ReportedCluster
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, LocalFixture, wait_for_condition

WRITES = 'echo "$POMS_JOB" > "$POMS_JOB.out"'


@pytest.fixture
def bench(local: LocalFixture) -> LocalFixture:
    return local


def build_waiting_command(bench: LocalFixture) -> str:
    return f'{WRITES}; until [ -e "{bench.shared}/go" ]; do sleep 0.05; done'


async def start_running(bench: LocalFixture, feed: CommittingFeed, mark: str = "m1") -> str:
    native_id = await bench.submit(bench.launch(mark, build_waiting_command(bench)))
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1])
    return native_id


async def check_goes_on(bench: LocalFixture, feed: CommittingFeed, native_id: str) -> None:
    (bench.shared / "go").touch()
    assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED


async def test_what_lies_damaged_or_foreign_in_its_folder_stops_nobody(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    folder = RunnerFolder(bench.spool)
    folder.make()
    damaged = await bench.submit(bench.launch("m0", WRITES))
    for text in ("", "[]", '{"mark": "m0"}'):
        Path(folder.cluster(damaged), "cluster.json").write_text(text)
        bench.start()
        for name in ("lost+found", "1 (copy)", ".x", "7@"):
            Path(folder.clusters, name).mkdir(exist_ok=True)
            Path(folder.requests, name).write_text('{"native_id": 7, "verb": []}')
        Path(folder.requests, "null").write_text("null")
        native_id = await bench.submit(bench.launch("m1", WRITES))
        await bench.open(native_id)
        assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED
        found = await bench.system.list_marked(["m0"])
        assert [(c.native_id, c.jobs, c.started) for c in found] == [(damaged, 1, False)]
        assert await bench.system.find("m0") == MarkFound([damaged])
        bench.kill()


@pytest.mark.parametrize("happen", [Path.unlink, lambda path: os.truncate(path, 20)])
async def test_a_journal_lost_under_a_runner_is_begun_anew(
    bench: LocalFixture, feed: CommittingFeed, happen: object
) -> None:
    bench.start()
    native_id = await start_running(bench, feed)
    assert callable(happen)
    happen(max(Path(RunnerFolder(bench.spool).journal).iterdir()))
    await check_goes_on(bench, feed, native_id)


async def test_a_place_in_a_journal_that_is_gone_removes_nothing_of_the_one_that_is_there(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    feed.places = ["50:1000"]
    bench.start()
    native_id = await start_running(bench, feed)
    assert journal.list_generations(RunnerFolder(bench.spool)) == [1]
    assert min(e.sequence for e in feed.events) > 50 << 40
    await check_goes_on(bench, feed, native_id)


async def test_who_looks_while_there_is_no_journal_reads_the_next_one_from_its_start(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    native_id = await bench.submit(bench.launch("m1", build_waiting_command(bench), 2))
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1, 2])
    folder = RunnerFolder(bench.spool)
    with bench.at_rest():
        shutil.rmtree(folder.journal)
        await feed.read()
        await feed.read()
        assert feed.places[-1] == feed.places[-2]
        (bench.shared / "go").touch()

    async def is_over() -> bool:
        return os.path.exists(f"{folder.cluster(native_id)}/over")

    # By now there is more in the new one than what was read of the old one.
    await wait_for_condition(is_over)
    states = await feed.until_over(native_id, [1, 2], within_s=10)
    assert set(states.values()) == {JobState.SUCCEEDED}


async def test_a_folder_restored_from_a_copy_runs_nothing_twice_and_gives_no_id_again(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start(slots=4)
    first = bench.launch("m1", f'{WRITES}; [ "$POMS_JOB" != 3 ] || exit 7', 3)
    one = await bench.submit(first)
    bench.kill()
    shutil.copytree(
        bench.spool / "local", bench.spool / "copy", ignore=shutil.ignore_patterns("bell")
    )
    bench.start(slots=4)
    await bench.open(one)
    second = await bench.submit(bench.launch("m2", "echo x > second.out"))
    await bench.open(second)
    states = await feed.until_over(one, [1, 2, 3])
    await feed.until_over(second, [1])
    bench.kill()
    shutil.rmtree(bench.spool / "local")
    (bench.spool / "copy").rename(bench.spool / "local")
    (bench.spool / "local/bell").touch()
    bench.start()
    # Looked up while its submission is live, as if nobody had read the ends.
    sightings = await bench.system.recheck([bench.ref(one), bench.ref(second)])
    assert sightings[bench.ref(one)] == MarkFound([one])
    assert isinstance(sightings[bench.ref(second)], MarkAbsent)
    later = CommittingFeed(bench.again())
    later.places = feed.places[-1:]
    assert await later.until_over(one, [1, 2, 3]) == states
    assert (await later.until_over(second, [1]))[1] is JobState.SUCCEEDED
    assert min(e.sequence for e in later.events) > max(e.sequence for e in feed.events)
    assert [bench.starts(first, n) for n in (1, 2, 3)] == [1, 1, 1]
    third = await bench.submit(bench.launch("m3", WRITES))
    assert third.partition("@")[0] == second.partition("@")[0]
    assert third != second


async def test_a_cluster_whose_folder_is_lost_under_a_runner_is_ended_and_told(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    lost, kept = await start_running(bench, feed, "m1"), await start_running(bench, feed, "m2")
    shutil.rmtree(RunnerFolder(bench.spool).cluster(lost))

    async def is_proven() -> bool:
        return isinstance(
            (await bench.system.recheck([bench.ref(lost)]))[bench.ref(lost)], MarkAbsent
        )

    await wait_for_condition(is_proven)
    await feed.until(lost, JobState.UNKNOWN, [1])
    await bench.act(JobActionVerb.HOLD, lost, "nothing comes of it")
    await bench.act(JobActionVerb.REMOVE, lost, "it is lost")
    await feed.until(lost, JobState.REMOVED, [1])
    await check_goes_on(bench, feed, kept)
    assert bench.left_over() == []


async def test_a_launch_that_is_over_is_told_again_when_it_is_looked_up(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    native_id = await bench.submit(bench.launch("m1", '[ "$POMS_JOB" = 1 ] || exec sleep 600', 2))
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [2])
    await bench.act(JobActionVerb.REMOVE, native_id, "enough")
    before = await feed.until_over(native_id, [1, 2])

    async def is_over() -> bool:
        return await bench.system.list_marked(["m1"]) == [ReportedCluster(native_id, "m1", 0, True)]

    await wait_for_condition(is_over)
    places, count = len(feed.places), len(feed.events)
    bench.kill()
    for _ in range(3):
        await bench.system.recheck([bench.ref(native_id)])
    assert len(list(Path(RunnerFolder(bench.spool).requests).glob("tell-*"))) == 1
    bench.start()

    async def is_told() -> bool:
        await feed.read()
        return len(feed.events) == count + 2

    await wait_for_condition(is_told)
    assert len(feed.places) > places
    assert {e.number: e.state for e in feed.events[count:]} == before
    assert feed.events[-1].text == "enough"


async def test_another_launchs_mark_reaches_nothing(
    bench: LocalFixture, feed: CommittingFeed
) -> None:
    bench.start()
    native_id = await start_running(bench, feed)
    bench.launch("m2", WRITES)
    other = ClusterRef(native_id, "m2")
    for verb in JobActionVerb:
        with pytest.raises(BatchRefused):
            await bench.system.act(verb, other, "not mine")
    with pytest.raises(BatchRefused):
        await bench.system.open(other)
    assert isinstance((await LocalBatchSystem(bench.spool).recheck([other]))[other], MarkAbsent)
    await feed.read()
    assert feed.states(native_id) == {1: JobState.RUNNING}
