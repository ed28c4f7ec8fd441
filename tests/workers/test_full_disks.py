"""A spool or a store without room: launches wait and say so, and go on by themselves when there is some."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from batch.local.folder import LOST_STARTS
from db.pool import Pool
from resolvers.health import check_readiness
from tests.factories import Factory
from tests.small_disks import SmallDisk, make_small_disk
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House, wait_until

WAITING = "SELECT count(*) FROM submission WHERE state = 'new' AND reason LIKE '%can''t be %: No space left%'"


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with make_small_disk(24) as made:
        yield made


@pytest.mark.timeout(200)
@pytest.mark.parametrize("place", ["spool", "store"])
async def test_launches_wait_for_room(
    house: House, plant: Factory, db: Pool, disk: SmallDisk, tmp_path: Path, place: str
) -> None:
    (disk.path / place).mkdir()
    (tmp_path / place).symlink_to(disk.path / place)
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    house.worker()
    disk.fill()
    async with supervise_runner(house):
        await wait_until(
            lambda: is_unwritable(db, place), f"a {place} that is said to be full", house
        )
        await campaign.launch()
        await wait_until(lambda: db.fetchval(WAITING), "a launch that waits", house)
        disk.make_room()
        await wait_until(campaign.is_done, "the campaign's end", house)
    await campaign.check()
    _, said = await check_readiness(db, "here")
    assert said["unwritable"] == {}


@pytest.mark.timeout(200)
async def test_a_spool_that_fills_while_jobs_run_loses_nothing(
    house: House, plant: Factory, db: Pool, disk: SmallDisk, tmp_path: Path
) -> None:
    """Also the runner of local jobs, which keeps its journal there, goes on when there is room."""
    (tmp_path / "spool").symlink_to(disk.path)
    campaign = await make_two_stage_campaign(house, plant)
    house.runner()
    house.worker()
    await campaign.launch()
    await wait_until(
        lambda: db.fetchval("SELECT count(*) FROM job WHERE state = 'running'"), "a job", house
    )
    disk.fill()
    async with supervise_runner(house):
        await wait_until(
            lambda: is_unwritable(db, "spool"), "a spool that is said to be full", house
        )
        disk.make_room()
        await wait_until(campaign.is_done, "the campaign's end", house)
    # What could not note how it ended is run again, as another attempt of the same job.
    await campaign.check(starts=LOST_STARTS)


@asynccontextmanager
async def supervise_runner(house: House) -> AsyncIterator[None]:
    """Start a runner again that has ended because it could write nothing."""

    async def keep_up() -> None:
        runner = house.started[0]
        while True:
            if runner.poll() is not None:
                assert runner.returncode == os.EX_TEMPFAIL, house.read_logs()
                runner = house.runner()
            await asyncio.sleep(0.5)

    supervisor = asyncio.create_task(keep_up())
    yield
    supervisor.cancel()
    with suppress(asyncio.CancelledError):
        await supervisor


async def is_unwritable(db: Pool, place: str) -> bool:
    _, said = await check_readiness(db, "here")
    return any(name.startswith(place) for name in said["unwritable"])
