"""What every batch system must do when it, its watcher or somebody else does not do what is usual.

States that nobody knows can't be made to order on a real system: what was captured of each is tested with its words.
"""

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from batch import BatchUnavailable, MarkFound, MarkUnknown, ReportKey
from batch.archive import KEPT_S
from batch.directory import InputFile, locate_report
from domain.batch.reconciliation import ReportedCluster
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import BatchFixture, CommittingFeed, wait_for_condition

WRITES = 'echo "$POMS_JOB" > "$POMS_JOB.out"'
WAITS = "echo x > $POMS_JOB.out; exec sleep 60"


async def test_while_it_does_not_answer_nothing_is_known_and_afterwards_nothing_is_lost(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    launch = bench.launch("m1", WRITES)
    system = bench.system = bench.again(call_s=2)
    native_id = await bench.submit(launch)
    with bench.cut():
        assert isinstance(await system.find(launch.mark), MarkUnknown)
        assert isinstance(await system.find("never-launched"), MarkUnknown)
        with pytest.raises(BatchUnavailable):
            await system.open(bench.ref(native_id))
    assert await system.find(launch.mark) == MarkFound([native_id])
    bench.system = bench.again()
    await bench.open(native_id)
    feed = CommittingFeed(bench.system)
    await feed.until_over(native_id, [1])
    assert feed.list_states(1) == [("idle", 0), ("running", 1), ("succeeded", 1)]


async def test_another_watcher_goes_on_where_the_last_one_stopped(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    script = f'echo x > 1.out; until [ -e "{bench.shared}/go" ]; do sleep 0.1; done'
    native_id = await bench.submit(bench.launch("m1", script))
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1])
    (bench.shared / "go").touch()
    next_ = CommittingFeed(bench.again())
    next_.places = feed.places[-1:]
    await next_.until_over(native_id, [1])
    assert feed.list_states(1) + next_.list_states(1) == [
        ("idle", 0),
        ("running", 1),
        ("succeeded", 1),
    ]
    assert feed.events[-1].sequence < next_.events[0].sequence


