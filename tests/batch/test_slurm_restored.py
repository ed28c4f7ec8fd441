"""A database that was restored from an old dump beside a live Slurm launches nothing twice."""

from dataclasses import replace

import pytest

from db.pool import Pool as Database
from tests.batch.shared import Shared, campaign_on
from tests.batch.test_slurm_campaign import house
from tests.workers.restores import is_restored_beside_a_live_batch_system
from tests.workers.test_kill_points import dies_at

__all__ = ["house"]


@pytest.mark.timeout(280)
async def test_a_restored_database_launches_nothing_twice_on_slurm(
    house: Shared, db: Database, empty_database_url: str
) -> None:
    campaign = await campaign_on("slurm", house, db)
    again = replace(house, database_url=empty_database_url)
    await is_restored_beside_a_live_batch_system(campaign, again, dies_at)
