"""What is measured of the house as a whole: kept counters and indexed rows, never counts of jobs."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.batch import batch_systems
from db.batch.batch_systems import BatchSystem
from db.disks import WorkerDisk, list_disks
from db.pool import AnyPool, fetch_many
from db.submissions import progress


@dataclass(frozen=True, slots=True)
class UnfinishedSubmissions:
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
class CredentialExpiry:
    """Whether somebody should see to a credential, and how long it holds; below 0: since when it doesn't."""

    experiment: str
    credential: str
    in_need: bool
    expires_in_s: float | None


EXPIRIES = """
    SELECT e.name AS experiment, c.name AS credential,
           c.checked_at > '-infinity' AND (c.problem <> '' OR coalesce(c.warned_for = c.expires_at, false)) AS in_need,
           extract(epoch FROM c.expires_at - now())::float8 AS expires_in_s
      FROM credential c JOIN experiment e ON e.id = c.experiment_id
"""


@dataclass(frozen=True, slots=True)
class OpenDiscrepancies:
    """How many discrepancies of a batch system nobody has resolved."""

    batch_system: str
    discrepancies: int


OPEN = """
    SELECT b.name AS batch_system, (SELECT count(*) FROM discrepancy d
                                     WHERE d.batch_system = b.name AND d.resolved_at IS NULL) AS discrepancies
      FROM batch_system b
"""


@dataclass(frozen=True, slots=True)
class HouseMeasures:
    """What is measured of the whole house."""

    health: progress.HouseHealth
    batch_systems: Sequence[BatchSystem]
    unfinished: Sequence[UnfinishedSubmissions]
    expiries: Sequence[CredentialExpiry]
    open: Sequence[OpenDiscrepancies]
    disks: Sequence[WorkerDisk]


async def measure_database(db: AnyPool) -> HouseMeasures:
    """Read all of it."""
    async with db.acquire() as conn:
        return HouseMeasures(
            await progress.read_health(conn),
            await batch_systems.list_all(conn),
            await fetch_many(conn, UnfinishedSubmissions, UNFINISHED),
            await fetch_many(conn, CredentialExpiry, EXPIRIES),
            await fetch_many(conn, OpenDiscrepancies, OPEN),
            await list_disks(conn),
        )
