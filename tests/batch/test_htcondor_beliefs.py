"""What HTCondor's logs can lose, and what the queue and the history tell then."""

import asyncio
import json
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from batch import BatchRefused, BatchUnavailable, MarkAbsent, MarkFound
from batch.htcondor import HTCondor
from batch.htcondor.order import locate_event_log
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, HTCondorFixture, wait_for_condition
from tests.batch.pools import Pool

WRITES = 'echo x > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor: HTCondorFixture) -> HTCondorFixture:
    condor.access = replace(condor.access, interval_s=0.5)
    condor.condor.close()
    condor.system = condor.condor = HTCondor(condor.access, condor.spool)
    return condor


@contextmanager
def hide_folder(path: Path) -> Iterator[None]:
    """A folder out of everybody's reach, as when a file server is."""
    path.rename(path.with_name(f"{path.name}.away"))
    yield
    path.with_name(f"{path.name}.away").rename(path)


def build_waiting_command(go: Path) -> str:
    return f'echo x > "{locate_start_file(go)}"; {WRITES}; until [ -e "{go}" ]; do sleep 0.1; done'


def locate_start_file(go: Path) -> Path:
    """What the command that waits makes first: HTCondor says that a job runs before it has been started."""
    return go.with_suffix(".began")


@pytest.fixture
def go(bench: HTCondorFixture) -> Iterator[Path]:
    """What jobs wait for: outside the spool."""
    folder = bench.spool.with_name(f"{bench.spool.name}.signs")
    folder.mkdir()
    folder.chmod(0o777)
    yield folder / "go"
    shutil.rmtree(folder)


async def test_jobs_that_htcondor_holds_since_the_spool_is_away_are_told_held_and_can_be_released(
    bench: HTCondorFixture, pool: Pool, go: Path
) -> None:
    feed = CommittingFeed(bench.system)
    first, second = bench.launch("m1", build_waiting_command(go)), bench.launch("m2", WRITES)
    ids = [await bench.submit(each) for each in (first, second)]
    await bench.open(ids[0])
    await feed.until(ids[0], JobState.RUNNING, [1])
    await wait_for_condition(lambda: asyncio.to_thread(locate_start_file(go).exists))

    async def is_held() -> bool:
        told = await asyncio.to_thread(pool.run, "condor_q", ids[1], "-af", "JobStatus")
        return told.stdout.strip() == "5"

    with hide_folder(bench.spool):
        go.touch()
        with pytest.raises(BatchUnavailable):
            await feed.read()
        # As if it had been opened just before: it starts now.
        await asyncio.to_thread(pool.run, "condor_qedit", ids[1], "POMS_GO", "true")
        await wait_for_condition(is_held)
    await feed.until(ids[1], JobState.HELD, [1])
    await bench.act(JobActionVerb.RELEASE, ids[1], "it is back")
    assert (await feed.until_over(ids[1], [1]))[1] is JobState.SUCCEEDED
    await feed.until_over(ids[0], [1])


async def test_a_log_that_lost_an_end_is_found_out_when_it_is_looked_up(
    bench: HTCondorFixture, go: Path
) -> None:
    """As on a full disk: the log is the same file, and nothing follows in it."""
    feed = CommittingFeed(bench.system)
    launch = bench.launch("m1", build_waiting_command(go), 2)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1, 2])
    ref, log = bench.ref(native_id), locate_event_log(launch.directory)
    assert await bench.system.recheck([ref]) == {ref: MarkFound([native_id])}
    before = log.read_bytes()
    go.touch()
    await wait_for_condition(lambda: is_gone(bench, native_id))
    log.write_bytes(before)
    await feed.read()
    assert feed.states(native_id) == {1: JobState.RUNNING, 2: JobState.RUNNING}
    assert await bench.system.recheck([ref]) == {ref: MarkFound([native_id])}
    ended = await feed.until_over(native_id, [1, 2])
    assert set(ended.values()) == {JobState.SUCCEEDED}
    seen = [event.sequence for event in feed.events if event.number == 1]
    assert seen == sorted(seen)


async def is_gone(bench: HTCondorFixture, native_id: str) -> bool:
    told = await asyncio.to_thread(bench._pool.run, "condor_q", native_id, "-af", "ProcId")
    return not told.stdout.strip()


async def test_one_query_looks_up_many_launches(bench: HTCondorFixture, pool: Pool) -> None:
    ids = [await bench.submit(bench.launch(f"m{n}", WRITES)) for n in range(20)]
    refs = [bench.ref(native_id) for native_id in ids]
    before = pool.queries()
    found = await bench.system.recheck(refs)
    assert pool.queries() - before <= 2
    assert found == {ref: MarkFound([ref.native_id]) for ref in refs}


async def test_who_removed_a_job_of_ours_is_told(bench: HTCondorFixture, pool: Pool) -> None:
    feed = CommittingFeed(bench.system)
    ids = [await bench.submit(bench.launch(mark, WRITES)) for mark in ("m1", "m2")]
    await bench.behind_our_back(JobActionVerb.REMOVE, ids[0])
    await bench.act(JobActionVerb.REMOVE, ids[1], "not wanted")
    for native_id in ids:
        await feed.until(native_id, JobState.REMOVED, [1])
    told = {e.native_id: e.text for e in feed.events if e.state is JobState.REMOVED}
    user = pwd.getpwuid(pool.run_as.uid if pool.run_as else os.getuid()).pw_name
    assert told == {ids[0]: f"via condor_rm (by user {user})", ids[1]: "not wanted"}


async def test_a_record_that_is_gone_is_made_anew_by_what_the_schedd_says(
    bench: HTCondorFixture,
) -> None:
    """The spool's own list of launches is lost, and their directories are there."""
    launch = bench.launch("m1", WRITES, 3)
    native_id = await bench.submit(launch)
    (bench.spool / "htcondor" / launch.mark).unlink()
    ref = bench.ref(native_id)
    assert await bench.system.recheck([ref]) == {ref: MarkFound([native_id])}
    feed = CommittingFeed(bench.system)
    await bench.open(native_id)
    assert set((await feed.until_over(native_id, [1, 2, 3])).values()) == {JobState.SUCCEEDED}


async def test_a_cluster_of_another_mark_is_neither_told_nor_touched(
    bench: HTCondorFixture,
) -> None:
    launch = bench.launch("m1", WRITES)
    native_id = await bench.submit(launch)
    other = replace(bench.ref(native_id), mark="another-launch")
    assert isinstance((await bench.system.recheck([other]))[other], MarkAbsent)
    for verb in JobActionVerb:
        with pytest.raises(BatchRefused):
            await bench.system.act(verb, other, "not mine")
    await bench.open(native_id)
    feed = CommittingFeed(bench.system)
    assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED


def test_the_places_of_logs_are_kept_while_their_folder_is_away(
    bench: HTCondorFixture, tmp_path: Path
) -> None:
    launch = bench.launch("m1", WRITES)
    logs = bench.condor._feed
    log = locate_event_log(launch.directory)
    log.parent.mkdir(exist_ok=True)
    log.write_text("000 (007.000.000) 2026-03-04 05:06:07 Job submitted from host: <1>\n...\n")
    logs.enter(launch)
    place = logs.read(None, 10).read_to
    os.rename(bench.spool / "htcondor" / launch.mark, tmp_path / "away")
    assert json.loads(logs.read(place, 10).read_to) == json.loads(place)
    os.rename(tmp_path / "away", bench.spool / "htcondor" / launch.mark)
    with hide_folder(bench.spool), pytest.raises(FileNotFoundError):
        logs.read(place, 10)
    assert logs.read(place, 10).events == []
