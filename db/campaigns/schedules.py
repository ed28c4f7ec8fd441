"""Schedules of stages: when the next slice is launched by the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.changes import sign_as_service
from db.pool import Connection, Database, fetch_many, fetch_one
from db.setbacks import leave_out
from domain.campaigns.schedules import CatchUp
from domain.changes import ServicePart


@dataclass(frozen=True, slots=True)
class Schedule:
    """One row of `schedule`, with what its stage says about its end."""

    stage_id: int
    cron: str
    zone: str
    active: bool
    next_at: datetime
    last_at: datetime | None
    last_result_message: str
    person_id: int
    catch_up: CatchUp
    until_exhausted: bool


OWN = [f"h.{name}" for name in Schedule.__dataclass_fields__ if name != "until_exhausted"]
COLUMNS = ", ".join([*OWN, "s.until_exhausted"])

DUE = f"""
    SELECT {COLUMNS} FROM schedule h JOIN stage s ON s.id = h.stage_id
     WHERE h.active AND h.next_at <= now() AND {leave_out("schedule", "'stage:' || h.stage_id")}
     ORDER BY h.next_at LIMIT 1 FOR UPDATE OF h SKIP LOCKED
"""


async def lock_due_schedule(conn: Connection) -> Schedule | None:
    """A schedule whose time has come, locked."""
    return await fetch_one(conn, Schedule, DUE)


# The constraint `schedule_goes_on` refuses a next turn that is not later than this one.
DONE = """
    UPDATE schedule SET next_at = $3, last_at = next_at, last_result_message = $4, active = $5
     WHERE stage_id = $1 AND next_at = $2
    RETURNING stage_id
"""


async def record_turn(
    conn: Connection, due: Schedule, next_at: datetime, message: str, *, active: bool
) -> None:
    """Note what came of a turn, and when the next one is; raises where it was taken already."""
    taken = await conn.fetchval(DONE, due.stage_id, due.next_at, next_at, message, active)
    if taken is None:
        raise RuntimeError(f"stage {due.stage_id}: its turn of {due.next_at} was taken already")


# Said once for each reason, not at each turn.
STAND = f"""
    WITH moved AS (
        UPDATE schedule SET next_at = $3, last_at = next_at, last_result_message = $4
         WHERE stage_id = $1 AND next_at = $2
        RETURNING stage_id, person_id, old.last_result_message AS previous
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT s.experiment_id, s.campaign_id, 'schedule.stopped', {sign_as_service(ServicePart.SCHEDULE)}, $4::text,
               jsonb_build_object('stage', 'stage:' || s.id, 'person', 'person:' || moved.person_id)
          FROM moved JOIN stage s ON s.id = moved.stage_id WHERE moved.previous <> $4
    )
    SELECT stage_id FROM moved
"""


async def record_skipped_turn(conn: Connection, due: Schedule, next_at: datetime, why: str) -> None:
    """Note that a turn launched nothing, since nobody with rights stands behind the schedule."""
    taken = await conn.fetchval(STAND, due.stage_id, due.next_at, next_at, why)
    if taken is None:
        raise RuntimeError(f"stage {due.stage_id}: its turn of {due.next_at} was taken already")


SET = f"""
    WITH s AS (
        UPDATE stage SET until_exhausted = coalesce($7, until_exhausted) WHERE id = $1 RETURNING until_exhausted
    ), h AS (
        INSERT INTO schedule (stage_id, cron, zone, next_at, person_id, catch_up)
        VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (stage_id) DO UPDATE
           SET cron = excluded.cron, zone = excluded.zone, next_at = excluded.next_at,
               person_id = excluded.person_id, catch_up = excluded.catch_up, active = true,
               last_at = CASE WHEN schedule.last_at < excluded.next_at THEN schedule.last_at END
        RETURNING *
    )
    SELECT {COLUMNS} FROM h, s
"""


@dataclass(frozen=True, slots=True)
class ScheduleDefinition:
    """When a stage is to be launched."""

    cron: str
    zone: str
    catch_up: CatchUp
    until_exhausted: bool | None
    """None: as its stage says."""


async def put_schedule(
    db: Database, stage_id: int, wanted: ScheduleDefinition, next_at: datetime, person_id: int
) -> Schedule:
    """Give a stage a schedule, in place of the one it had."""
    clock, rest = (wanted.cron, wanted.zone), (wanted.catch_up, wanted.until_exhausted)
    saved = await fetch_one(db, Schedule, SET, stage_id, *clock, next_at, person_id, *rest)
    assert saved is not None  # noqa: S101 - an INSERT of one row returns one
    return saved


CLEAR = f"""
    UPDATE schedule h SET active = false FROM stage s WHERE h.stage_id = $1 AND s.id = $1 RETURNING {COLUMNS}
"""


async def delete(db: Database, stage_id: int) -> Schedule | None:
    """Stop launching a stage by the clock; None when it had no schedule."""
    return await fetch_one(db, Schedule, CLEAR, stage_id)


BY_STAGES = f"""
    SELECT {COLUMNS} FROM schedule h JOIN stage s ON s.id = h.stage_id WHERE h.stage_id = ANY($1::bigint[])
"""


async def find_by_stages(db: Database, stage_ids: Sequence[int]) -> list[Schedule]:
    """The schedules that these stages have."""
    return await fetch_many(db, Schedule, BY_STAGES, stage_ids)
