"""Schedules of stages: when the next slice is launched by the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, Database, many, one
from domain.schedules import CatchUp


@dataclass(frozen=True, slots=True)
class Schedule:
    """One row of `schedule`, with what its stage says about its end."""

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


OWN = [f"h.{name}" for name in Schedule.__dataclass_fields__ if name != "until_exhausted"]
COLUMNS = ", ".join([*OWN, "s.until_exhausted"])

DUE = f"""
    SELECT {COLUMNS} FROM schedule h JOIN stage s ON s.id = h.stage_id
     WHERE h.active AND h.next_at <= now() ORDER BY h.next_at LIMIT 1 FOR UPDATE OF h SKIP LOCKED
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
    WITH s AS (
        UPDATE stage SET until_exhausted = coalesce($7, until_exhausted) WHERE id = $1 RETURNING until_exhausted
    ), h AS (
        INSERT INTO schedule (stage_id, cron, zone, next_at, person_id, catch_up)
        VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (stage_id) DO UPDATE
           SET cron = excluded.cron, zone = excluded.zone, next_at = excluded.next_at,
               person_id = excluded.person_id, catch_up = excluded.catch_up, active = true
        RETURNING *
    )
    SELECT {COLUMNS} FROM h, s
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """When a stage is to be launched."""

    cron: str
    zone: str
    catch_up: CatchUp
    until_exhausted: bool | None
    """None: as its stage says."""


async def put(
    db: Database, stage_id: int, wanted: Wanted, next_at: datetime, person_id: int
) -> Schedule:
    """Give a stage a schedule, in place of the one it had."""
    clock, rest = (wanted.cron, wanted.zone), (wanted.catch_up, wanted.until_exhausted)
    saved = await one(db, Schedule, SET, stage_id, *clock, next_at, person_id, *rest)
    assert saved is not None  # noqa: S101 - an INSERT of one row returns one
    return saved


CLEAR = f"""
    UPDATE schedule h SET active = false FROM stage s WHERE h.stage_id = $1 AND s.id = $1 RETURNING {COLUMNS}
"""


async def clear(db: Database, stage_id: int) -> Schedule | None:
    """Stop launching a stage by the clock; None when it had no schedule."""
    return await one(db, Schedule, CLEAR, stage_id)


BY_STAGES = f"""
    SELECT {COLUMNS} FROM schedule h JOIN stage s ON s.id = h.stage_id WHERE h.stage_id = ANY($1::bigint[])
"""


async def by_stages(db: Database, stage_ids: Sequence[int]) -> list[Schedule]:
    """The schedules that these stages have."""
    return await many(db, Schedule, BY_STAGES, stage_ids)
