"""A thing that fails again and again is set aside, shown, and tried again when asked; nothing waits behind it."""

from collections.abc import Sequence

import pytest

from db.batch import discrepancies
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import actions
from domain.discrepancies import DiscrepancyKind
from domain.loops import LOOPS
from domain.submissions.jobs import JobActionVerb
from resolvers.health import check_readiness
from tests.factories import Factory
from tests.forced_states import force_state
from tests.workers.house import House, wait_until

UNCOUNT = """
    UPDATE stage SET unfinished = unfinished - 1
      FROM submission s WHERE stage.id = s.stage_id AND s.id = ANY($1::bigint[])
"""
SCHEDULE = "INSERT INTO schedule (stage_id, cron, next_at, person_id) VALUES ($1, $2, now() - $3 * interval '1h', $4)"
DISCREPANCY = """
    INSERT INTO discrepancy (kind, batch_system, native_id, mark, jobs, started, details, repair, repair_at)
    VALUES ('not_followed', 'local', $1, '', 0, false, '', 'inspect', now() - $2 * interval '1h')
"""
CREDENTIAL = """
    INSERT INTO credential (experiment_id, owner_id, name, kind, purpose, path, covers_jobs, owning_role)
    VALUES ($1, $2, $3, 'token', '', 'nowhere', false, 'production')
"""
POISON = {
    "submission": "CHECK ((id <> {launch} OR state <> 'submitting') AND (id <> {advance} OR state <> 'located')"
    " AND (id <> {promote} OR state <> 'new'))",
    "action": "CHECK (id <> 1 OR done_at IS NULL)",
    "discrepancy": "CHECK (native_id <> 'bad' OR repaired_at IS NULL)",
    "credential": "CHECK (name <> 'bad' OR problem ^@ 'It was not looked')",
    "schedule": "CHECK (stage_id <> {schedule} OR last_at IS NULL)",
}


async def launch_stage(plant: Factory, house: House, name: str) -> tuple[int, int]:
    """A stage, and a submission of it."""
    stage = await plant.stage(name, house.job(name), kind="generator", patterns=[f"{name}_*"])
    outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None
    return stage, outcome.submission.id


async def make_poisoned(house: House, plant: Factory) -> dict[str, int]:
    """Of each kind a bad thing and, later in its queue, a good one; which the bad ones are."""
    loops = ("launch", "advance", "promote", "schedule")
    bad = {loop: await launch_stage(plant, house, f"bad{loop}") for loop in loops}
    good = {loop: await launch_stage(plant, house, f"good{loop}") for loop in loops}
    promoted = [bad["promote"][1], good["promote"][1]]
    await plant.db.execute(UNCOUNT, promoted)
    where, also = "id = ANY($1::bigint[])", ", counted = false"
    await force_state(plant.db, "queued", where, promoted, also=also)
    for late, those in ((2, bad), (1, good)):
        await plant.db.execute(SCHEDULE, those["schedule"][0], "0 0 1 1 *", late, plant.person_id)
        await actions.request_action(
            plant.db, those["schedule"][1], JobActionVerb.RELEASE, "", plant.person_id
        )
    for late, name in ((2, "bad"), (1, "good")):
        await plant.db.execute(DISCREPANCY, name, late)
        await plant.db.execute(CREDENTIAL, plant.experiment_id, plant.person_id, name)
    found = {loop: id for loop, (_, id) in bad.items()} | {"schedule": bad["schedule"][0]}
    for table, check in POISON.items():
        sql = f"ALTER TABLE {table} ADD CONSTRAINT poison {check.format(**found)}"
        await plant.db.execute(sql)
    return found


GOOD_ONES = """
    SELECT (SELECT count(*) FROM submission s JOIN stage g ON g.id = s.stage_id
             WHERE g.name ^@ 'good' AND s.advanced_at IS NOT NULL AND s.state = 'located') = 5
       AND (SELECT done_at IS NOT NULL FROM action WHERE id = 2)
       AND (SELECT repaired_at IS NOT NULL FROM discrepancy WHERE native_id = 'good')
       AND (SELECT NOT problem ^@ 'It was not looked' FROM credential WHERE name = 'good')
"""


async def open_ones(db: Pool) -> Sequence[discrepancies.Discrepancy]:
    wanted = discrepancies.DiscrepancyFilter(kinds=[DiscrepancyKind.SET_ASIDE], is_open=True)
    return await discrepancies.list_page(db, wanted, 0, 100, newest=False)


@pytest.mark.timeout(300)
async def test_a_bad_thing_at_the_head_of_each_queue_keeps_nobody_behind_it_waiting(
    house: House, plant: Factory
) -> None:
    bad = await make_poisoned(house, plant)
    house.runner()
    house.worker()
    await wait_until(lambda: house.db.fetchval(GOOD_ONES), "the good ones", house)
    repair = await house.db.fetchval("SELECT id FROM discrepancy WHERE native_id = 'bad'")
    wanted = {f"{loop} submission:{bad[loop]}" for loop in ("launch", "advance", "promote")}
    wanted |= {f"schedule stage:{bad['schedule']}", "act action:1", "credentials credential:1"}
    wanted |= {f"repair discrepancy:{repair}"}

    async def shown() -> bool:
        return {row.native_id for row in await open_ones(house.db)} == wanted

    await wait_until(shown, "the discrepancies", house)
    assert all("CheckViolationError" in row.details for row in await open_ones(house.db))
    ready, said = await check_readiness(house.db, "here")
    assert ready
    assert said["set_aside"] == dict.fromkeys(("launch", "advance", "promote", "schedule", "act",
                                               "credentials", "repair"), 1)  # fmt: skip

    for table in POISON:
        await house.db.execute(f"ALTER TABLE {table} DROP CONSTRAINT poison")
    for row in await open_ones(house.db):
        await discrepancies.request_repair(house.db, row.id, plant.person_id)

    async def over() -> bool:
        return not await open_ones(house.db)

    await wait_until(over, "the end of what was set aside", house)
    assert await house.db.fetchval("SELECT count(*) FROM setback") == 0


async def test_a_loop_that_makes_no_progress_is_told_and_the_others_are_not(
    house: House, plant: Factory
) -> None:
    assert plant.experiment_id

    async def stalled() -> dict[str, float | None]:
        _, said = await check_readiness(house.db, "here")
        found: dict[str, float | None] = said["stalled_loops"]
        return found

    assert await stalled() == dict.fromkeys(LOOPS)
    house.worker()

    async def all_step() -> bool:
        return not await stalled()

    await wait_until(all_step, "steps of all loops", house)
    await house.db.execute("ALTER TABLE action RENAME TO elsewhere")
    await house.db.execute("UPDATE loop_progress SET good_at = now() - interval '1 hour'")

    async def only_act() -> bool:
        return [*await stalled()] == ["act"]

    await wait_until(only_act, "steps of the other loops", house)
    await house.db.execute("ALTER TABLE elsewhere RENAME TO action")
    await wait_until(all_step, "a step of the mended loop", house)
