"""Commit what was read of jobs: in parts as large as may be, and what the database refuses by itself.

All parts but the last are committed at the place where the batch begins. Whoever reads the batch again, since its
reader was killed in between, finds the jobs of these parts moved: nothing is applied twice, and nothing left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batch import BatchSystem, ReportBatch, ReportKey
from batch.directory import locate_launch_directory, locate_report
from db.batch import feeds
from db.batch.feeds import FeedCluster, FeedOffset
from db.batch.refusals import RefusedReport
from db.pool import REFUSALS
from domain.submissions import news
from domain.submissions.jobs import JobState
from domain.submissions.news import JobNews
from domain.submissions.reports import MOST_TEXT, make_storable_text
from workers.failpoints import wrap_failpoints
from workers.halves import commit_by_halves
from workers.tools import WorkerTools, log

Whose = Mapping[tuple[int, int], FeedCluster]
"""The cluster of each job, by (submission, number)."""


@dataclass(frozen=True, slots=True)
class TellingOfJobs:
    """What a batch of events says: the newest of each job, and of each attempt."""

    jobs: Sequence[JobNews]
    attempts: Sequence[JobNews]
    whose: Whose
    started: Sequence[str]
    """The clusters of which jobs have run."""


@dataclass(frozen=True, slots=True)
class BatchIngest:
    """One batch on its way into the database, and the place up to which it was read."""

    tools: WorkerTools
    system: BatchSystem
    place: FeedOffset
    telling: TellingOfJobs

    async def commit(self) -> None:
        """Commit it, a part for as many reports as may be held at once."""
        left = self.telling.jobs
        if not left:
            await self._apply(self.place, (), {})
        while left:
            reports, later = await self._reports(left)
            part = [self._conclude_job(item, reports) for item in left if item.key not in later]
            left = [item for item in left if item.key in later]
            await self._commit_part(part, reports, is_last=not left)

    async def _commit_part(
        self, part: Sequence[JobNews], reports: feeds.Reports, *, is_last: bool
    ) -> None:
        def place(item: JobNews) -> FeedOffset:
            return self.place if is_last and item is part[-1] else self.place.staying

        async def commit(jobs: Sequence[JobNews]) -> None:
            await self._apply(place(jobs[-1]), jobs, reports)

        async def refused(item: JobNews, why: str) -> None:
            await self._refuse(place(item), item, why)

        await commit_by_halves(part, commit, refused)

    async def _apply(
        self,
        place: FeedOffset,
        jobs: Sequence[JobNews],
        reports: feeds.Reports,
        refused: RefusedReport | None = None,
    ) -> None:
        attempts = self._attempts(jobs)
        if refused:
            attempts = [news.reduce_refused_news(item, "") for item in attempts]
        async with wrap_failpoints("watch.commit"):
            await feeds.commit_batch(
                self.tools.db, place, jobs, attempts, reports, self.telling.started, refused
            )

    def _attempts(self, jobs: Sequence[JobNews]) -> Sequence[JobNews]:
        if len(jobs) == len(self.telling.jobs):
            return self.telling.attempts
        keys = {item.key for item in jobs}
        return [item for item in self.telling.attempts if item.key in keys]

    async def _refuse(self, place: FeedOffset, item: JobNews, why: str) -> None:
        """Fail a job of which the database refuses the news, and file that; if it refuses even this, only file it."""
        cluster = self.telling.whose[item.key]
        folder = locate_launch_directory(self.tools.spool, cluster.mark)
        key = ReportKey(folder, item.number, item.attempt)
        said = make_storable_text(f"Job {item.number}: {locate_report(key)}: {why}", MOST_TEXT)
        log.error("submission %s is told what can't be stored: %s", item.submission_id, said)
        refused = RefusedReport(cluster.native_id, cluster.mark, cluster.submission_id, said)
        try:
            bare = news.reduce_refused_news(item, f"[POMS: the report can't be stored: {said}]")
            await self._apply(place, [bare], {}, refused)
        except REFUSALS:
            log.exception("job %s.%s stays as it is", *item.key)
            await self._apply(place, (), {}, refused)

    async def _reports(
        self, jobs: Sequence[JobNews]
    ) -> tuple[feeds.Reports, frozenset[tuple[int, int]]]:
        """The reports of the last attempts of jobs that are over, and the jobs whose reports have to wait."""
        over = [j for j in jobs if j.state.is_over and j.state is not JobState.REMOVED]
        reporting = [j for j in over if self.telling.whose[j.key].reports(j.number)]
        marks = {self.telling.whose[j.key].mark for j in reporting}
        folders = {mark: locate_launch_directory(self.tools.spool, mark) for mark in marks}
        keys = {
            ReportKey(folders[self.telling.whose[j.key].mark], j.number, j.attempt): j.key
            for j in reporting
        }
        found: ReportBatch = await self.system.reports(list(keys))
        later = frozenset(keys[key] for key in found.remaining)
        return {keys[key]: report for key, report in found.items()}, later

    def _conclude_job(self, item: JobNews, reports: feeds.Reports) -> JobNews:
        by_exit_code = not self.telling.whose[item.key].reports(item.number)
        return news.conclude_job(item, reports.get(item.key), by_exit_code=by_exit_code)
