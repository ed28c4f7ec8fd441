"""Where each batch system's feed was read to, and what is committed together with it."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from db.batch import refusals
from db.batch.refusals import RefusedReport
from db.launching import launches
from db.pool import Connection, Database, Pool, fetch_many
from db.submissions import input_files, job_driven_transitions, jobs, output_files
from db.submissions.submissions import Submission
from domain.changes import ServicePart
from domain.submissions import news
from domain.submissions.jobs import JobState
from domain.submissions.news import JobNews

Reports = Mapping[tuple[int, int], Mapping[str, Any]]
"""Of jobs that are over, by (submission, number)."""


class WatcherFenced(Exception):
    """Another watcher has become the leader: what was read is not committed."""


@dataclass(frozen=True, slots=True)
class FeedCluster:
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
           CASE WHEN c.first IS NULL THEN NULL WHEN s.configuration ->> 'consumption' IN ('exit_code', 'project') THEN 0
                ELSE (SELECT coalesce(max(u.number), 0) FROM work_unit u WHERE u.submission_id = c.submission_id) END
      FROM cluster c JOIN launch_attempt a USING (submission_id, attempt) JOIN submission s ON s.id = c.submission_id
     WHERE c.batch_system = $1 AND c.native_id = ANY($2::text[])
"""


async def find_clusters(
    db: Database, batch_system: str, native_ids: Sequence[str]
) -> list[FeedCluster]:
    """The adopted ones among these clusters."""
    return await fetch_many(db, FeedCluster, CLUSTERS, batch_system, native_ids)


LEAD = """
    INSERT INTO watch AS w (batch_system, epoch) VALUES ($1, $2)
        ON CONFLICT (batch_system) DO UPDATE SET epoch = $2 WHERE w.epoch < $2
    RETURNING read_to
"""

READ_TO = "SELECT read_to FROM watch WHERE batch_system = $1 AND epoch = $2"


async def begin_watch(db: Database, batch_system: str, epoch: int) -> str | None:
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


async def record_reading(db: Database, batch_system: str, epoch: int) -> None:
    """Note that all there was has been read."""
    await db.execute(READ, batch_system, epoch)


@dataclass(frozen=True, slots=True)
class FeedOffset:
    """Whose reading it is, from where to where; `behind`: there is more to read."""

    batch_system: str
    epoch: int
    read_from: str | None
    read_to: str | None
    behind: bool = False
    event_at: datetime | None = None

    @property
    def staying(self) -> "FeedOffset":
        """Where a part of the batch is committed after which others follow: what is read again changes nothing."""
        return FeedOffset(
            self.batch_system, self.epoch, self.read_from, self.read_from, behind=True
        )


async def commit_batch(
    pool: Pool,
    place: FeedOffset,
    job_news: Sequence[JobNews],
    attempt_news: Sequence[JobNews],
    reports: Reports,
    started: Sequence[str],
    refused: RefusedReport | None = None,
) -> list[Submission]:
    """Apply a batch and its place in one transaction; returns the submissions whose states moved.

    `started` are the clusters of which jobs have run. `refused` is filed if it is news of a job that moves, or
    if nothing else is left of it.
    """
    async with pool.acquire() as conn, conn.transaction():
        if await conn.fetchval(COMMIT, *astuple(place)) is None:
            raise WatcherFenced(place.batch_system)
        ids = sorted({item.submission_id for item in job_news})
        await job_driven_transitions.lock_submissions(conn, ids)
        moved = await jobs.apply_news(conn, job_news, attempt_news)
        if refused and (moved or not job_news):
            await refusals.file_refusal(conn, place.batch_system, refused)
        if not moved:
            return []
        await _account_files(conn, moved, job_news, reports)
        await launches.record_open_gates(conn, place.batch_system, started)
        return await job_driven_transitions.apply_job_states(
            conn, sorted({submission_id for submission_id, _ in moved}), ServicePart.WATCH
        )


async def _account_files(
    conn: Connection, moved: set[tuple[int, int]], job_news: Sequence[JobNews], reports: Reports
) -> None:
    """Account the files of the jobs that have just ended, each once."""
    over = [item for item in job_news if item.key in moved and item.state.is_over]
    told = [(item, reports[item.key]) for item in over if item.key in reports]
    fates = [fate for item, report in told for fate in news.list_input_news(item.key, report)]
    # Only a job that isn't to report is well without a report.
    silent = [i.key for i in over if i.state is JobState.SUCCEEDED and i.key not in reports]
    if silent:
        fates += await input_files.list_by_jobs(conn, silent)
    claimed = (
        await input_files.apply_fates(conn, fates) if fates else frozenset[tuple[int, int, int]]()
    )
    mine: dict[tuple[int, int], set[int]] = {}
    for submission_id, number, file_id in claimed:
        mine.setdefault((submission_id, number), set()).add(file_id)
    made = [
        output
        for item, report in told
        for output in news.list_outputs(item, report, frozenset(mine.get(item.key, ())))
    ]
    if made:
        await output_files.declare_outputs(conn, made)
    lost = [(*item.key, item.reason or item.state) for item in over]
    if lost:
        await input_files.fail_unreported(conn, lost)
