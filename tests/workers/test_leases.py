"""A launch that takes longer than its lease stays its launcher's, as long as that one lives."""

import asyncio
from dataclasses import replace
from pathlib import Path
from time import monotonic

from catalogs.embedded import Embedded
from db import launches
from db.submissions import Submission
from domain.launch_scripts import ALONE_S
from domain.launches import ScriptEnd
from tests.plant import Plant
from tests.workers.campaigns import two
from tests.workers.house import House
from workers import scripts
from workers.leases import Lease
from workers.tools import SCRIPT_LEASE_S, Tools

LEASE_S = 1.0


async def nobody(*_: object) -> None:
    return None


def tools(plant: Plant, folder: Path) -> Tools:
    return Tools(
        db=plant.db, systems={}, catalog=Embedded(folder), spool=folder, store=folder, holder="me",
        lease_s=1, launch_lease_s=LEASE_S, ring=nobody, enqueue=nobody,
    )  # fmt: skip


async def claimed(house: House, plant: Plant) -> Submission:
    id = await (await two(house, plant)).launch()
    mine = await launches.claim(plant.db, id, "me", LEASE_S, LEASE_S)
    assert mine is not None
    return mine


async def test_nobody_takes_a_launch_over_whose_launcher_lives(
    house: House, plant: Plant, tmp_path: Path
) -> None:
    mine = await claimed(house, plant)

    async def yours() -> bool:
        return await launches.claim(plant.db, mine.id, "you", LEASE_S, LEASE_S) is not None

    lease = Lease(tools(plant, tmp_path), mine, monotonic())
    async with lease.kept():
        for _ in range(5):
            await asyncio.sleep(LEASE_S / 2)
            assert not await yours()
            assert lease.lasts(LEASE_S / 3)
    async with asyncio.timeout(10):
        while not await yours():
            await asyncio.sleep(0.1)
    # What it lost it does not keep: the other one's lease ends by itself.
    async with lease.kept():
        await asyncio.sleep(2 * LEASE_S)
        assert await yours()
        assert not lease.lasts(0)


async def test_a_script_whose_lease_can_not_be_renewed_is_stopped_before_it_ends(
    house: House, plant: Plant, tmp_path: Path
) -> None:
    mine = await claimed(house, plant)
    script = replace(mine, configuration={**mine.configuration, "job_kind": "script"})
    left_s = 1.0
    since = monotonic() - SCRIPT_LEASE_S + ALONE_S + left_s
    lease, given = Lease(tools(plant, tmp_path), script, since), tools(plant, tmp_path)
    assert await scripts._why_stop(given, mine.id, lease) is None
    await asyncio.sleep(left_s)
    assert await scripts._why_stop(given, mine.id, lease) is ScriptEnd.CUT_OFF
