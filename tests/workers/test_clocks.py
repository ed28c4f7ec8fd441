"""Workers whose clocks are wrong do what those with right ones do: the database's clock decides."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from db.campaigns import schedules
from db.submissions import progress
from domain.clocks import MOST_OFFSET_S
from tests.factories import Factory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.credentials import CredentialFolder, make_token
from tests.workers.house import House, wait_until

WRONG = [-600.0, -2.0, 2.0, 600.0]


async def make_due_schedule(house: House, plant: Factory, catch_up: str) -> datetime:
    """A daily schedule whose turn is due, and when it was."""
    stage = await plant.stage("gen", house.job("gen"), kind="generator", patterns=["gen_*"])
    due: datetime = await plant.db.fetchval("SELECT date_trunc('second', now())")
    await plant.db.execute(
        "INSERT INTO schedule (stage_id, cron, next_at, person_id, catch_up) VALUES ($1, $2, $3, $4, $5)",
        stage, f"{due:%-M %-H} * * *", due, plant.person_id, catch_up,
    )  # fmt: skip
    return due


@pytest.mark.parametrize("catch_up", ["once", "all", "skip"])
@pytest.mark.parametrize("clock_s", WRONG)
async def test_a_turn_is_taken_once_whatever_the_workers_clock_says(
    house: House, plant: Factory, clock_s: float, catch_up: str
) -> None:
    due = await make_due_schedule(house, plant, catch_up)
    house.worker_on_wrong_clock(clock_s)

    async def taken() -> bool:
        return bool(await plant.db.fetchval("SELECT last_at IS NOT NULL FROM schedule"))

    await wait_until(taken, "the turn", house)
    row = await plant.db.fetchrow("SELECT next_at, last_at, last_result_message FROM schedule")
    assert row is not None
    assert tuple(row) == (due.replace(second=0) + timedelta(days=1), due, "Launched.")
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 1


@pytest.mark.parametrize("clock_s", WRONG)
async def test_a_credential_holds_as_long_as_the_databases_clock_says(
    house: House, plant: Factory, clock_s: float
) -> None:
    """With a margin of 300 s, one token holds for 600 s too little or too long by a wrong clock."""
    made = await CredentialFolder.make(house, plant, path="pass.token")
    made.settings["POMS_CREDENTIAL_MARGIN_S"] = "300"
    campaign = await make_two_stage_campaign(house, plant)
    ends_s = 600 if clock_s > 0 else 290
    made.file.write_text(make_token(ends_s))
    id = await campaign.launch()
    house.worker_on_wrong_clock(clock_s, **made.settings)
    wanted = "state <> 'new'" if clock_s > 0 else "reason ~ 'Waits for credential pass'"
    decided = f"SELECT {wanted} FROM submission WHERE id = $1"
    await wait_until(lambda: plant.db.fetchval(decided, id), "the decision", house)
    assert await plant.db.fetchval("SELECT problem = '' FROM credential")


@pytest.mark.parametrize("clock_s", WRONG)
async def test_a_worker_whose_clock_is_wrong_is_told_of(
    house: House, plant: Factory, clock_s: float
) -> None:
    house.worker_on_wrong_clock(clock_s)
    measured = "SELECT offset_s FROM host_clock"
    await wait_until(lambda: plant.db.fetchval(measured), "the measure", house)
    told = (await progress.read_health(plant.db)).wrong_clocks
    found = await plant.db.fetchval(measured)
    assert abs(found - clock_s) < 1
    assert list(told.values()) == ([found] if abs(found) > MOST_OFFSET_S else [])


async def test_the_database_refuses_a_turn_that_was_taken(house: House, plant: Factory) -> None:
    due_at = await make_due_schedule(house, plant, "once")
    async with plant.db.acquire() as conn:
        due = await schedules.lock_due_schedule(conn)
        assert due is not None
        for again in (due_at, due_at - timedelta(minutes=1)):
            with pytest.raises(asyncpg.CheckViolationError, match="schedule_goes_on"):
                await schedules.record_turn(conn, due, again, "", active=True)
        await schedules.record_turn(conn, due, due_at + timedelta(days=1), "", active=True)
        with pytest.raises(RuntimeError, match="taken already"):
            await schedules.record_turn(conn, due, due_at + timedelta(days=2), "", active=True)
