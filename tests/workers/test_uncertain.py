"""A launch of which nobody can tell whether it reached the batch system is never made again without proof."""

import asyncio
import signal

from tests.factories import Factory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House, wait_until


async def test_an_uncertain_launch_waits_for_proof_and_shows_since_when(
    house: House, plant: Factory
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    id = await campaign.launch()
    doomed = house.worker("launch.submit.before")
    async with asyncio.timeout(60):
        while doomed.poll() is None:
            await asyncio.sleep(0.02)
    assert doomed.returncode == -signal.SIGKILL

    # No runner has ever been here: an empty queue proves nothing.
    house.worker()

    async def uncertain() -> bool:
        state = "SELECT state = 'uncertain' FROM submission WHERE id = $1"
        return bool(await plant.db.fetchval(state, id))

    await wait_until(uncertain, "the uncertain submission", house)
    row = "SELECT state, state_since, reason, revision FROM submission WHERE id = $1"
    first = await plant.db.fetchrow(row, id)
    assert first is not None
    assert "can't be told" in first["reason"]
    await plant.db.execute("UPDATE submission SET lease_until = now() WHERE id = $1", id)

    async def looked_again() -> bool:
        return bool(
            await plant.db.fetchval(
                "SELECT revision > $2 FROM submission WHERE id = $1", id, first["revision"] + 1
            )
        )

    await wait_until(looked_again, "another look", house)
    again = await plant.db.fetchrow(row, id)
    assert again is not None
    assert (again["state"], again["state_since"]) == (first["state"], first["state_since"])
    assert await plant.db.fetchval("SELECT count(*) FROM launch_attempt") == 1
    told = "SELECT count(*) FROM change WHERE kind = 'submission.uncertain'"
    assert await plant.db.fetchval(told) <= 1

    house.runner()
    await plant.db.execute("UPDATE submission SET lease_until = now() WHERE state = 'uncertain'")

    async def done() -> bool:
        await plant.db.execute(
            "UPDATE submission SET lease_until = now() WHERE state = 'uncertain'"
        )
        return await campaign.is_done()

    await wait_until(done, "the campaign's end", house)
    await campaign.check()
    states = await plant.db.fetch(
        "SELECT state FROM launch_attempt WHERE submission_id = $1 ORDER BY attempt", id
    )
    assert [r["state"] for r in states] == ["abandoned", "confirmed"]
