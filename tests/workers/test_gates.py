"""Launches wait while a batch system is paused or unavailable, and nothing fails because of that."""

import pytest

from db.batch import admission, batch_systems
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from domain.batch.admission import FAULTS
from tests.factories import Factory
from tests.workers.blocked_batch_system import block_batch_system
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House, wait_until
from tests.workers.test_kill_points import kill_worker_at

WAITING = "SELECT count(*) FROM submission WHERE state = 'new' AND position($1 IN reason) > 0"
KINDS = """
    SELECT kind FROM (SELECT id, kind FROM change UNION ALL SELECT id, kind FROM change_inbox) c
     WHERE kind ^@ 'batch_system.' AND kind NOT LIKE '%reachable' ORDER BY id
"""


async def list_kinds(db: Pool) -> list[str]:
    return [row["kind"].partition(".")[2] for row in await db.fetch(KINDS)]


async def make_local_known(db: Pool) -> None:
    """Local is known before any worker asks how it is."""
    await batch_systems.claim_health_check(db, "local", 0, 0)


async def test_a_paused_batch_system_gets_no_launches_until_it_is_resumed(
    house: House, plant: Factory, db: Pool
) -> None:
    await make_local_known(db)
    await admission.pause_launches(db, "local", plant.person_id, "disks are full")
    campaign = await make_two_stage_campaign(house, plant)
    await campaign.launch()
    house.runner()
    house.worker()
    await wait_until(lambda: db.fetchval(WAITING, "disks are full"), "a launch that waits", house)
    assert await db.fetchval("SELECT count(*) FROM launch_attempt") == 0
    assert await admission.resume_launches(db, "local", plant.person_id)
    await wait_until(campaign.is_done, "the campaign's end", house)
    await campaign.check()
    assert await list_kinds(db) == ["paused", "resumed"]


async def test_after_several_faults_in_a_row_launches_wait_for_one_that_goes_through(
    house: House, plant: Factory, db: Pool
) -> None:
    await make_local_known(db)
    stages = [
        await plant.stage(f"gen{n}", house.job(f"gen{n}"), kind="generator", patterns=["gen*"])
        for n in range(FAULTS + 2)
    ]
    house.runner()
    with block_batch_system(house):
        house.worker()
        for stage in stages[:FAULTS]:
            await slices.launch_next(db, stage, LaunchRequest(plant.person_id))
        opened = "SELECT opened_at IS NOT NULL FROM batch_system WHERE name = 'local'"
        await wait_until(lambda: db.fetchval(opened), "the open circuit", house)
        for stage in stages[FAULTS:]:
            await slices.launch_next(db, stage, LaunchRequest(plant.person_id))

        async def both_wait() -> bool:
            return bool(await db.fetchval(WAITING, "local is unavailable since") == 2)

        await wait_until(both_wait, "two launches that wait", house)
        assert (
            await db.fetchval("SELECT count(*) FROM launch_attempt WHERE state = 'sent'") == FAULTS
        )
    # Its own time would be half a minute.
    await db.execute("UPDATE batch_system SET probe_at = now()")
    await db.execute(
        "UPDATE submission SET lease_until = now() WHERE state IN ('new', 'uncertain')"
    )

    async def all_located() -> bool:
        located = "SELECT count(*) FROM submission WHERE state = 'located'"
        return bool(await db.fetchval(located) == FAULTS + 2)

    await wait_until(all_located, "every launch", house)
    assert await list_kinds(db) == ["circuit_opened", "circuit_closed"]
    assert await db.fetchval("SELECT count(*) FROM submission") == FAULTS + 2
    assert await db.fetchval("SELECT faults FROM batch_system WHERE name = 'local'") == 0


@pytest.mark.parametrize("shut", ["paused", "unavailable"])
@pytest.mark.parametrize("point", ["launch.prepare.before", "launch.submit.before"])
async def test_a_launch_of_which_nothing_was_submitted_waits_as_a_new_one_does(
    house: House, plant: Factory, db: Pool, shut: str, point: str
) -> None:
    """Whether there is anything is looked up all the same."""
    await make_local_known(db)
    campaign = await make_two_stage_campaign(house, plant)
    await campaign.launch()
    house.runner()
    await kill_worker_at(house, point)
    if shut == "paused":
        await admission.pause_launches(db, "local", plant.person_id, "disks are full")
    else:
        for _ in range(FAULTS):
            await admission.record_fault(db, "local", "disks are full")
    house.worker()
    await wait_until(lambda: db.fetchval(WAITING, "disks are full"), "a launch that waits", house)
    attempts = [tuple(r) for r in await db.fetch("SELECT attempt, state FROM launch_attempt")]
    assert attempts == [(1, "abandoned" if point == "launch.submit.before" else "intended")]
    if shut == "paused":
        assert await admission.resume_launches(db, "local", plant.person_id)
    else:
        await admission.record_success(db, "local")
        await db.execute("UPDATE submission SET lease_until = NULL WHERE state = 'new'")
    await wait_until(campaign.is_done, "the campaign's end", house)
    await campaign.check()


async def test_several_workers_share_one_rate(house: House, plant: Factory, db: Pool) -> None:
    await make_local_known(db)
    stage = await plant.stage("gen", house.job("gen"), kind="generator", patterns=["gen*"])
    house.runner()
    for _ in range(2):
        house.worker(POMS_LAUNCHES_PER_MINUTE="1", POMS_LAUNCHES_AT_ONCE="2")
    for _ in range(4):
        await slices.launch_next(db, stage, LaunchRequest(plant.person_id))

    async def two_wait() -> bool:
        return bool(await db.fetchval(WAITING, "at most 1 launches a minute") == 2)

    await wait_until(two_wait, "two launches that wait", house)
    assert await db.fetchval("SELECT count(*) FROM launch_attempt") <= 2
