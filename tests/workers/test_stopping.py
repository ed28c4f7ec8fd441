"""A worker that is told to stop finishes what it has in hand, and takes nothing more."""

import asyncio
import signal

from tests.factories import Factory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House, is_stopped, wait_until


async def test_a_launch_in_hand_is_finished_when_the_worker_is_to_stop(
    house: House, plant: Factory
) -> None:
    campaign = await make_two_stage_campaign(house, plant)
    worker = house.worker("launch.submit.before=STOP", POMS_LAUNCH_LEASE_S="60")
    id = await campaign.launch()
    await wait_until(lambda: is_stopped(worker), "the stop", house)
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGCONT)
    async with asyncio.timeout(20):
        while worker.poll() is None:
            await asyncio.sleep(0.02)
    assert worker.returncode == 0, house.read_logs()
    state = "SELECT state FROM submission WHERE id = $1"
    assert await plant.db.fetchval(state, id) == "idle"
    leases = "SELECT count(*) FROM lease WHERE until > now()"
    assert await plant.db.fetchval(leases) == 0
