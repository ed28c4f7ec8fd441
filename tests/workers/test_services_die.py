"""Postgres, Valkey, the runner and the workers are killed at arbitrary moments: the accounting is the same."""

import asyncio
import random
from pathlib import Path

import asyncpg
import pytest

from db.pool import Pool
from tests.factories import Factory
from tests.workers.campaigns import TwoStageCampaign, make_two_stage_campaign
from tests.workers.house import House, Worker
from tests.workers.services import Services

FAULTS = ("postgres", "valkey", "flushall", "worker", "runner", "worker")


@pytest.mark.timeout(280)
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_killed_whenever_nothing_is_lost_or_doubled(
    services: Services, own_db: Pool, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    house = House(own_db, services.cluster.dsn(), services.server.url, tmp_path)
    plant = await Factory.make(own_db)
    campaign = await make_two_stage_campaign(house, plant)
    try:
        running = {"runner": house.runner(), "worker": house.worker()}
        await campaign.launch()
        for fault in dice.sample(FAULTS, len(FAULTS)):
            await asyncio.sleep(dice.uniform(0.2, 1.5))
            await inflict_fault(fault, services, house, running)
        async with asyncio.timeout(120):
            while not await is_done(campaign):
                await asyncio.sleep(0.1)
        await campaign.check()
    except TimeoutError:
        pytest.fail(f"seed {seed}: the campaign did not end\n{house.read_logs()}")
    finally:
        house.stop()


async def inflict_fault(
    fault: str, services: Services, house: House, running: dict[str, Worker]
) -> None:
    """Kill one thing and start it again."""
    match fault:
        case "postgres" | "valkey":
            services.restart(fault)
        case "flushall":
            await services.flush()
        case "worker" | "runner":
            running[fault].kill()
            running[fault].wait()
            running[fault] = house.worker() if fault == "worker" else house.runner()


async def is_done(campaign: TwoStageCampaign) -> bool:
    """Whether it is over; a database that is just coming back doesn't say."""
    try:
        return await campaign.is_done()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