async def test_a_launch_whose_end_was_told_may_be_opened_again_and_the_reader_goes_on(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    """As by somebody who takes over from a launcher that died after it had opened the gate."""
    bench.start()
    ids = [await bench.submit(bench.launch(mark, WRITES)) for mark in ("m1", "m2")]
    await bench.open(ids[0])
    await feed.until_over(ids[0], [1])
    for _ in range(2):
        await feed.read()
        await bench.open(ids[0])
        bench.system = bench.again()
    await feed.read()
    await bench.open(ids[1])
    await feed.until_over(ids[1], [1])
    assert [e.state for e in feed.events if e.native_id == ids[0] and e.state.is_over] == [
        JobState.SUCCEEDED
    ]


@pytest.mark.parametrize("bench", ["condor", "condor_query", "slurm"], indirect=True)
async def test_a_launch_that_is_over_is_kept_aside_as_long_as_an_old_dump_may_want_it(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    aside, kept = bench.aside, [set[Path]()]

    async def another() -> bool:
        await feed.read()
        return bool({*aside.glob("*")} - kept[-1])

    for mark in ("m1", "m2", "m3"):
        native_id = await bench.submit(bench.launch(mark, WRITES))
        await bench.open(native_id)
        await wait_for_condition(another)
        kept.append({*aside.glob("*")})
        if mark == "m1":
            os.utime(min(kept[1]), times=(0, time.time() - KEPT_S - 60))
    assert [len(paths) for paths in kept[1:]] == [1, 1, 2]
    assert not kept[1] & kept[3]


async def test_the_system_itself_is_restarted_and_no_job_is_lost_or_done_twice_over(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    script = f'echo x > $POMS_JOB.out; until [ -e "{bench.shared}/go" ]; do sleep 0.1; done'
    running, closed = bench.launch("m1", script), bench.launch("m2", WRITES)
    ids = [await bench.submit(launch) for launch in (running, closed)]
    await bench.open(ids[0])
    await wait_for_condition(lambda: bench.has_started(running, 1))
    await feed.read()
    bench.restart()
    (bench.shared / "go").touch()

    async def found() -> bool:
        sighting = await bench.system.find(closed.mark)
        # A session with the one that is gone may be refused once.
        assert isinstance(sighting, MarkUnknown) or sighting == MarkFound([ids[1]])
        return isinstance(sighting, MarkFound)

    await wait_for_condition(found)
    await feed.until_over(ids[0], [1])
    assert bench.starts(closed, 1) == 0
    await bench.open(ids[1])
    await feed.until_over(ids[1], [1])
    assert [feed.states(native_id)[1] for native_id in ids] == [JobState.SUCCEEDED] * 2
    ends = [e for e in feed.events if e.state.is_over]
    assert len(ends) == 2
    # The shadow of HTCondor's job comes back to it, or starts it once more; then that is its last attempt.
    last = next(e for e in ends if e.native_id == ids[0])
    assert bench.starts(running, 1) == last.attempt


async def test_what_somebody_else_removes_is_removed_and_what_they_hold_is_held(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    held, removed = bench.launch("m1", WAITS), bench.launch("m2", WAITS)
    ids = [await bench.submit(launch) for launch in (held, removed)]
    for native_id, launch in zip(ids, (held, removed), strict=True):
        await bench.open(native_id)
        await wait_for_condition(lambda launch=launch: bench.has_started(launch, 1))  # type: ignore[misc]
    await bench.behind_our_back(JobActionVerb.HOLD, ids[0])
    await bench.behind_our_back(JobActionVerb.REMOVE, ids[1])
    await feed.until(ids[0], JobState.HELD, [1])
    await feed.until(ids[1], JobState.REMOVED, [1])
    said = {(e.native_id, e.state): (e.code, e.text) for e in feed.events}
    for key in ((ids[0], JobState.HELD), (ids[1], JobState.REMOVED)):
        code, text = said[key]
        assert code == 1
        assert text
    await bench.behind_our_back(JobActionVerb.REMOVE, ids[0])
    await feed.until(ids[0], JobState.REMOVED, [1])


async def test_what_a_job_leaves_behind_ends_with_it(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    stays = "</dev/null >/dev/null 2>&1 &"
    script = f"echo x > 1.out; setsid sleep 600 {stays} (setsid sh -c 'sleep 601 & sleep 602') {stays} sleep 1"
    launch = bench.launch("m1", script)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    assert (await feed.until_over(native_id, [1]))[1] == JobState.SUCCEEDED

    async def alone() -> bool:
        return not bench.left_over()

    await wait_for_condition(alone)


async def test_a_job_whose_input_is_not_there_fails_and_says_which(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    file = InputFile(7, "raw.dat", f"{bench.store}/raw.dat", 12)
    launch = bench.launch("m1", WRITES, files=[file])
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await feed.until_over(native_id, [1])
    assert (feed.events[-1].state, feed.events[-1].exit_code) == (JobState.FAILED, 80)
    key = ReportKey(launch.directory, 1, 1)
    report = (await bench.system.reports([key]))[key]
    assert report["reason"] == "missing_input"
    (fate,) = report["inputs"]
    assert (fate["id"], fate["delivery"], fate["outcome"]) == (7, "waiting", "failed")


async def test_hostile_reports_cost_their_jobs_and_the_others_are_read(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    launch = bench.launch("m1", WRITES, 6)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await feed.until_over(native_id, range(1, 7))
    keys = [ReportKey(launch.directory, number, 1) for number in range(1, 7)]
    for key in keys[:5]:
        path, told = Path(locate_report(key)), json.loads(Path(locate_report(key)).read_text())
        (output,) = told["outputs"]
        text = json.dumps(told)
        odd = {"exit_code": 1 << 70, "wall_s": float("inf"), "started": "never", "host": "\0"}
        large = [output | {"metadata": {"text": "x" * 9_000_000, "number": 1 << 70}}]
        hostile = {
            1: json.dumps(told | odd),
            2: text[: len(text) // 2],
            3: json.dumps(told | {"outputs": [output | {"name": "x" * 3000}]}),
            4: json.dumps(told | {"outputs": large}),
            5: "x" * 10_000_001,
        }
        path.write_text(hostile[key.number])
    found = await bench.system.reports(keys)
    assert [*found.remaining] == keys[4:]  # what was read before is enough at once
    found.update(await bench.system.reports(found.remaining))
    outcomes = [(found[key]["outcome"], found[key]["reason"]) for key in keys]
    bad, good = ("failed", "bad_report"), ("succeeded", None)
    assert outcomes == [good, bad, bad, good, bad, good]
    assert not {"exit_code", "wall_s", "started"} & found[keys[0]].keys()
    assert found[keys[3]]["outputs"][0]["metadata"]["number"] == 1 << 70


@pytest.mark.timeout(600)
async def test_ten_thousand_jobs_are_one_launch_and_each_is_told_of_once(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    """Where all is spooled they are fewer, unless POMS_TEST_LARGE is set: it takes minutes.

    Submitted, found and removed, all of it behind the gate: running so many takes too long for a test."""
    bench.start()
    jobs = bench.very_many
    launch = bench.launch("ten-thousand", "true", jobs)
    native_id = await bench.submit(launch)

    async def found() -> bool:
        sighting = await bench.system.find(launch.mark)
        # A schedd that is still busy with so many may not answer in time.
        assert isinstance(sighting, MarkUnknown) or sighting == MarkFound([native_id])
        return isinstance(sighting, MarkFound)

    await wait_for_condition(found, within_s=120)
    (cluster,) = await bench.system.list_marked([launch.mark])
    assert cluster == ReportedCluster(native_id, launch.mark, jobs, False)
    await bench.act(JobActionVerb.REMOVE, native_id, "too many")
    states = await feed.until_over(native_id, range(1, jobs + 1), within_s=120)
    assert Counter(states.values()) == {JobState.REMOVED: jobs}
    assert Counter(e.number for e in feed.events if e.state.is_over) == dict.fromkeys(
        range(1, jobs + 1), 1
    )
    assert {e.text for e in feed.events if e.state.is_over} <= {
        "too many", "removed before it was in the queue",
    }  # fmt: skip
    assert not list((launch.directory / "starts").iterdir())
