"""How far the stages of a campaign are: kept counters of their submissions, added up."""

from dataclasses import dataclass
from typing import Any

from db.pool import Database, many


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
    events_located: int
    cpu_s: float
    wall_s: float
    wall_wasted_s: float
    memory_used_mb: float
    memory_requested_mb: float


SUMS = tuple(StageProgress.__dataclass_fields__)[4:]


def _sum(name: str) -> str:
    kind = "float8" if name.endswith(("_s", "_mb")) else "bigint"
    return f"coalesce(sum(t.{name}), 0)::{kind}"


BY_CAMPAIGN = f"""
    SELECT stage.id, stage.name, stage.slices,
           coalesce(jsonb_object_agg(t.state, t.n) FILTER (WHERE t.state IS NOT NULL), '{{}}'),
           {", ".join(_sum(name) for name in SUMS)}
      FROM stage
      LEFT JOIN (SELECT stage_id, state, count(*) AS n,
                        {", ".join(f"sum({name}) AS {name}" for name in SUMS)}
                   FROM submission
                  WHERE campaign_id = $1 AND is_test = $2
                  GROUP BY stage_id, state) t ON t.stage_id = stage.id
     WHERE stage.campaign_id = $1
     GROUP BY stage.id
     ORDER BY stage.id
"""


async def of_campaign(
    db: Database, campaign_id: int, *, is_test: bool = False
) -> list[StageProgress]:
    """The stages of a campaign with their sums, in the order in which they were made."""
    return await many(db, StageProgress, BY_CAMPAIGN, campaign_id, is_test)


@dataclass(frozen=True, slots=True)
class Health:
    """What readiness looks at."""

    relay_lag_s: float
    watchers: dict[str, Any]
    unreachable: dict[str, Any]
    job_partitions_ahead: int
    change_partitions_ahead: int


HEALTH = """
    SELECT coalesce((SELECT extract(epoch FROM clock_timestamp() - at)
                       FROM change_inbox ORDER BY id LIMIT 1), 0)::float8,
           coalesce((SELECT jsonb_object_agg(batch_system, extract(epoch FROM now() - read_at))
                       FROM watch), '{}'),
           coalesce((SELECT jsonb_object_agg(name, extract(epoch FROM now() - since))
                       FROM batch_system WHERE NOT reachable), '{}'),
           (SELECT coalesce(min(n), 10) - 1 FROM generate_series(0, 9) n, (
                   SELECT coalesce(max(id), 0) / 10000 AS newest FROM submission) s
             WHERE to_regclass('job_' || newest + n) IS NULL),
           (SELECT coalesce(min(n), 10) - 1 FROM generate_series(0, 9) n, (
                   SELECT position / 5000000 AS newest FROM change_head) h
             WHERE to_regclass('change_' || newest + n) IS NULL)
"""


async def health(db: Database) -> Health:
    """What readiness looks at, in one statement."""
    found = await many(db, Health, HEALTH)
    return found[0]
