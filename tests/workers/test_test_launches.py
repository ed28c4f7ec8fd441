"""Test launches go all the way, and leave production as it was."""

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.launching.slices import LaunchRefusal
from tests.factories import Factory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House, wait_until


async def test_tests_of_a_campaign_keep_to_themselves(house: House, plant: Factory) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    await plant.db.execute("UPDATE dataset SET name = 'stage:' || $1::text", str(campaign.process))
    house.runner()
    house.worker()
    asked = LaunchRequest(plant.person_id, is_test=True)
    nothing = await slices.launch_next(plant.db, campaign.process, asked)
    assert nothing.refusal is LaunchRefusal.NO_FILES
    assert (await slices.launch_next(plant.db, campaign.generate, asked)).submission

    await wait_until(campaign.is_done, "the test's end", house)
    states = await plant.db.fetch("SELECT is_test, state FROM submission ORDER BY id")
    assert {(s["is_test"], s["state"]) for s in states} == {(True, "located")}
    assert await plant.db.fetchval("SELECT head FROM dataset WHERE name NOT LIKE '%test'") == 0
    tested = await plant.db.fetch("SELECT name, location FROM file WHERE test_of = 1 ORDER BY name")
    assert [f["name"] for f in tested] == [f"gen_{n}.txt" for n in range(4)]
    folder = f"{house.store}/e{plant.experiment_id}/c{plant.campaign_id}/s{campaign.generate}"
    assert all(f["location"].startswith(f"{folder}/t1/") for f in tested)

    await campaign.launch()

    async def produced() -> bool:
        done = "SELECT count(*) FROM input_file i JOIN submission s ON s.id = submission_id"
        return await plant.db.fetchval(f"{done} WHERE NOT is_test AND outcome = 'done'") == 4 and (
            await campaign.is_done()
        )

    await wait_until(produced, "production's end", house)
    real = await plant.db.fetch("SELECT name, location FROM file WHERE test_of = 0 ORDER BY name")
    assert [f["name"] for f in real if f["name"].startswith("gen")] == [f["name"] for f in tested]
    assert not any("/t1/" in f["location"] for f in real)
    assert await plant.db.fetchval("SELECT head FROM dataset WHERE name NOT LIKE '%test'") == 4
    assert await plant.db.fetchval("SELECT bool_and(state = 'located') FROM submission")
