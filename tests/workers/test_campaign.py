"""A campaign of two stages, end to end, with a job of each that fails the first time."""

from tests.plant import Plant
from tests.workers.campaigns import two
from tests.workers.house import House, until


async def test_a_campaign_runs_to_its_end_and_every_file_is_accounted_for(
    house: House, plant: Plant
) -> None:
    campaign = await two(house, plant)
    house.runner()
    house.worker()
    await campaign.launch()
    await until(campaign.done, "the campaign's end", house)
    await campaign.check()
    states = await house.db.fetch("SELECT state, origin_id FROM submission ORDER BY id")
    assert [s["state"] for s in states] == ["located"] * 4
    assert [s["origin_id"] for s in states] == [None, 1, None, 3]


async def test_without_redis_it_runs_as_well(house: House, plant: Plant) -> None:
    campaign = await two(house, plant)
    house.redis_url = "redis://127.0.0.1:1"
    house.runner()
    house.worker()
    await campaign.launch()
    await until(campaign.done, "the campaign's end", house)
    await campaign.check()
