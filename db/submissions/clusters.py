"""Clusters: what of a batch system is whose launch's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Database, fetch_many


@dataclass(frozen=True, slots=True)
class Cluster:
    """One row of `cluster`, with the mark of its launch."""

    batch_system: str
    native_id: str
    submission_id: int
    attempt: int
    first: int | None
    jobs: int | None
    adopted_at: datetime
    mark: str


COLUMNS = (
    "c.batch_system, c.native_id, c.submission_id, c.attempt, c.first, c.jobs, c.adopted_at, a.mark"
)
FROM = "cluster c JOIN launch_attempt a USING (submission_id, attempt)"

BY_SUBMISSIONS = f"""
    SELECT {COLUMNS} FROM {FROM} WHERE c.submission_id = ANY($1::bigint[])
     ORDER BY c.submission_id, c.attempt, c.adopted_at, c.native_id
"""


async def list_by_submissions(db: Database, ids: Sequence[int]) -> list[Cluster]:
    """All clusters of these submissions, in the order in which they were adopted."""
    return await fetch_many(db, Cluster, BY_SUBMISSIONS, ids)


UNCOUNTED = f"""
    SELECT {COLUMNS} FROM {FROM}
     WHERE c.batch_system = $1 AND c.native_id = ANY($2::text[]) AND c.first IS NOT NULL AND c.jobs IS NULL
"""


async def list_uncounted(
    db: Database, batch_system: str, native_ids: Sequence[str]
) -> list[Cluster]:
    """Those of these clusters that were adopted and whose jobs nobody has counted yet."""
    return await fetch_many(db, Cluster, UNCOUNTED, batch_system, native_ids)
