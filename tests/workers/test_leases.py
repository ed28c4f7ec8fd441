"""A launch that takes longer than its lease stays its launcher's, as long as that one lives."""

import asyncio
from dataclasses import replace
from pathlib import Path
from time import monotonic

from db.launching import launches
from db.submissions.submissions import Submission
from domain.launching.launch_scripts import ALONE_S
from domain.launching.launches import ScriptEnd
from tests.factories import Factory
from tests.worker_tools import make_worker_tools
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House
from workers import scripts
from workers.leases import LaunchLease
from workers.tools import SCRIPT_LEASE_S, WorkerTools

LEASE_S = 1.0


def make_tools(plant: Factory, folder: Path) -> WorkerTools:
    return make_worker_tools(plant.db, folder, holder="me", lease_s=1, launch_lease_s=LEASE_S)


async def claim_submission(house: House, plant: Factory) -> Submission:
    id = await (await make_two_stage_campaign(house, plant)).launch()
    mine = await launches.claim_submission(plant.db, id, "me", LEASE_S, LEASE_S)
    assert mine is not None
    return mine


async def test_nobody_takes_a_launch_over_whose_launcher_lives(
    house: House, plant: Factory, tmp_path: Path
) -> None:
    mine = await claim_submission(house, plant)

    async def yours() -> bool:
        return (
            await launches.claim_submission(plant.db, mine.id, "you", LEASE_S, LEASE_S) is not None
        )

    lease = LaunchLease(make_tools(plant, tmp_path), mine, monotonic())
    async with lease.keep_renewed():
        for _ in range(5):
            await asyncio.sleep(LEASE_S / 2)
            assert not await yours()
            assert lease.lasts(LEASE_S / 3)
    async with asyncio.timeout(10):
        while not await yours():
            await asyncio.sleep(0.1)
    # What it lost it does not keep: the other one's lease ends by itself.
    async with lease.keep_renewed():
        await asyncio.sleep(2 * LEASE_S)
        assert await yours()
        assert not lease.lasts(0)


async def test_a_script_whose_lease_can_not_be_renewed_is_stopped_before_it_ends(
    house: House, plant: Factory, tmp_path: Path
) -> None:
    mine = await claim_submission(house, plant)
    script = replace(mine, configuration={**mine.configuration, "job_kind": "script"})
    left_s = 1.0
    since = monotonic() - SCRIPT_LEASE_S + ALONE_S + left_s
    lease, given = (
        LaunchLease(make_tools(plant, tmp_path), script, since),
        make_tools(plant, tmp_path),
    )
    assert await scripts._find_stop_reason(given, mine.id, lease) is None
    await asyncio.sleep(left_s)
    assert await scripts._find_stop_reason(given, mine.id, lease) is ScriptEnd.CUT_OFF
