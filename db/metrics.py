"""What is measured of the house as a whole: kept counters and indexed rows, never counts of jobs."""

from collections.abc import Sequence
from dataclasses import dataclass

from db import batch_systems, progress
from db.batch_systems import BatchSystem
from db.pool import Pool, many


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The submissions of a batch system that are in one state and have still something to do."""

    batch_system: str
    state: str
    submissions: int
    idle: int
    running: int
    held: int
    succeeded: int
    failed: int
    removed: int
    unknown: int


UNFINISHED = """
    SELECT batch_system, state::text, count(*) AS submissions, sum(jobs_idle) AS idle,
           sum(jobs_running) AS running, sum(jobs_held) AS held, sum(jobs_succeeded) AS succeeded,
           sum(jobs_failed) AS failed, sum(jobs_removed) AS removed, sum(jobs_unknown) AS unknown
      FROM submission
     WHERE state IN ('queued', 'new', 'submitting', 'uncertain', 'idle', 'running', 'held')
        OR (ended_at IS NOT NULL AND check_at IS NOT NULL)
     GROUP BY batch_system, state
"""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Whether somebody should see to a credential, and how long it holds; below 0: since when it doesn't."""

    experiment: str
    credential: str
    in_need: bool
    expires_in_s: float | None


EXPIRIES = """
    SELECT e.name AS experiment, c.name AS credential,
           c.looked_at > '-infinity' AND (c.problem <> '' OR coalesce(c.warned_for = c.expires_at, false)) AS in_need,
           extract(epoch FROM c.expires_at - now())::float8 AS expires_in_s
      FROM credential c JOIN experiment e ON e.id = c.experiment_id
"""


@dataclass(frozen=True, slots=True)
class Open:
    """How many discrepancies of a batch system nobody has resolved."""

    batch_system: str
    discrepancies: int


OPEN = """
    SELECT b.name AS batch_system, (SELECT count(*) FROM discrepancy d
                                     WHERE d.batch_system = b.name AND d.resolved_at IS NULL) AS discrepancies
      FROM batch_system b
"""


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of the whole house."""

    health: progress.Health
    batch_systems: Sequence[BatchSystem]
    unfinished: Sequence[Unfinished]
    expiries: Sequence[Expiry]
    open: Sequence[Open]


async def measure(db: Pool) -> Measures:
    """Read all of it."""
    async with db.acquire() as conn:
        return Measures(
            await progress.health(conn),
            await batch_systems.every(conn),
            await many(conn, Unfinished, UNFINISHED),
            await many(conn, Expiry, EXPIRIES),
            await many(conn, Open, OPEN),
        )
