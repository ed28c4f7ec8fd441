"""Where each batch system's feed was read to, and what is committed together with it."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from db import endings, inputs, jobs, launches, outputs
from db.pool import Connection, Database, Pool, many
from db.submissions import Submission
from domain import news
from domain.jobs import JobState
from domain.news import JobNews

Reports = Mapping[tuple[int, int], Mapping[str, Any]]
"""Of jobs that are over, by (submission, number)."""


class Fenced(Exception):
    """Another watcher has become the leader: what was read is not committed."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Whose jobs a cluster's are, and the mark that they carry."""

    native_id: str
    submission_id: int
    mark: str
    is_counted: bool
    """False of a launch script's of which nobody has said yet which jobs it has."""
    reporting: int | None
    """Of a launch script's, how many of the submission's jobs report: those up to that number; None: all."""

    def reports(self, number: int) -> bool:
        """Whether a job reports: it has a work unit, and runs POMS's payload."""
        return self.reporting is None or 1 <= number <= self.reporting


CLUSTERS = """
    SELECT c.native_id, c.submission_id, a.mark, c.first IS NULL OR c.jobs IS NOT NULL,
           CASE WHEN c.first IS NULL THEN NULL WHEN s.configuration ->> 'consumption' = 'exit_code' THEN 0
                ELSE (SELECT coalesce(max(u.number), 0) FROM work_unit u WHERE u.submission_id = c.submission_id) END
      FROM cluster c JOIN launch_attempt a USING (submission_id, attempt) JOIN submission s ON s.id = c.submission_id
     WHERE c.batch_system = $1 AND c.native_id = ANY($2::text[])
"""


async def clusters(db: Database, batch_system: str, native_ids: Sequence[str]) -> list[Cluster]:
    """The adopted ones among these clusters."""
    return await many(db, Cluster, CLUSTERS, batch_system, native_ids)


LEAD = """
    INSERT INTO watch AS w (batch_system, epoch) VALUES ($1, $2)
        ON CONFLICT (batch_system) DO UPDATE SET epoch = $2 WHERE w.epoch < $2
    RETURNING read_to
"""

READ_TO = "SELECT read_to FROM watch WHERE batch_system = $1 AND epoch = $2"


async def lead(db: Database, batch_system: str, epoch: int) -> str | None:
    """Begin to watch with the lease's epoch; returns where the last watcher's reading ended."""
    await db.execute(LEAD, batch_system, epoch)
    read_to: str | None = await db.fetchval(READ_TO, batch_system, epoch)
    return read_to


COMMIT = """
    UPDATE watch
       SET read_to = $4, read_at = CASE WHEN $5 THEN read_at ELSE now() END,
           event_at = coalesce($6, event_at)
     WHERE batch_system = $1 AND epoch = $2 AND read_to IS NOT DISTINCT FROM $3
    RETURNING epoch
"""

READ = "UPDATE watch SET read_at = now() WHERE batch_system = $1 AND epoch = $2"


async def read(db: Database, batch_system: str, epoch: int) -> None:
    """Note that all there was has been read."""
    await db.execute(READ, batch_system, epoch)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose reading it is, from where to where; `behind`: there is more to read."""

    batch_system: str
    epoch: int
    read_from: str | None
    read_to: str
    behind: bool = False
    event_at: datetime | None = None


async def commit(
    pool: Pool,
    place: Place,
    job_news: Sequence[JobNews],
    attempt_news: Sequence[JobNews],
    reports: Reports,
    started: Sequence[str],
) -> list[Submission]:
    """Apply a batch and its place in one transaction; returns the submissions whose states moved.

    `started` are the clusters of which jobs have run.
    """
    async with pool.acquire() as conn, conn.transaction():
        if await conn.fetchval(COMMIT, *astuple(place)) is None:
            raise Fenced(place.batch_system)
        ids = sorted({item.submission_id for item in job_news})
        await endings.lock(conn, ids)
        moved = await jobs.apply(conn, job_news, attempt_news)
        if not moved:
            return []
        await _account(conn, moved, job_news, reports)
        await launches.seen(conn, place.batch_system, started)
        return await endings.follow(conn, sorted({submission_id for submission_id, _ in moved}))


async def _account(
    conn: Connection, moved: set[tuple[int, int]], job_news: Sequence[JobNews], reports: Reports
) -> None:
    """Account the files of the jobs that have just ended, each once."""
    over = [item for item in job_news if item.key in moved and item.state.is_over]
    told = [(item, reports[item.key]) for item in over if item.key in reports]
    fates = [fate for item, report in told for fate in news.inputs(item.key, report)]
    # Only a job that isn't to report is well without a report.
    silent = [i.key for i in over if i.state is JobState.SUCCEEDED and i.key not in reports]
    if silent:
        fates += await inputs.of_jobs(conn, silent)
    claimed = await inputs.apply(conn, fates) if fates else frozenset[tuple[int, int, int]]()
    mine: dict[tuple[int, int], set[int]] = {}
    for submission_id, number, file_id in claimed:
        mine.setdefault((submission_id, number), set()).add(file_id)
    made = [
        output
        for item, report in told
        for output in news.outputs(item, report, frozenset(mine.get(item.key, ())))
    ]
    if made:
        await outputs.declare(conn, made)
    lost = [(*item.key, item.reason or item.state) for item in over]
    if lost:
        await inputs.lose(conn, lost)
