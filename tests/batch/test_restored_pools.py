"""A restored database beside a live pool; and twins and abandoned clusters in a real schedd's queue."""

import signal
from dataclasses import replace

import pytest

from batch.htcondor import Access, HTCondor
from db.pool import Pool as Database
from domain.discrepancies import DiscrepancyKind
from tests.batch.engines import Engine
from tests.batch.shared import Shared, campaign_on
from tests.workers.house import until, was_stopped
from tests.workers.restores import is_restored_beside_a_live_batch_system
from tests.workers.test_kill_points import dies_at
from tests.workers.twins import found, repaired, submitted_again


@pytest.mark.timeout(280)
async def test_a_restored_database_launches_nothing_twice(
    house: Shared, db: Database, engine: Engine, empty_database_url: str
) -> None:
    campaign = await campaign_on(engine.name, house, db)
    again = replace(house, database_url=empty_database_url)
    await is_restored_beside_a_live_batch_system(campaign, again, dies_at)


@pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
async def test_an_inert_twin_and_what_a_stalled_launcher_left_are_told_and_removed_when_asked(
    house: Shared, db: Database, access: Access
) -> None:
    campaign = await campaign_on("htcondor", house, db)
    person = campaign.plant.person_id
    stalled = house.worker("launch.submit.before=STOP")
    id = await campaign.launch()
    await until(lambda: was_stopped(stalled), "the stop", house)
    house.worker(POMS_RECONCILE_S="1")
    await until(campaign.done, "the campaign's end", house, within=120)
    stalled.send_signal(signal.SIGCONT)
    row = await found(house, DiscrepancyKind.ABANDONED)
    assert (row.submission_id, row.started) == (id, False)
    stalled.kill()
    await repaired(house, person, row.id)

    system = HTCondor(access, house.spool)
    try:
        twin = await submitted_again(system, house, id)
        row = await found(house, DiscrepancyKind.TWIN)
        assert (row.native_id, row.jobs, row.started) == (twin, 2, False)
        await repaired(house, person, row.id)
    finally:
        system.close()
    await campaign.check()
