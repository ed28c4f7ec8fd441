"""A controller that was killed forgets what it acknowledged last, and gives the same job ids again."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch import BatchForgot, MarkAbsent, MarkFound
from db.launching import launches
from db.launching.launches import LaunchAttempt
from db.pool import Pool as Database
from db.submissions import actions
from domain.discrepancies import DiscrepancyKind, Repair
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, wait_for_condition
from tests.batch.conftest import check_reachable
from tests.batch.engines import make_slurm_engine
from tests.batch.shared_house import SharedHouse, make_campaign
from tests.batch.slurm_fixture import SlurmFixture
from tests.batch.slurm_pool import SLURM, SlurmPool
from tests.workers.duplicate_clusters import find_open, repair_open
from tests.workers.house import wait_until as came
from tests.workers.restores import count_starts, is_all_over
from tests.workers.test_kill_points import kill_worker_at
from up import children

WRITES = 'echo "$POMS_JOB" > "$POMS_JOB.out"'
_serial = itertools.count()


@pytest.fixture(scope="module")
def mortal(service_home: Path) -> Iterator[SlurmPool]:
    """A cluster of this module's own: others don't want its accidents."""
    check_reachable(SLURM)
    made = SlurmPool.start(service_home / "slurm-mortal", children.find_run_account())
    yield made
    made.stop()


@pytest.fixture
def bench(mortal: SlurmPool, service_home: Path) -> Iterator[SlurmFixture]:
    with SlurmFixture.within(mortal, service_home / f"mortal{next(_serial)}") as made:
        yield made


@pytest.fixture
def feed(bench: SlurmFixture) -> CommittingFeed:
    return CommittingFeed(bench.system)


def parse_job_id(native_id: str) -> str:
    return native_id.partition("@")[0]


async def find_attempt(db: Database, id: int) -> LaunchAttempt:
    found = await launches.find_current_attempt(db, id)
    assert found is not None
    return found


async def is_up(bench: SlurmFixture) -> bool:
    return bench.pool.is_up()


async def test_an_id_that_is_given_again_is_not_taken_for_the_launch_that_had_it(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    before = bench.pool.remembered()
    old = bench.launch("old", WRITES, 2)
    forgotten = await bench.submit(old)
    await feed.read()
    assert set(feed.states(forgotten).values()) == {JobState.IDLE}
    bench.pool.crash(before)
    new = bench.launch("new", WRITES, 2)
    native_id = await bench.submit(new)
    assert parse_job_id(native_id) == parse_job_id(forgotten)
    assert native_id != forgotten

    # Neither opened nor removed by the name that the old one had.
    with pytest.raises(BatchForgot):
        await bench.open(forgotten)
    await bench.act(JobActionVerb.REMOVE, forgotten, "not wanted")
    await feed.read()
    assert set(feed.states(native_id).values()) == {JobState.IDLE}
    assert not bench.starts(new, 1)
    assert isinstance(await bench.system.find(old.mark), MarkAbsent)
    assert await bench.system.find(new.mark) == MarkFound([native_id])
    assert [c.native_id for c in await bench.system.list_marked([old.mark, new.mark])] == [
        native_id
    ]

    await bench.open(native_id)
    assert set((await feed.until_over(native_id, [1, 2])).values()) == {JobState.SUCCEEDED}
    assert set(feed.states(forgotten).values()) == {JobState.REMOVED}
    assert [bench.starts(new, n) for n in (1, 2)] == [1, 1]
    assert [bench.starts(old, n) for n in (1, 2)] == [0, 0]


async def test_what_was_opened_and_forgotten_is_unknown_and_proven_to_be_gone(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    before = bench.pool.remembered()
    old = bench.launch("old", "echo x > 1.out; exec sleep 60")
    forgotten = await bench.submit(old)
    await bench.open(forgotten)
    await wait_for_condition(lambda: bench.has_started(old, 1))
    await feed.until(forgotten, JobState.RUNNING, [1])
    bench.pool.crash(before)
    await feed.until(forgotten, JobState.UNKNOWN, [1])
    assert isinstance(await bench.system.find(old.mark), MarkAbsent)
    # It may have run: opening it again is no reason to launch it again.
    await bench.open(forgotten)
    # Slurm ends what it finds running and does not know.
    await wait_for_condition(lambda: is_up(bench))
    new = bench.launch("new", WRITES)
    native_id = await bench.submit(new)
    assert parse_job_id(native_id) == parse_job_id(forgotten)
    await bench.open(native_id)
    # Its node may refuse a job of that id for a while: that is an end like others.
    (state,) = (await feed.until_over(native_id, [1])).values()
    assert (state, bench.starts(new, 1)) in ((JobState.SUCCEEDED, 1), (JobState.FAILED, 0))
    assert (feed.states(forgotten), bench.starts(old, 1)) == ({1: JobState.UNKNOWN}, 1)


async def test_what_ran_and_was_never_opened_as_far_as_slurm_knows_is_held_until_it_is_released(
    bench: SlurmFixture, feed: CommittingFeed
) -> None:
    launch = bench.launch("m1", f'echo x > 1.out; [ -e "{bench.shared}/go" ] || exec sleep 60')
    native_id = await bench.submit(launch)
    before = bench.pool.remembered()
    await bench.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1])
    bench.pool.crash(before)
    await feed.until(native_id, JobState.HELD, [1])
    await wait_for_condition(lambda: is_up(bench))
    (bench.shared / "go").touch()
    await bench.act(JobActionVerb.RELEASE, native_id, "go on")
    (state,) = (await feed.until_over(native_id, [1])).values()
    # As above, its node may refuse it.
    assert state in (JobState.SUCCEEDED, JobState.FAILED)


@pytest.fixture
def house(
    db: Database, database_url: str, redis_url: str, mortal: SlurmPool, service_home: Path
) -> Iterator[SharedHouse]:
    mortal.renew_node()
    folder = service_home / f"mortalhouse{next(_serial)}"
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o777)
    made = SharedHouse(
        db, database_url, redis_url, folder, settings=make_slurm_engine(mortal).settings
    )
    yield made
    made.stop()
    mortal.empty()


async def test_a_launch_that_was_forgotten_before_it_was_opened_is_launched_again(
    house: SharedHouse, db: Database, mortal: SlurmPool
) -> None:
    campaign = await make_campaign("slurm", house, db)
    before = mortal.remembered()
    first = await campaign.launch()
    await kill_worker_at(house, "launch.adopt.after")
    mortal.crash(before)
    # The next one gets the id that the first one had.
    await db.execute("UPDATE submission SET lease_until = now() + interval '1 hour'")
    second = await campaign.launch()
    await kill_worker_at(house, "launch.adopt.after")
    ids = [(await find_attempt(db, id)).native_id for id in (first, second)]
    assert parse_job_id(ids[0] or "") == parse_job_id(ids[1] or "")
    await db.execute("UPDATE submission SET lease_until = now()")
    house.worker()
    await came(lambda: is_all_over(campaign), "the campaign's end", house, within=120)
    assert set(count_starts(house.spool).values()) == {1}
    assert [(await find_attempt(db, id)).attempt for id in (first, second)] == [2, 1]
    await campaign.check_counters()
    await campaign.check_launches()


async def test_what_was_running_and_forgotten_is_told_and_closed_when_somebody_asks(
    house: SharedHouse, db: Database, mortal: SlurmPool
) -> None:
    campaign = await make_campaign("slurm", house, db)
    await db.execute("UPDATE job_type SET command = $1", ["/bin/sleep", "60"])
    before = mortal.remembered()
    house.worker(POMS_RECONCILE_S="1")
    id = await campaign.launch()
    running = "SELECT jobs_running = 4 FROM submission WHERE id = $1"
    await came(lambda: db.fetchval(running, id), "running jobs", house)
    mortal.crash(before)
    row = await find_open(house, DiscrepancyKind.VANISHED)
    assert (row.submission_id, row.repair) == (id, Repair.CLOSE)
    await repair_open(house, campaign.plant.person_id, row.id)
    ended = await db.fetchrow("SELECT state, jobs_removed FROM submission WHERE id = $1", id)
    assert ended is not None
    assert tuple(ended) == ("removed", 4)
    assert await db.fetchval("SELECT count(*) FROM live_file") == 0


async def test_what_a_controller_that_lost_everything_had_can_be_cancelled(
    house: SharedHouse, db: Database, mortal: SlurmPool
) -> None:
    campaign = await make_campaign("slurm", house, db)
    await db.execute("UPDATE job_type SET command = $1", ["/bin/sleep", "600"])
    house.worker(POMS_RECONCILE_S="1")
    id = await campaign.launch()
    running = "SELECT jobs_running = 4 FROM submission WHERE id = $1"
    await came(lambda: db.fetchval(running, id), "running jobs", house)
    nothing = mortal.folder / "nothing"
    nothing.mkdir()
    mortal.crash(nothing)
    row = await find_open(house, DiscrepancyKind.VANISHED)
    assert row.submission_id == id
    await actions.request_action(
        db, id, JobActionVerb.REMOVE, "it is lost", campaign.plant.person_id
    )
    cancelled = "SELECT state = 'cancelled' AND jobs_removed = 4 FROM submission WHERE id = $1"
    await came(lambda: db.fetchval(cancelled, id), "the cancel", house)
    assert await db.fetchval("SELECT count(*) FROM live_file") == 0
