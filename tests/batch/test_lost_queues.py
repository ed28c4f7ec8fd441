"""The whole service when a schedd has lost its queue: told, cancelled or closed, and the files are free."""

import pytest

from db.pool import Pool as Database
from db.submissions import actions
from domain.discrepancies import DiscrepancyKind
from domain.submissions.jobs import JobActionVerb
from tests.batch.pools import Pool
from tests.batch.shared_house import SMALL, SharedHouse, make_campaign
from tests.workers.duplicate_clusters import find_open, repair_open
from tests.workers.house import wait_until

pytestmark = pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
SOON = {"POMS_RECONCILE_S": "1", "POMS_SILENT_S": "2"}


async def lose_queue(house: SharedHouse, db: Database, pool: Pool) -> tuple[int, int]:
    """A submission that ran when the queue was lost, and who may ask for something."""
    campaign = await make_campaign("htcondor", house, db)
    slow = ["/bin/sleep", "600"]
    stage = await campaign.plant.stage("slow", slow, kind="generator", patterns=[], resources=SMALL)
    await db.execute("UPDATE stage SET batch_system = 'htcondor' WHERE id = $1", stage)
    campaign.generate = stage
    house.worker(**SOON)
    id = await campaign.launch()
    running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await wait_until(lambda: db.fetchval(running, id), "running jobs", house)
    pool.lose_queue()
    return id, campaign.plant.person_id


async def test_what_a_schedd_has_lost_is_told_and_a_cancel_has_its_effect(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    id, person = await lose_queue(house, db, pool)
    row = await find_open(house, DiscrepancyKind.VANISHED)
    assert row.submission_id == id
    silent = "SELECT silent_since IS NOT NULL FROM submission WHERE id = $1"
    await wait_until(lambda: db.fetchval(silent, id), "the silence", house)
    await actions.request_action(db, id, JobActionVerb.REMOVE, "it is lost", person)
    cancelled = "SELECT state = 'cancelled' AND silent_since IS NULL FROM submission WHERE id = $1"
    await wait_until(lambda: db.fetchval(cancelled, id), "the end of the submission", house)
    assert await db.fetchval("SELECT count(*) FROM live_file") == 0


async def test_what_a_schedd_has_lost_is_closed_when_somebody_asks(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    id, person = await lose_queue(house, db, pool)
    row = await find_open(house, DiscrepancyKind.VANISHED)
    await repair_open(house, person, row.id)
    assert await db.fetchval("SELECT state = 'removed' FROM submission WHERE id = $1", id)
    assert await db.fetchval("SELECT count(*) FROM live_file") == 0
