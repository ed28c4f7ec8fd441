"""What no batch system may make us believe: journals that are others, queues that were lost, ids that begin again."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from batch import BatchRefused, BatchUnavailable, MarkAbsent, MarkFound, MarkUnknown
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import BatchFixture, CommittingFeed, wait_for_condition
from tests.file_damage import ACCIDENTS, damage_file

WRITES = 'echo "$POMS_JOB" > "$POMS_JOB.out"'
WAITS = "echo x > $POMS_JOB.out; exec sleep 60"


@pytest.mark.parametrize("happen", [*ACCIDENTS.values(), damage_file])
async def test_a_journal_that_is_another_file_is_read_on_and_no_job_runs_for_ever_or_twice(
    bench: BatchFixture, feed: CommittingFeed, happen: Callable[[Path], None]
) -> None:
    bench.start()
    script = (
        f'{WRITES}; [ "$POMS_JOB" = 1 ] || until [ -e "{bench.shared}/go" ]; do sleep 0.1; done'
    )
    launch = bench.launch("m1", script, 2)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await feed.until(native_id, JobState.SUCCEEDED, [1])
    await feed.until(native_id, JobState.RUNNING, [2])
    with bench.at_rest():
        happen(bench.journal(launch, native_id))
        (bench.shared / "go").touch()
        await wait_for_condition(lambda: has_reported(bench, launch.directory))
    later = CommittingFeed(bench.again())
    later.places = feed.places[-1:]
    await later.read()
    (sighting,) = (await later.system.recheck([bench.ref(native_id)])).values()
    assert isinstance(sighting, MarkFound)
    await later.until(native_id, JobState.SUCCEEDED, [2])
    assert min(e.sequence for e in later.events) > max(e.sequence for e in feed.events)
    assert [bench.starts(launch, n) for n in (1, 2)] == [1, 1]
    # Nor does it hinder those that come after it.
    bench.system = later.system
    other = await bench.submit(bench.launch("m2", WRITES))
    await bench.open(other)
    assert (await later.until_over(other, [1]))[1] is JobState.SUCCEEDED


async def has_reported(bench: BatchFixture, directory: Path) -> bool:
    return bool({*directory.glob("reports/2.*.json")}) or not bench.left_over()


async def test_a_queue_that_was_lost_is_proven_to_have_nothing_and_what_ended_before_stays(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    script = f'{WRITES}; [ "$POMS_JOB" = 1 ] || exec sleep 60'
    launch, idle = bench.launch("m1", script, 2), bench.launch("m2", WRITES)
    ids = [await bench.submit(each) for each in (launch, idle)]
    refs = [bench.ref(native_id) for native_id in ids]
    await bench.open(ids[0])
    await feed.until(ids[0], JobState.SUCCEEDED, [1])
    await feed.until(ids[0], JobState.RUNNING, [2])

    async def has_begun() -> bool:
        return bench.starts(launch, 2) == 1

    await wait_for_condition(has_begun)
    bench.lose_queue()
    await wait_for_condition(lambda: is_nothing_left(bench))
    bench.system = bench.again()
    feed = CommittingFeed(bench.system)

    async def is_proven() -> bool:
        sightings = await bench.system.recheck(refs)
        return all(isinstance(sightings[ref], MarkAbsent) for ref in refs)

    await wait_for_condition(is_proven)
    assert not bench.left_over()
    await feed.read()
    assert feed.states(ids[0]).get(2) is not JobState.RUNNING
    assert bench.starts(launch, 2) == 1


async def test_while_it_does_not_answer_nothing_is_known_of_what_is_looked_up(
    bench: BatchFixture,
) -> None:
    bench.start()
    native_id = await bench.submit(bench.launch("m1", WRITES))
    system = bench.again(call_s=2)
    with bench.cut():
        (sighting,) = (await system.recheck([bench.ref(native_id)])).values()
        assert isinstance(sighting, MarkUnknown)
    bench.system = bench.again()


async def is_nothing_left(bench: BatchFixture) -> bool:
    return not bench.left_over()


async def test_what_was_lost_can_be_cancelled(bench: BatchFixture, feed: CommittingFeed) -> None:
    bench.start()
    launch = bench.launch("m1", f'{WRITES}; [ "$POMS_JOB" = 1 ] || exec sleep 60', 2)
    native_id = await bench.submit(launch)
    await bench.open(native_id)
    await feed.until(native_id, JobState.SUCCEEDED, [1])
    await feed.until(native_id, JobState.RUNNING, [2])
    bench.lose_queue()
    await wait_for_condition(lambda: is_nothing_left(bench))
    await wait_for_condition(lambda: is_cancelled(bench, native_id))
    await feed.until(native_id, JobState.REMOVED, [2])
    assert (feed.events[-1].code, feed.events[-1].text) == (1, "it is lost")
    assert feed.states(native_id)[1] is JobState.SUCCEEDED


async def is_cancelled(bench: BatchFixture, native_id: str) -> bool:
    with suppress(BatchUnavailable):  # as the first question to a schedd that was restarted
        await bench.act(JobActionVerb.REMOVE, native_id, "it is lost")
        return True
    return False


async def test_ids_that_begin_again_are_not_taken_for_those_that_had_them(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    bench.start()
    bench.lose_queue()  # others may have had numbers before
    old = bench.launch("m1", WAITS)
    forgotten = await bench.submit(old)
    await bench.open(forgotten)
    await feed.until(forgotten, JobState.RUNNING, [1])
    bench.lose_queue()
    await wait_for_condition(lambda: is_nothing_left(bench))
    gone = bench.ref(forgotten)
    new = bench.launch("m2", WRITES, 2)
    native_id = await bench.submit(new)
    assert parse_leading_id(native_id) == parse_leading_id(forgotten)
    sightings = await bench.system.recheck([gone, bench.ref(native_id)])
    assert isinstance(sightings[gone], MarkAbsent)
    assert sightings[bench.ref(native_id)] == MarkFound([native_id])
    for verb in (JobActionVerb.HOLD, JobActionVerb.RELEASE, JobActionVerb.REMOVE):
        with suppress(BatchRefused):
            await bench.system.act(verb, gone, "not them")
    with pytest.raises(BatchRefused):
        await bench.system.open(type(gone)(native_id, old.mark))
    assert bench.starts(new, 1) == 0
    feed.mark = new.mark
    await bench.open(native_id)
    assert set((await feed.until_over(native_id, [1, 2])).values()) == {JobState.SUCCEEDED}
    assert [bench.starts(new, n) for n in (1, 2)] == [1, 1]


def parse_leading_id(native_id: str) -> str:
    return native_id.partition("@")[0]


async def test_what_is_held_whoever_held_it_is_told_and_may_be_released(
    bench: BatchFixture, feed: CommittingFeed
) -> None:
    """A job that runs, and one that waits behind it."""
    bench.start(slots=1)
    running = bench.launch("m1", f'{WRITES}; [ -e "{bench.shared}/go" ] || exec sleep 300')
    idle = bench.launch("m2", WRITES)
    ids = [await bench.submit(each) for each in (running, idle)]
    await bench.open(ids[0])
    await feed.until(ids[0], JobState.RUNNING, [1])
    await bench.open(ids[1])
    await feed.until(ids[1], JobState.IDLE, [1])
    for native_id in reversed(ids):
        await bench.behind_our_back(JobActionVerb.HOLD, native_id)
        await feed.until(native_id, JobState.HELD, [1])
    bench.system = bench.again()
    feed = CommittingFeed(bench.system)
    (bench.shared / "go").touch()
    for native_id in ids:
        await feed.until(native_id, JobState.HELD, [1])
        await bench.act(JobActionVerb.RELEASE, native_id, "go on")
        assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED
