"""A restored database beside a live pool; and duplicate and abandoned clusters in a real schedd's queue."""

import signal
from dataclasses import replace

import pytest

from batch.htcondor import HTCondor, HTCondorAccess
from db.pool import Pool as Database
from domain.discrepancies import DiscrepancyKind
from tests.batch.engines import Engine
from tests.batch.shared_house import SharedHouse, make_campaign
from tests.workers.duplicate_clusters import find_open, repair_open, submit_again
from tests.workers.house import is_stopped, wait_until
from tests.workers.restores import is_restored_beside_a_live_batch_system
from tests.workers.test_kill_points import kill_worker_at


@pytest.mark.timeout(280)
async def test_a_restored_database_launches_nothing_twice(
    house: SharedHouse, db: Database, engine: Engine, empty_database_url: str
) -> None:
    campaign = await make_campaign(engine.name, house, db)
    again = replace(house, database_url=empty_database_url)
    await is_restored_beside_a_live_batch_system(campaign, again, kill_worker_at)


@pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
async def test_an_inert_twin_and_what_a_stalled_launcher_left_are_told_and_removed_when_asked(
    house: SharedHouse, db: Database, access: HTCondorAccess
) -> None:
    campaign = await make_campaign("htcondor", house, db)
    person = campaign.plant.person_id
    stalled = house.worker("launch.submit.before=STOP")
    id = await campaign.launch()
    await wait_until(lambda: is_stopped(stalled), "the stop", house)
    house.worker(POMS_RECONCILE_S="1")
    await wait_until(campaign.is_done, "the campaign's end", house, within=120)
    stalled.send_signal(signal.SIGCONT)
    row = await find_open(house, DiscrepancyKind.ABANDONED)
    assert (row.submission_id, row.started) == (id, False)
    stalled.kill()
    await repair_open(house, person, row.id)

    system = HTCondor(access, house.spool)
    try:
        duplicate = await submit_again(system, house, id)
        row = await find_open(house, DiscrepancyKind.DUPLICATE_CLUSTER)
        assert (row.native_id, row.jobs, row.started) == (duplicate, 2, False)
        await repair_open(house, person, row.id)
    finally:
        system.close()
    await campaign.check()
