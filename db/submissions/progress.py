"""How far the stages of a campaign are: sums over their submissions, which triggers note and workers fold."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.pool import Database, Pool, fetch_many
from domain.clocks import MOST_OFFSET_S


@dataclass(frozen=True, slots=True)
class StageProgress:
    """One stage with the sums over its submissions."""

    stage_id: int
    name: str
    slices: int
    submissions: dict[str, int]
    jobs_idle: int
    jobs_running: int
    jobs_held: int
    jobs_succeeded: int
    jobs_failed: int
    jobs_removed: int
    jobs_unknown: int
    files_waiting: int
    files_delivered: int
    files_consumed: int
    files_skipped: int
    files_done: int
    files_failed: int
    outputs_declared: int
    outputs_located: int
    outputs_lost: int
    outputs_superseded: int
    outputs_refused: int
    events_located: int
    origins: int
    """Submissions that are no recoveries."""
    inputs_given: int
    """Each input (of a generator: unit) once, where it was given last; the sum of the six that follow."""
    inputs_done: int
    inputs_in_work: int
    inputs_waiting: int
    inputs_owed: int
    inputs_lost: int
    inputs_waived: int
    cpu_s: float
    wall_s: float
    wall_wasted_s: float
    memory_used_mb: float
    memory_requested_mb: float


SUMS = tuple(StageProgress.__dataclass_fields__)[4:]
KEPT = ("submissions", *SUMS)
COLUMNS = ", ".join(KEPT)


def _is_measured(name: str) -> bool:
    return name.endswith(("_s", "_mb"))


def _sum_up(names: Iterable[str]) -> str:
    return ", ".join(f"sum({name}) AS {name}" for name in names)


def _build_sum(name: str) -> str:
    return f"coalesce(sum(t.{name}), 0)::{'float8' if _is_measured(name) else 'bigint'}"


# What is kept, and what was not folded into it yet: one snapshot has each change in one of both.
BY_CAMPAIGN = f"""
    SELECT stage.id, stage.name, stage.slices,
           coalesce(jsonb_object_agg(t.state, t.submissions) FILTER (WHERE t.submissions > 0), '{{}}'),
           {", ".join(map(_build_sum, SUMS))}
      FROM stage
      LEFT JOIN LATERAL (
                SELECT state, {_sum_up(KEPT)}
                  FROM (SELECT state, {COLUMNS} FROM stage_progress
                         WHERE stage_id = stage.id AND is_test = $2
                         UNION ALL
                        SELECT state, {COLUMNS} FROM stage_progress_delta
                         WHERE stage_id = stage.id AND is_test = $2) noted
                 GROUP BY state) t ON true
     WHERE stage.campaign_id = $1
     GROUP BY stage.id
     ORDER BY stage.id
"""


async def list_by_campaign(
    db: Database, campaign_id: int, *, is_test: bool = False
) -> list[StageProgress]:
    """The stages of a campaign with their sums, in the order in which they were made."""
    return await fetch_many(db, StageProgress, BY_CAMPAIGN, campaign_id, is_test)


FOLD_LOCK = 7_665_084
LOCK_FOLD = "SELECT pg_try_advisory_xact_lock($1)"
FOLD = f"""
    WITH folded AS (
        DELETE FROM stage_progress_delta
         WHERE id = ANY(ARRAY(SELECT id FROM stage_progress_delta ORDER BY id LIMIT $1))
        RETURNING *
    ), kept AS (
        INSERT INTO stage_progress (stage_id, is_test, state, {COLUMNS})
        SELECT stage_id, is_test, state, {_sum_up(KEPT)}
          FROM folded GROUP BY stage_id, is_test, state
            ON CONFLICT (stage_id, is_test, state) DO UPDATE
           SET {", ".join(f"{name} = stage_progress.{name} + excluded.{name}" for name in KEPT)}
    )
    SELECT count(*) FROM folded
