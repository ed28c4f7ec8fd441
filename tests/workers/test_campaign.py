"""A campaign of two stages, end to end, with a job of each that fails the first time."""

from tests.factories import Factory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House, wait_until


async def test_a_campaign_runs_to_its_end_and_every_file_is_accounted_for(
    house: House, plant: Factory
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    house.worker()
    await campaign.launch()
    await wait_until(campaign.is_done, "the campaign's end", house)
    await campaign.check()
    states = await house.db.fetch("SELECT state, origin_id FROM submission ORDER BY id")
    assert [s["state"] for s in states] == ["located"] * 4
    assert [s["origin_id"] for s in states] == [None, 1, None, 3]


async def test_without_redis_it_runs_as_well(house: House, plant: Factory) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    house.redis_url = "redis://127.0.0.1:1"
    house.runner()
    house.worker()
    await campaign.launch()
    await wait_until(campaign.is_done, "the campaign's end", house)
    await campaign.check()
