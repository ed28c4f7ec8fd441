"""A database that was restored from an old dump launches nothing twice on the local batch system."""

from dataclasses import replace

from tests.factories import Factory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House
from tests.workers.restores import is_restored_beside_a_live_batch_system
from tests.workers.test_kill_points import kill_worker_at


async def test_a_restored_database_launches_nothing_twice(
    house: House, plant: Factory, empty_database_url: str
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    restored = replace(house, database_url=empty_database_url)
    await is_restored_beside_a_live_batch_system(campaign, restored, kill_worker_at)