"""
UNFOLDED = "SELECT EXISTS (SELECT FROM stage_progress_delta)"


async def fold_progress(db: Pool, bound: int) -> int:
    """Add the oldest deltas to what is kept; returns how many. One process does at a time, the others none."""
    if not await db.fetchval(UNFOLDED):
        return 0
    async with db.acquire() as conn, conn.transaction():
        if not await conn.fetchval(LOCK_FOLD, FOLD_LOCK):
            return 0
        return int(await conn.fetchval(FOLD, bound))


LOCK_RECOUNT = "SELECT pg_advisory_xact_lock($1)"
EXACT = ", ".join(f"{name}::numeric" if _is_measured(name) else name for name in SUMS)
# A correction is a delta as well: in one snapshot submissions, what is kept and deltas belong together.
RECOUNT = f"""
    INSERT INTO stage_progress_delta (stage_id, is_test, state, {COLUMNS})
    SELECT * FROM (
        SELECT stage_id, is_test, state,
               {_sum_up(KEPT)}
          FROM (SELECT stage_id, is_test, state, 1 AS submissions, {EXACT}
                  FROM submission
                 UNION ALL
                SELECT stage_id, is_test, state, {", ".join(f"-{name}" for name in KEPT)}
                  FROM stage_progress
                 UNION ALL
                SELECT stage_id, is_test, state, {", ".join(f"-{name}" for name in KEPT)}
                  FROM stage_progress_delta) counted
         GROUP BY stage_id, is_test, state) missed
     WHERE ({COLUMNS}) <> ({", ".join("0" for _ in KEPT)})
    RETURNING stage_id
"""


async def recount_progress(dsn: str) -> list[int]:
    """Correct what is kept by counting all submissions, while others work; returns the stages that were wrong."""
    conn = await asyncpg.connect(dsn, timeout=30)
    try:
        async with conn.transaction():
            await conn.execute(LOCK_RECOUNT, FOLD_LOCK)
            return sorted({row["stage_id"] for row in await conn.fetch(RECOUNT)})
    finally:
        await conn.close(timeout=10)


@dataclass(frozen=True, slots=True)
class HouseHealth:
    """What readiness looks at."""

    relay_lag_s: float
    watchers: dict[str, Any]
    unreachable: dict[str, Any]
    wrong_clocks: dict[str, Any]
    """Processes whose clocks are seconds off, and how far ahead they are."""
    doubt: str | None
    """Why nothing is launched or acted on: this may be a copy of an installation."""
    silent_submissions: int
    """Of which their batch systems tell nothing, though they are asked, for more than five minutes."""
    hanging_lanes: dict[str, Any]
    job_partitions_ahead: int
    change_partitions_ahead: int
    loops: dict[str, Any]
    """Since when no step of each loop has ended well, in seconds."""
    set_aside: dict[str, Any]
    """How many things each loop has set aside."""
    walls: dict[str, Any]
    """What is between the jobs of a batch system and the service, where they run beside it."""


HEALTH = """
    SELECT coalesce((SELECT extract(epoch FROM clock_timestamp() - at)
                       FROM change_inbox ORDER BY id LIMIT 1), 0)::float8,
           coalesce((SELECT jsonb_object_agg(batch_system, extract(epoch FROM now() - read_at))
                       FROM watch), '{}'),
           coalesce((SELECT jsonb_object_agg(name, extract(epoch FROM now() - since))
                       FROM batch_system WHERE NOT reachable), '{}'),
           coalesce((SELECT jsonb_object_agg(process, offset_s) FROM host_clock
                      WHERE abs(offset_s) > $1 AND measured_at > now() - interval '1 minute'), '{}'),
           (SELECT why FROM installation_doubt) AS doubt,
           (SELECT count(*)::int FROM submission
             WHERE state IN ('idle', 'running', 'held') AND silent_since < now() - interval '5 minutes'),
           coalesce((SELECT jsonb_object_agg(lane, jsonb_build_object(
                                'hung', hung, 'open', is_open, 'since_s', since_s))
                       FROM (SELECT lane, sum(hung) AS hung, bool_or(is_open) AS is_open,
                                    extract(epoch FROM now() - min(since)) AS since_s
                               FROM hanging_lane WHERE seen_at > now() - interval '20 seconds'
                              GROUP BY lane) l), '{}'),
           (SELECT coalesce(min(n), 10) - 1 FROM generate_series(0, 9) n, (
                   SELECT coalesce(max(id), 0) / 10000 AS newest FROM submission) s
             WHERE to_regclass('job_' || newest + n) IS NULL),
           (SELECT coalesce(min(n), 10) - 1 FROM generate_series(0, 9) n, (
                   SELECT position / 5000000 AS newest FROM change_head) h
             WHERE to_regclass('change_' || newest + n) IS NULL),
           (SELECT coalesce(jsonb_object_agg(loop, extract(epoch FROM now() - good_at)::float8), '{}')
              FROM loop_progress),
           (SELECT coalesce(jsonb_object_agg(loop, n), '{}')
              FROM (SELECT loop, count(*) AS n FROM setback GROUP BY loop) b),
           (SELECT coalesce(jsonb_object_agg(name, health->>'wall'), '{}')
              FROM batch_system WHERE health->>'wall' <> '')
"""


async def read_health(db: Database) -> HouseHealth:
    """What readiness looks at, in one statement."""
    found = await fetch_many(db, HouseHealth, HEALTH, MOST_OFFSET_S)
    return found[0]
