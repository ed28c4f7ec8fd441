"""Schedules of stages: when the next slice is launched by the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, Database, many, one
from domain.schedules import CatchUp


@dataclass(frozen=True, slots=True)
class Schedule:
    """One row of `schedule`."""

    stage_id: int
    cron: str
    zone: str
    active: bool
    next_at: datetime
    last_at: datetime | None
    last_said: str
    person_id: int
    catch_up: CatchUp
    until_exhausted: bool


COLUMNS = ", ".join(Schedule.__dataclass_fields__)

DUE = f"""
    SELECT {COLUMNS} FROM schedule WHERE active AND next_at <= now()
     ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


async def due(conn: Connection) -> Schedule | None:
    """A schedule whose time has come, locked."""
    return await one(conn, Schedule, DUE)


DONE = """
    UPDATE schedule SET next_at = $2, last_at = next_at, last_said = $3, active = $4 WHERE stage_id = $1
"""


async def done(
    conn: Connection, stage_id: int, next_at: datetime, said: str, *, active: bool
) -> None:
    """Note what came of a turn, and when the next one is."""
    await conn.execute(DONE, stage_id, next_at, said, active)


SET = f"""
    INSERT INTO schedule (stage_id, cron, zone, next_at, person_id, catch_up, until_exhausted)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (stage_id) DO UPDATE
       SET cron = excluded.cron, zone = excluded.zone, next_at = excluded.next_at,
           person_id = excluded.person_id, catch_up = excluded.catch_up,
           until_exhausted = excluded.until_exhausted, active = true
    RETURNING {COLUMNS}
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """When a stage is to be launched."""

    cron: str
    zone: str
    catch_up: CatchUp
    until_exhausted: bool


async def put(
    db: Database, stage_id: int, wanted: Wanted, next_at: datetime, person_id: int
) -> Schedule:
    """Give a stage a schedule, in place of the one it had."""
    clock, rest = (wanted.cron, wanted.zone), (wanted.catch_up, wanted.until_exhausted)
    saved = await one(db, Schedule, SET, stage_id, *clock, next_at, person_id, *rest)
    assert saved is not None  # noqa: S101 - an INSERT of one row returns one
    return saved


CLEAR = f"UPDATE schedule SET active = false WHERE stage_id = $1 RETURNING {COLUMNS}"


async def clear(db: Database, stage_id: int) -> Schedule | None:
    """Stop launching a stage by the clock; None when it had no schedule."""
    return await one(db, Schedule, CLEAR, stage_id)


BY_STAGES = f"SELECT {COLUMNS} FROM schedule WHERE stage_id = ANY($1::bigint[])"


async def by_stages(db: Database, stage_ids: Sequence[int]) -> list[Schedule]:
    """The schedules that these stages have."""
    return await many(db, Schedule, BY_STAGES, stage_ids)
