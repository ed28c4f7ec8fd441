"""What every batch system must do, whichever it is."""

import os
import secrets
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest

from batch import BatchRefused, FollowedCluster, JobEvent, MarkAbsent, MarkFound, ReportKey
from domain.batch.reconciliation import ReportedCluster
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import BatchFixture, CommittingFeed, wait_for_condition

WRITES = 'echo "$POMS_JOB" > "$POMS_JOB.out"'
WAITS = "echo x > $POMS_JOB.out; exec sleep 60"


async def test_a_submitted_cluster_does_not_start_before_it_is_opened(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    gated, other = bench.launch("m1", WRITES, 3), bench.launch("m2", WRITES)
    gated_id, other_id = await bench.submit(gated), await bench.submit(other)
    await bench.open(other_id)
    await feed.until_over(other_id, [1])
    assert set(feed.states(gated_id).values()) <= {JobState.IDLE}
    assert [bench.starts(gated, number) for number in (1, 2, 3)] == [0, 0, 0]
    await bench.open(gated_id)
    await bench.open(gated_id)
    assert set((await feed.until_over(gated_id, [1, 2, 3])).values()) == {JobState.SUCCEEDED}
    assert [bench.starts(gated, number) for number in (1, 2, 3)] == [1, 1, 1]


async def test_a_cluster_is_found_by_its_mark_and_duplicates_are_found_both(
    bench: BatchFixture,
) -> None:
    launch = bench.launch("m1", WRITES)
    first, second = await bench.submit(launch), await bench.submit(launch)
    assert await bench.system.find(launch.mark) == MarkFound([first, second])
    assert isinstance(await bench.system.find("never-launched"), MarkAbsent)


async def test_a_job_is_watched_from_idle_to_its_end_and_its_report_is_read(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    launch = bench.launch("m1", WRITES)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await feed.until_over(native_id, [1])
    assert feed.list_states(1) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    idle, running, done = feed.events
    assert idle.sequence < running.sequence < done.sequence
    assert running.slot is not None
    assert done.exit_code == 0
    assert done.wall_s is not None
    key = ReportKey(launch.directory, 1, 1)
    report = (await bench.system.reports([key, ReportKey(launch.directory, 1, 2)]))[key]
    assert report["outcome"] == "succeeded"
    # Slurm tells it to its accounting alone.
    assert (done.memory_mb or report["memory_mb"]) > 1
    assert (bench.store / "1.1/1.out").read_text() == "1\n"


@pytest.mark.parametrize(
    ("script", "code", "signal"), [("exit 7", 7, None), ("kill -SEGV $$", None, 11)]
)
async def test_a_failing_job_says_how_it_ended(
    bench: BatchFixture, feed: CommittingFeed, script: str, code: int | None, signal: int | None
) -> None:
    bench.start()
    native_id = await bench.submit(bench.launch("m1", script))
    await bench.open(native_id)
    await feed.until_over(native_id, [1])
    over = feed.events[-1]
    assert (over.state, over.exit_code, over.signal) == (JobState.FAILED, code, signal)


async def test_a_missing_launch_directory_fails_the_job_and_not_the_system(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    launch = bench.launch("m1", WRITES)
    (launch.directory / "payload.py").unlink()
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    assert (await feed.until_over(native_id, [1]))[1] == JobState.FAILED


async def test_jobs_are_removed_running_and_idle_and_stay_removed(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start(slots=1)
    native_id = await bench.submit(bench.launch("m1", WAITS, 3))
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1])
    await bench.act(JobActionVerb.REMOVE, native_id, "not wanted", [1, 2])
    await feed.until(native_id, JobState.REMOVED, [1, 2])
    await bench.act(JobActionVerb.RELEASE, native_id, "too late", [1])
    await bench.act(JobActionVerb.REMOVE, native_id, "not wanted")
    await bench.act(JobActionVerb.REMOVE, native_id, "not wanted")
    await feed.until_over(native_id, [1, 2, 3])
    removed = [event for event in feed.events if event.state == JobState.REMOVED]
    assert sorted(event.number for event in removed) == [1, 2, 3]
    assert {(event.code, event.text) for event in removed} == {(1, "not wanted")}
    assert bench.left_over() == []


async def test_a_held_job_stops_and_starts_again_as_the_next_attempt(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    script = f'echo x > 1.out; [ -e "{bench.shared}/go" ] || exec sleep 60'
    launch = bench.launch("m1", script)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await wait_for_condition(lambda: bench.has_started(launch, 1))
    await feed.until(native_id, JobState.RUNNING, [1])
    await bench.act(JobActionVerb.HOLD, native_id, "look at it")
    await bench.act(JobActionVerb.HOLD, native_id, "look at it")
    await feed.until(native_id, JobState.HELD, [1])
    assert feed.events[-1].text == "look at it"
    assert bench.left_over() == []
    (bench.shared / "go").touch()
    await bench.act(JobActionVerb.RELEASE, native_id, "looked")
    await feed.until_over(native_id, [1])
    # HTCondor says that a job was evicted, hence is idle, before it says that it is held.
    told = [each for each, after in pairwise([*feed.list_states(1), None]) if after != ("held", 1)]
    assert told[-4:] == [("held", 1), ("idle", 1), ("running", 2), ("succeeded", 2)]
    assert told[:-4] in ([("idle", 0), ("running", 1)], [("idle", 0)])
    assert bench.starts(launch, 1) == 2


async def test_a_reader_restarted_at_any_place_loses_nothing_and_doubles_nothing(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    native_id = await bench.submit(bench.launch("m1", WRITES, 5))
    await bench.open(native_id)
    await feed.until_over(native_id, [1, 2, 3, 4, 5])
    whole = (await bench.system.read(None, 1000)).events
    assert len(whole) == 15
    assert [event.sequence for event in whole] == sorted({event.sequence for event in whole})
    for cut in range(16):
        first = await bench.system.read(None, cut) if cut else None
        rest = CommittingFeed(bench.system)
        rest.places = [first.read_to] if first else []
        await rest.read(bound=2)
        assert [*(first.events if first else ()), *rest.events] == list(whole)


async def test_a_job_over_its_memory_fails_with_what_it_used(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    eats = "python3 -c \"x = b'x' * 200_000_000; import time; time.sleep(60)\" & wait"
    native_id = await bench.submit(bench.launch("m1", eats, memory_mb=100))
    await bench.open(native_id)
    await feed.until_over(native_id, [1])
    over = feed.events[-1]
    assert (over.state, over.code) == (JobState.FAILED, 34)
    assert str(over.text).startswith("memory limit: used ")
    assert over.memory_mb is not None
    assert over.memory_mb > 100


async def test_a_job_over_its_wall_time_fails(bench: BatchFixture, feed: CommittingFeed) -> None:
    if bench.least_walltime_s > 1 and os.environ.get("POMS_POOLS") != "required":
        pytest.skip("limits are whole minutes there: set POMS_POOLS=required")
    bench.start()
    stubborn = "trap '' TERM; setsid sleep 200 & sleep 200"
    native_id = await bench.submit(bench.launch("m1", stubborn, walltime_s=1))
    await bench.open(native_id)
    # Slurm's limits are whole minutes, and it looks every half of one.
    await feed.until_over(native_id, [1], within_s=150)
    assert (feed.events[-1].state, feed.events[-1].code) == (JobState.FAILED, 46)
    assert bench.left_over() == []


async def test_no_more_jobs_run_at_once_than_there_are_slots(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start(slots=2)
    native_id = await bench.submit(bench.launch("m1", f"{WRITES}; sleep 0.05", 12))
    await bench.open(native_id)
    await feed.until_over(native_id, range(1, 13))
    now: set[int] = set()
    for event in sort_by_time(feed.events):
        now = now | {event.number} if event.state == JobState.RUNNING else now - {event.number}
        assert len(now) <= 2


def sort_by_time(events: Sequence[JobEvent]) -> list[JobEvent]:
    """As they came about, by clocks of whole seconds: one may be told of late, when what it made has come back."""
    started = {e.number: e.at for e in events if e.state == JobState.RUNNING}
    return sorted(events, key=lambda e: (e.at, started[e.number], e.number))


async def test_a_job_of_higher_priority_starts_first(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start(slots=1)
    first = bench.launch(
        "m0", f'echo x > 1.out; until [ -e "{bench.shared}/go" ]; do sleep 0.1; done'
    )
    slow = f"sleep 1; {WRITES}"
    low, high = bench.launch("m1", slow), bench.launch("m2", slow, priority=5)
    ids = [await bench.submit(launch) for launch in (first, low, high)]
    await bench.open(ids[0])
    await feed.until(ids[0], JobState.RUNNING, [1])
    # The lower one was submitted first, so that it would start first without priorities; it is opened last,
    # as the batch system may choose while only one of them is open.
    await bench.open(ids[2])
    await bench.open(ids[1])
    (bench.shared / "go").touch()
    await feed.until_over(ids[1], [1])
    # A feed by query may hear of both starts at once, in any order.
    began = {e.native_id: e.at for e in feed.events if e.state == JobState.RUNNING}
    assert began[ids[2]] < began[ids[1]]


async def test_many_small_jobs_of_one_cluster_all_run_once(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start(slots=8)
    jobs = bench.many
    launch = bench.launch("m1", WRITES, jobs)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    states = await feed.until_over(native_id, range(1, jobs + 1), within_s=240)
    assert Counter(states.values()) == {JobState.SUCCEEDED: jobs}
    assert len(feed.events) == 3 * jobs
    assert {bench.starts(launch, number) for number in range(1, jobs + 1)} == {1}
    assert len(list(bench.store.iterdir())) == jobs


async def test_an_unknown_cluster_is_refused(bench: BatchFixture) -> None:
    await bench.submit(bench.launch("m1", WRITES))
    for native_id in ("70000", "../1", ""):
        with pytest.raises(BatchRefused):
            await bench.open(native_id)


@pytest.mark.parametrize("bench", ["local", "slurm"], indirect=True)
async def test_what_can_not_follow_the_clusters_of_others_says_so(bench: BatchFixture) -> None:
    with pytest.raises(BatchRefused, match="need HTCondor"):
        await bench.system.follow(FollowedCluster("1", "m1", bench.spool, 1))


async def test_jobs_find_nothing_of_the_service_in_their_environment(
    bench: BatchFixture, feed: CommittingFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POMS_SECRET", "hidden")
    monkeypatch.setenv("SOME_PASSWORD", "hidden")
    bench.start()
    native_id = await bench.submit(bench.launch("m1", "env > 1.out"))
    await bench.open(native_id)
    await feed.until_over(native_id, [1])
    assert "hidden" not in (bench.store / "1.1/1.out").read_text()


async def test_all_clusters_of_an_installation_are_listed_by_how_their_marks_begin(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    """Inert duplicates and what has never run, what runs, and what the history still has."""
    bench.start()
    # Two benches share a pool, and with it a history.
    a, b = (f"poms-{secrets.token_hex(4)}-" for _ in "ab")
    assert await bench.system.list_marked([a, b]) == []
    inert, done = bench.launch(f"{a}1-1", WRITES, 2), bench.launch(f"{a}2-1", WRITES)
    running, other = bench.launch(f"{b}3-1", WAITS, 60), bench.launch("poms-0000cccc-4-1", WRITES)
    duplicates = [await bench.submit(inert), await bench.submit(inert)]
    done_id, running_id = await bench.submit(done), await bench.submit(running)
    await bench.submit(other)
    for native_id in (done_id, running_id):
        await bench.open(native_id)
    await feed.until_over(done_id, [1])
    await wait_for_condition(lambda: bench.has_started(running, 1))

    async def told() -> bool:
        listed = {c.native_id: c for c in await bench.system.list_marked([a, b])}
        assert [listed[duplicate] for duplicate in duplicates] == [
            ReportedCluster(t, inert.mark, 2, False) for t in duplicates
        ]
        assert set(listed) <= {*duplicates, done_id, running_id}
        assert listed[running_id].mark == running.mark
        assert listed[running_id].jobs >= 60
        over = ReportedCluster(done_id, done.mark, 0, True)
        return listed[running_id].started and listed.get(done_id) == over

    await wait_for_condition(told)
    await bench.act(JobActionVerb.REMOVE, duplicates[0], "a duplicate")
    await bench.act(JobActionVerb.REMOVE, running_id, "enough")

    async def over() -> bool:
        listed = {c.native_id: c.jobs for c in await bench.system.list_marked([a, b])}
        return (
            not listed.get(duplicates[0])
            and not listed.get(running_id)
            and listed[duplicates[1]] == 2
        )

    await wait_for_condition(over)
