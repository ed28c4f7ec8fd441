"""A schedd whose machine sees nothing of ours: what goes there comes back, and nothing is lost on the way."""

import asyncio
import contextlib
import hashlib
import os
import signal
from collections.abc import Iterable
from typing import Any

import pytest

from batch import BatchUnavailable, JobEvent, Launch, MarkAbsent, MarkFound, ReportKey
from batch.directory import InputFile
from batch.htcondor import HTCondor
from batch.htcondor.child import BindingsChild
from batch.journal import LaunchJournal
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import (
    CommittingFeed,
    QueryFixture,
    list_processes_with,
    wait_for_condition,
)
from tests.batch.pools import Pool
from up.home import give_ownership

COPIES = 'cat $(cat "$POMS_INPUTS") > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor_query: QueryFixture) -> QueryFixture:
    return condor_query


class Died(Exception):
    """What stands for the end of a watcher."""


def kill_watcher_at(monkeypatch: pytest.MonkeyPatch, call: str, *, afterwards: bool) -> list[str]:
    """Let every watcher of this process die at a question to HTCondor; where it did."""
    real, died = BindingsChild.call, list[str]()

    def dying(self: BindingsChild, asked: str, *args: Any, **given: Any) -> Any:
        said = real(self, asked, *args, **given) if asked != call or afterwards else None
        if asked == call:
            died.append(call)
            raise Died
        return said

    monkeypatch.setattr(BindingsChild, "call", dying)
    return died


def kill_watcher_writing(monkeypatch: pytest.MonkeyPatch, *, afterwards: bool) -> list[str]:
    """The same where the end of a job is written down."""
    real, died = LaunchJournal.tell, list[str]()

    def dying(self: LaunchJournal[Any], events: Iterable[JobEvent]) -> None:
        events = list(events)
        ends = any(event.state.is_over for event in events)
        if not ends or afterwards:
            real(self, events)
        if ends:
            died.append("tell")
            raise Died

    monkeypatch.setattr(LaunchJournal, "tell", dying)
    return died


@pytest.mark.parametrize("afterwards", [False, True])
@pytest.mark.parametrize("call", ["retrieve", "tell", "let_go"])
async def test_a_watcher_that_dies_on_the_way_of_an_end_loses_and_doubles_nothing(
    bench: QueryFixture, pool: Pool, monkeypatch: pytest.MonkeyPatch, call: str, afterwards: bool
) -> None:
    text = "from afar\n"
    (bench.spool / "raw.txt").write_text(text)
    raw = InputFile(1, "raw.txt", str(bench.spool / "raw.txt"), len(text))
    launch, feed = bench.launch("m1", COPIES, 2, files=[raw]), CommittingFeed(bench.system)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    with monkeypatch.context() as patched:
        if call == "tell":
            died = kill_watcher_writing(patched, afterwards=afterwards)
        else:
            died = kill_watcher_at(patched, call, afterwards=afterwards)

        async def is_dead() -> bool:
            with contextlib.suppress(Died):
                await feed.read()
            return bool(died)

        await wait_for_condition(is_dead)
        next_ = CommittingFeed(bench.again())
        next_.events, next_.places = feed.events, feed.places
    await next_.until_over(native_id, [1, 2])
    for number in (1, 2):
        assert next_.list_states(number) == [("idle", 0), ("running", 1), ("succeeded", 1)]
        await is_whole(bench, launch, number, text)

    async def all_is_over() -> bool:
        await next_.read()
        return not await asyncio.to_thread(pool.queue) and (bench.aside / native_id).exists()

    await wait_for_condition(all_is_over)


async def is_whole(bench: QueryFixture, launch: Launch, number: int, text: str) -> None:
    key = ReportKey(launch.directory, number, 1)
    (output,) = (await bench.system.reports([key]))[key]["outputs"]
    made = bench.store / f"{number}.1/{number}.out"
    assert output["path"] == str(made)
    assert output["checksum"] == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert made.read_text() == text


async def test_what_was_not_handed_over_whole_is_removed_and_counts_as_absent(
    bench: QueryFixture, pool: Pool
) -> None:
    """The child dies while it carries an input that is large enough to be met on its way."""
    large = bench.spool / "large"
    large.touch()
    os.truncate(large, 2_000_000_000)
    give_ownership(large, pool.run_as)
    launch = bench.launch("half", "true", 2, files=[InputFile(1, "large", str(large))])
    submitting = asyncio.create_task(bench.submit(launch))

    async def is_there() -> bool:
        return len((await asyncio.to_thread(pool.queue)).split()) == 2

    await wait_for_condition(is_there)
    for child in list_processes_with(f"_CONDOR_SEC_TOKEN_DIRECTORY={bench.access.tokens}"):
        os.kill(int(child), signal.SIGKILL)
    with pytest.raises(BatchUnavailable):
        await submitting
    sighting = await bench.again().find(launch.mark)
    assert isinstance(sighting, MarkAbsent)

    async def is_gone() -> bool:
        return not await asyncio.to_thread(pool.queue)

    await wait_for_condition(is_gone)
    os.truncate(large, 10)
    native_id = await bench.submit(launch)
    assert await bench.system.find(launch.mark) == MarkFound([native_id])


async def test_one_that_was_found_by_its_mark_is_followed_from_its_opening(
    bench: QueryFixture,
) -> None:
    """As by a launcher that died before it could note what it had submitted."""
    launch = bench.launch("m1", 'echo x > "$POMS_JOB.out"', 3)
    native_id = await bench.submit(launch)
    forgotten = bench.aside.parent / native_id
    forgotten.rename(forgotten.with_name(f".{native_id}"))
    system = bench.again()
    assert await system.find(launch.mark) == MarkFound([native_id])
    feed = CommittingFeed(system)
    await system.open(bench.ref(native_id))
    states = await feed.until_over(native_id, [1, 2, 3])
    assert set(states.values()) == {JobState.SUCCEEDED}
    assert await system.reports([ReportKey(launch.directory, 3, 1)])


async def test_a_job_that_has_ended_and_is_still_to_be_brought_back_can_not_be_removed(
    bench: QueryFixture, pool: Pool
) -> None:
    launch, feed = bench.launch("m1", 'echo x > "$POMS_JOB.out"'), CommittingFeed(bench.system)
    native_id = await bench.submit(launch)
    await bench.open(native_id)

    async def has_ended() -> bool:
        words = ("condor_q", native_id, "-af", "JobStatus")
        return (await asyncio.to_thread(pool.run, *words)).stdout.split() == ["4"]

    await wait_for_condition(has_ended)
    await bench.act(JobActionVerb.REMOVE, native_id, "too late")
    await feed.until_over(native_id, [1])
    assert feed.list_states(1)[-1] == ("succeeded", 1)


async def test_the_schedd_is_asked_once_an_interval_and_what_it_has_no_jobs_of_not_at_all(
    bench: QueryFixture, pool: Pool
) -> None:
    feed = CommittingFeed(bench.system)

    async def asked(intervals: int) -> int:
        before = pool.queries()
        for _ in range(10 * intervals):
            await feed.read()
            await asyncio.sleep(bench.access.interval_s / 10)
        return pool.queries() - before

    assert isinstance(bench.system, HTCondor)
    assert await asked(2) == 0
    for mark, jobs in (("m1", 1), ("m2", 100)):
        native_id = await bench.submit(bench.launch(mark, "true", jobs))
        await feed.until(native_id, JobState.IDLE, [jobs])
        assert 2 <= await asked(5) <= 8
