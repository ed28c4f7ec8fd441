"""Clusters that somebody else submitted, watched by one query for all of them."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from batch import BatchRefused, ClusterRef, FollowedCluster, MarkFound
from batch.htcondor import HTCondor
from batch.htcondor.followed import number_jobs
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, HTCondorFixture, wait_for_condition
from tests.batch.pools import Pool
from up import home

INTERVAL_S = 0.5


@pytest.fixture
def bench(condor: HTCondorFixture) -> HTCondorFixture:
    condor.access = replace(condor.access, interval_s=INTERVAL_S)
    condor.condor.close()
    condor.system = condor.condor = HTCondor(condor.access, condor.spool)
    return condor


async def submit_outside(
    bench: HTCondorFixture, pool: Pool, *scripts: str, **more: str
) -> FollowedCluster:
    """A cluster by condor_submit, a job for each script; POMS has nothing to do with it."""
    folder = bench.spool / f"foreign{len(list(bench.spool.iterdir()))}"
    folder.mkdir()
    mark = f"{bench.spool.name}-{folder.name}"
    for proc, script in enumerate(scripts):
        (folder / f"{proc}.sh").write_text(script)
    asked = {
        "executable": "/bin/sh",
        "arguments": f"{folder}/$(Process).sh",
        "initialdir": str(folder),
        "request_memory": "100",
        "request_disk": "1MB",
        "should_transfer_files": "NO",
        "My.POMS_MARK": f'"{mark}"',
        **more,
    }
    lines = [f"{name} = {value}" for name, value in asked.items()]
    (folder / "description").write_text("\n".join([*lines, f"queue {len(scripts)}", ""]))
    for path in (folder, *folder.iterdir()):
        home.give_ownership(path, pool.run_as)
    done = await asyncio.to_thread(pool.run, "condor_submit", "-terse", str(folder / "description"))
    assert done.returncode == 0, done.stderr
    cluster = done.stdout.partition(".")[0]
    bench.marks[cluster] = mark
    return FollowedCluster(cluster, mark, folder, first=11)


def describe_last_event(feed: CommittingFeed, number: int) -> dict[str, object]:
    event = [each for each in feed.events if each.number == number][-1]
    return {name: getattr(event, name) for name in ("state", "exit_code", "signal", "code", "text")}


async def test_how_the_jobs_of_a_followed_cluster_end_is_told(
    bench: HTCondorFixture, pool: Pool
) -> None:
    scripts = ["exit 0", "exit 7", "kill -SEGV $$", "sleep 1"]
    feed, cluster = CommittingFeed(bench.system), await submit_outside(bench, pool, *scripts)
    assert [*await bench.system.follow(cluster)] == [11, 12, 13, 14]
    assert [*await bench.system.follow(cluster)] == [11, 12, 13, 14]
    await feed.until_over(cluster.native_id, [11, 12, 13, 14])
    assert feed.list_states(14) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    ends = [
        (describe_last_event(feed, n)["state"], describe_last_event(feed, n)["exit_code"])
        for n in (11, 12, 13)
    ]
    assert ends == [(JobState.SUCCEEDED, 0), (JobState.FAILED, 7), (JobState.FAILED, None)]
    assert describe_last_event(feed, 13)["signal"] == signal.SIGSEGV
    running = next(e for e in feed.events if (e.number, e.state) == (14, JobState.RUNNING))
    over = feed.events[-1]
    assert running.slot is not None
    assert running.site == running.slot.rpartition("@")[2]
    assert over.wall_s is not None
    assert over.wall_s >= 1
    assert over.memory_mb is not None
    assert over.cpu_s is not None
    assert await bench.system.find(cluster.mark) == MarkFound([cluster.native_id])


async def test_a_cluster_that_was_over_before_it_was_followed_is_found_in_the_history(
    bench: HTCondorFixture, pool: Pool
) -> None:
    numbered = {"My.POMS_NUMBER": "$(Process) * 10"}
    feed, cluster = (
        CommittingFeed(bench.system),
        await submit_outside(bench, pool, "exit 0", "exit 3", **numbered),
    )
    await wait_for_condition(lambda: is_gone(pool, cluster))
    assert [*await bench.system.follow(cluster)] == [0, 10]
    await feed.until_over(cluster.native_id, [0, 10])
    assert feed.list_states(10) == [("idle", 0), ("running", 1), ("failed", 1)]
    assert describe_last_event(feed, 10)["exit_code"] == 3


async def is_gone(pool: Pool, cluster: FollowedCluster) -> bool:
    done = await asyncio.to_thread(pool.run, "condor_q", cluster.native_id, "-af", "ProcId")
    return not done.stdout.strip()


async def test_why_somebody_held_and_removed_jobs_is_told_and_who(
    bench: HTCondorFixture, pool: Pool
) -> None:
    feed, cluster = (
        CommittingFeed(bench.system),
        await submit_outside(bench, pool, *["exec sleep 60"] * 3),
    )
    native_id = cluster.native_id
    # One of its QUEUE_SUPER_USERS the schedd knows only once they have submitted something.
    await bench.submit(bench.launch("m1", "true"))
    await bench.system.follow(cluster)
    await feed.until(native_id, JobState.RUNNING, [11, 12, 13])
    await bench.act(JobActionVerb.HOLD, native_id, "look at it", [11])
    await asyncio.to_thread(pool.run, "condor_hold", f"{native_id}.1")
    await feed.until(native_id, JobState.HELD, [11, 12])
    assert describe_last_event(feed, 11)["text"] == "look at it (by user poms)"
    assert (describe_last_event(feed, 12)["code"], describe_last_event(feed, 12)["text"]) == (
        1,
        "via condor_hold",
    )
    await asyncio.to_thread(pool.run, "condor_release", f"{native_id}.1")
    await feed.until(native_id, JobState.RUNNING, [12])
    assert feed.list_states(12)[-4:] == [("running", 1), ("held", 1), ("idle", 1), ("running", 2)]
    await asyncio.to_thread(pool.run, "condor_rm", native_id)
    await feed.until_over(native_id, [11, 12, 13])
    assert {describe_last_event(feed, n)["state"] for n in (11, 12, 13)} == {JobState.REMOVED}
    assert describe_last_event(feed, 13)["text"] == "via condor_rm"
    assert bench.left_over() == []


async def test_a_factory_whose_jobs_come_by_and_by_is_followed_whole_and_to_its_removal(
    bench: HTCondorFixture, pool: Pool
) -> None:
    feed, few = CommittingFeed(bench.system), {"max_materialize": "2"}
    cluster = await submit_outside(bench, pool, "exit 0", *["exec sleep 60"] * 5, **few)
    assert [*await bench.system.follow(cluster)] == [11, 12, 13, 14, 15, 16]
    await feed.until(cluster.native_id, JobState.RUNNING, [12, 13])
    assert describe_last_event(feed, 11)["state"] == JobState.SUCCEEDED
    assert 16 not in feed.states(cluster.native_id)
    await asyncio.to_thread(pool.run, "condor_rm", cluster.native_id)
    await feed.until_over(cluster.native_id, range(11, 17))
    assert describe_last_event(feed, 13)["text"] == "via condor_rm"
    assert describe_last_event(feed, 16)["text"] == "removed before it was in the queue"


async def test_a_schedd_that_is_killed_makes_no_new_attempt_of_a_job_that_goes_on(
    bench: HTCondorFixture, pool: Pool
) -> None:
    wait = f'until [ -e "{bench.shared}/go" ]; do sleep 0.1; done'
    feed, cluster = CommittingFeed(bench.system), await submit_outside(bench, pool, wait)
    await bench.system.follow(cluster)
    await feed.until(cluster.native_id, JobState.RUNNING, [11])
    bench.restart()
    feed = make_next_feed(feed, bench)

    async def reconnected() -> bool:
        await feed.read()
        words = ("condor_q", cluster.native_id, "-af", "NumJobReconnects")
        return (await asyncio.to_thread(pool.run, *words)).stdout.strip() == "1"

    await wait_for_condition(reconnected)
    (bench.shared / "go").touch()
    await feed.until_over(cluster.native_id, [11])
    assert feed.list_states(11) == [("idle", 0), ("running", 1), ("succeeded", 1)]


def make_next_feed(feed: CommittingFeed, bench: HTCondorFixture) -> CommittingFeed:
    """A reader that goes on with another watcher, which knows only what is written down."""
    next_ = CommittingFeed(bench.again())
    next_.events, next_.places = [*feed.events], [*feed.places]
    return next_


async def test_a_job_whose_shadow_is_killed_is_told_as_the_attempt_that_its_own_ad_names(
    bench: HTCondorFixture, pool: Pool
) -> None:
    names = f'grep "^NumShadowStarts" "$_CONDOR_JOB_AD" > {bench.spool}/names.$$'
    wait = f'{names}; until [ -e "{bench.shared}/go" ]; do sleep 0.1; done'
    feed, cluster = CommittingFeed(bench.system), await submit_outside(bench, pool, wait)
    await bench.system.follow(cluster)
    await feed.until(cluster.native_id, JobState.RUNNING, [11])
    os.kill(pool.process("condor_shadow", f"{cluster.native_id}.0"), signal.SIGKILL)

    async def again() -> bool:
        await feed.read()
        return len(list(bench.spool.glob("names.*"))) == 2

    await wait_for_condition(again)
    (bench.shared / "go").touch()
    await feed.until_over(cluster.native_id, [11])
    said = max(int(path.read_text().split("=")[1]) for path in bench.spool.glob("names.*"))
    assert feed.list_states(11)[-1] == ("succeeded", said)


async def test_the_schedd_is_asked_once_an_interval_however_many_jobs_and_clusters_there_are(
    bench: HTCondorFixture, pool: Pool
) -> None:
    feed = CommittingFeed(bench.system)

    async def asked(seconds: float) -> int:
        before, end = pool.queries(), time.monotonic() + seconds
        while time.monotonic() < end:
            await feed.read()
            await asyncio.sleep(0.05)
        return pool.queries() - before

    assert await asked(1) == 0
    for jobs in (1, 200):
        cluster = await submit_outside(bench, pool, *["exec sleep 60"] * jobs)
        await bench.system.follow(cluster)
        await feed.until(cluster.native_id, JobState.RUNNING, [11])
        assert 2 <= await asked(5 * INTERVAL_S) <= 6


async def test_nothing_is_done_to_a_cluster_that_does_not_carry_the_mark(
    bench: HTCondorFixture, pool: Pool
) -> None:
    feed, cluster = CommittingFeed(bench.system), await submit_outside(bench, pool, "exec sleep 60")
    other = ClusterRef(cluster.native_id, "another-launch")
    await bench.system.follow(cluster)
    await feed.until(cluster.native_id, JobState.RUNNING, [11])
    for verb in JobActionVerb:
        with pytest.raises(BatchRefused):
            await bench.system.act(verb, other, "not mine")
    with pytest.raises(BatchRefused):
        await bench.system.open(other)
    await feed.read()
    assert feed.states(cluster.native_id) == {11: JobState.RUNNING}


async def test_a_cluster_that_nobody_knows_is_refused(bench: HTCondorFixture) -> None:
    for native_id in ("70000", "../1", ""):
        with pytest.raises(BatchRefused):
            await bench.system.follow(FollowedCluster(native_id, "m1", Path("/nowhere"), 1))


@pytest.mark.parametrize(
    ("told", "taken", "given"),
    [
        ([None, None], [], [5, 6]),
        ([7, None, 7], [], [7, 6, 8]),
        ([None, 5], [], [6, 5]),
        ([1, 2], [1], [5, 2]),
        ([None, None], [5, 6], [7, 8]),
    ],
)
def test_a_number_that_a_job_brings_is_its_own_if_it_is_free(
    told: Sequence[int | None], taken: list[int], given: list[int]
) -> None:
    assert number_jobs(told, 5, taken) == given
