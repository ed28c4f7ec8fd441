"""A database that was restored from an old dump launches nothing twice on the local batch system."""

from dataclasses import replace

from tests.plant import Plant
from tests.workers.campaigns import two
from tests.workers.house import House
from tests.workers.restores import is_restored_beside_a_live_batch_system
from tests.workers.test_kill_points import dies_at


async def test_a_restored_database_launches_nothing_twice(
    house: House, plant: Plant, empty_database_url: str
) -> None:
    campaign = await two(house, plant)
    house.runner()
    restored = replace(house, database_url=empty_database_url)
    await is_restored_beside_a_live_batch_system(campaign, restored, dies_at)
