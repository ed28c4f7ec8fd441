"""Clusters that somebody else submitted, watched by one query for all of them."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from batch import BatchRefused, Followed, Found
from batch.htcondor import HTCondor
from batch.htcondor.followed import numbers
from domain.jobs import JobState, Verb
from tests.batch.benches import Feed, HTCondorBench, until
from tests.batch.pools import Pool
from up import home

INTERVAL_S = 0.5


@pytest.fixture
def bench(condor: HTCondorBench) -> HTCondorBench:
    condor.access = replace(condor.access, interval_s=INTERVAL_S)
    condor.condor.close()
    condor.system = condor.condor = HTCondor(condor.access, condor.spool)
    return condor


async def submitted(bench: HTCondorBench, pool: Pool, *scripts: str, **more: str) -> Followed:
    """A cluster by condor_submit, a job for each script; POMS has nothing to do with it."""
    folder = bench.spool / f"foreign{len(list(bench.spool.iterdir()))}"
    folder.mkdir()
    for proc, script in enumerate(scripts):
        (folder / f"{proc}.sh").write_text(script)
    asked = {
        "executable": "/bin/sh",
        "arguments": f"{folder}/$(Process).sh",
        "initialdir": str(folder),
        "request_memory": "100",
        "request_disk": "1MB",
        "should_transfer_files": "NO",
        **more,
    }
    lines = [f"{name} = {value}" for name, value in asked.items()]
    (folder / "description").write_text("\n".join([*lines, f"queue {len(scripts)}", ""]))
    for path in (folder, *folder.iterdir()):
        home.give(path, pool.run_as)
    done = await asyncio.to_thread(pool.run, "condor_submit", "-terse", str(folder / "description"))
    assert done.returncode == 0, done.stderr
    cluster = done.stdout.partition(".")[0]
    return Followed(cluster, f"mark-{folder.name}", folder, first=11)


def last(feed: Feed, number: int) -> dict[str, object]:
    event = [each for each in feed.events if each.number == number][-1]
    return {name: getattr(event, name) for name in ("state", "exit_code", "signal", "code", "text")}


async def test_how_the_jobs_of_a_followed_cluster_end_is_told(
    bench: HTCondorBench, pool: Pool
) -> None:
    scripts = ["exit 0", "exit 7", "kill -SEGV $$", "sleep 1"]
    feed, cluster = Feed(bench.system), await submitted(bench, pool, *scripts)
    assert [*await bench.system.follow(cluster)] == [11, 12, 13, 14]
    assert [*await bench.system.follow(cluster)] == [11, 12, 13, 14]
    await feed.until_over(cluster.native_id, [11, 12, 13, 14])
    assert feed.told(14) == [("idle", 0), ("running", 1), ("succeeded", 1)]
    ends = [(last(feed, n)["state"], last(feed, n)["exit_code"]) for n in (11, 12, 13)]
    assert ends == [(JobState.SUCCEEDED, 0), (JobState.FAILED, 7), (JobState.FAILED, None)]
    assert last(feed, 13)["signal"] == signal.SIGSEGV
    running = next(e for e in feed.events if (e.number, e.state) == (14, JobState.RUNNING))
    over = feed.events[-1]
    assert running.slot is not None
    assert running.site == running.slot.rpartition("@")[2]
    assert over.wall_s is not None
    assert over.wall_s >= 1
    assert over.memory_mb is not None
    assert over.cpu_s is not None
    assert await bench.system.find(cluster.mark) == Found([cluster.native_id])


async def test_a_cluster_that_was_over_before_it_was_followed_is_found_in_the_history(
    bench: HTCondorBench, pool: Pool
) -> None:
    numbered = {"My.POMS_NUMBER": "$(Process) * 10"}
    feed, cluster = Feed(bench.system), await submitted(bench, pool, "exit 0", "exit 3", **numbered)
    await until(lambda: is_gone(pool, cluster))
    assert [*await bench.system.follow(cluster)] == [0, 10]
    await feed.until_over(cluster.native_id, [0, 10])
    assert feed.told(10) == [("idle", 0), ("running", 1), ("failed", 1)]
    assert last(feed, 10)["exit_code"] == 3


async def is_gone(pool: Pool, cluster: Followed) -> bool:
    done = await asyncio.to_thread(pool.run, "condor_q", cluster.native_id, "-af", "ProcId")
    return not done.stdout.strip()


async def test_why_somebody_held_and_removed_jobs_is_told_and_who(
    bench: HTCondorBench, pool: Pool
) -> None:
    feed, cluster = Feed(bench.system), await submitted(bench, pool, *["exec sleep 60"] * 3)
    native_id = cluster.native_id
    # One of its QUEUE_SUPER_USERS the schedd knows only once they have submitted something.
    await bench.system.submit(bench.launch("m1", "true"))
    await bench.system.follow(cluster)
    await feed.until(native_id, JobState.RUNNING, [11, 12, 13])
    await bench.system.act(Verb.HOLD, native_id, "look at it", [11])
    await asyncio.to_thread(pool.run, "condor_hold", f"{native_id}.1")
    await feed.until(native_id, JobState.HELD, [11, 12])
    assert last(feed, 11)["text"] == "look at it (by user poms)"
    assert (last(feed, 12)["code"], last(feed, 12)["text"]) == (1, "via condor_hold")
    await asyncio.to_thread(pool.run, "condor_release", f"{native_id}.1")
    await feed.until(native_id, JobState.RUNNING, [12])
    assert feed.told(12)[-4:] == [("running", 1), ("held", 1), ("idle", 1), ("running", 2)]
    await asyncio.to_thread(pool.run, "condor_rm", native_id)
    await feed.until_over(native_id, [11, 12, 13])
    assert {last(feed, n)["state"] for n in (11, 12, 13)} == {JobState.REMOVED}
    assert last(feed, 13)["text"] == "via condor_rm"
    assert bench.left_over() == []


async def test_a_factory_whose_jobs_come_by_and_by_is_followed_whole_and_to_its_removal(
    bench: HTCondorBench, pool: Pool
) -> None:
    feed, few = Feed(bench.system), {"max_materialize": "2"}
    cluster = await submitted(bench, pool, "exit 0", *["exec sleep 60"] * 5, **few)
    assert [*await bench.system.follow(cluster)] == [11, 12, 13, 14, 15, 16]
    await feed.until(cluster.native_id, JobState.RUNNING, [12, 13])
    assert last(feed, 11)["state"] == JobState.SUCCEEDED
    assert 16 not in feed.states(cluster.native_id)
    await asyncio.to_thread(pool.run, "condor_rm", cluster.native_id)
    await feed.until_over(cluster.native_id, range(11, 17))
    assert last(feed, 13)["text"] == "via condor_rm"
    assert last(feed, 16)["text"] == "removed before it was in the queue"


async def test_a_schedd_that_is_killed_makes_no_new_attempt_of_a_job_that_goes_on(
    bench: HTCondorBench, pool: Pool
) -> None:
    wait = f'until [ -e "{bench.spool}/go" ]; do sleep 0.1; done'
    feed, cluster = Feed(bench.system), await submitted(bench, pool, wait)
    await bench.system.follow(cluster)
    await feed.until(cluster.native_id, JobState.RUNNING, [11])
    bench.restart()
    feed = after(feed, bench)

    async def reconnected() -> bool:
        await feed.read()
        words = ("condor_q", cluster.native_id, "-af", "NumJobReconnects")
        return (await asyncio.to_thread(pool.run, *words)).stdout.strip() == "1"

    await until(reconnected)
    (bench.spool / "go").touch()
    await feed.until_over(cluster.native_id, [11])
    assert feed.told(11) == [("idle", 0), ("running", 1), ("succeeded", 1)]


def after(feed: Feed, bench: HTCondorBench) -> Feed:
    """A reader that goes on with another watcher, which knows only what is written down."""
    next_ = Feed(bench.again())
    next_.events, next_.places = [*feed.events], [*feed.places]
    return next_


async def test_a_job_whose_shadow_is_killed_is_told_as_the_attempt_that_its_own_ad_names(
    bench: HTCondorBench, pool: Pool
) -> None:
    names = f'grep "^NumShadowStarts" "$_CONDOR_JOB_AD" > {bench.spool}/names.$$'
    wait = f'{names}; until [ -e "{bench.spool}/go" ]; do sleep 0.1; done'
    feed, cluster = Feed(bench.system), await submitted(bench, pool, wait)
    await bench.system.follow(cluster)
    await feed.until(cluster.native_id, JobState.RUNNING, [11])
    os.kill(pool.process("condor_shadow", f"{cluster.native_id}.0"), signal.SIGKILL)

    async def again() -> bool:
        await feed.read()
        return len(list(bench.spool.glob("names.*"))) == 2

    await until(again)
    (bench.spool / "go").touch()
    await feed.until_over(cluster.native_id, [11])
    said = max(int(path.read_text().split("=")[1]) for path in bench.spool.glob("names.*"))
    assert feed.told(11)[-1] == ("succeeded", said)


async def test_the_schedd_is_asked_once_an_interval_however_many_jobs_and_clusters_there_are(
    bench: HTCondorBench, pool: Pool
) -> None:
    feed = Feed(bench.system)

    async def asked(seconds: float) -> int:
        before, end = pool.queries(), time.monotonic() + seconds
        while time.monotonic() < end:
            await feed.read()
            await asyncio.sleep(0.05)
        return pool.queries() - before

    assert await asked(1) == 0
    for jobs in (1, 200):
        cluster = await submitted(bench, pool, *["exec sleep 60"] * jobs)
        await bench.system.follow(cluster)
        await feed.until(cluster.native_id, JobState.RUNNING, [11])
        assert 2 <= await asked(5 * INTERVAL_S) <= 6


async def test_a_cluster_that_nobody_knows_is_refused(bench: HTCondorBench) -> None:
    for native_id in ("70000", "../1", ""):
        with pytest.raises(BatchRefused):
            await bench.system.follow(Followed(native_id, "m1", Path("/nowhere"), 1))


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
    assert numbers(told, 5, taken) == given
