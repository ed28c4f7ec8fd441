"""Read what a batch system tells of jobs, and commit it with the place up to which it was read."""

from collections.abc import Mapping, Sequence

from batch import BatchSystem, EventBatch, JobEvent
from db.batch import feeds
from db.batch.feeds import FeedCluster, FeedOffset
from db.submissions import clusters as adopted
from domain.submissions import news
from domain.submissions.jobs import JobState
from domain.submissions.news import JobNews
from domain.submissions.reports import YEARS
from workers import adoption
from workers.ingest import BatchIngest, TellingOfJobs, Whose
from workers.tools import WorkerTools

BOUND = 5000
"""Events read at once: one transaction."""


async def watch_once(
    tools: WorkerTools, system: BatchSystem, epoch: int, read_from: str | None
) -> tuple[str | None, bool]:
    """Read and commit one batch; returns the place read to, and whether there is more to read at once."""
    batch = await system.read(read_from, BOUND)
    if batch.read_to == read_from:
        return read_from, False
    clusters = await _find_event_clusters(tools, system, batch.events)
    events = [event for event in batch.events if _is_of(event, clusters.get(event.native_id))]
    jobs, attempts = news.fold_news(_build_job_news(events, clusters))
    told = TellingOfJobs(
        [news.limit_news(item) for item in jobs],
        [news.limit_news(item) for item in attempts],
        _map_attempts(events, clusters),
        _list_started_clusters(events),
    )
    await BatchIngest(tools, system, _build_place(system, epoch, read_from, batch), told).commit()
    await tools.ring()
    return batch.read_to, batch.behind


def _build_place(
    system: BatchSystem, epoch: int, read_from: str | None, batch: EventBatch
) -> FeedOffset:
    told_at = [event.at for event in batch.events[-1:] if event.at.year in YEARS]
    event_at = told_at[0] if told_at else None
    return FeedOffset(system.name, epoch, read_from, batch.read_to, batch.behind, event_at)


def _is_of(event: JobEvent, cluster: FeedCluster | None) -> bool:
    """Whether an adopted cluster is told of; one that nobody adopted never runs, so it has nothing to tell.

    A queue that was lost gives an id to another launch, while there may be news of the one that had it.
    """
    return cluster is not None and (event.mark is None or event.mark == cluster.mark)


def _list_started_clusters(events: Sequence[JobEvent]) -> list[str]:
    """The adopted clusters of which jobs have run."""
    return sorted({event.native_id for event in events if event.attempt > 0})


async def _find_event_clusters(
    tools: WorkerTools, system: BatchSystem, events: Sequence[JobEvent]
) -> dict[str, FeedCluster]:
    native_ids = sorted({event.native_id for event in events})
    found = await feeds.find_clusters(tools.db, system.name, native_ids)
    if any(not cluster.is_counted for cluster in found):
        # Its launcher is about to, or died before it did.
        for cluster in await adopted.list_uncounted(tools.db, system.name, native_ids):
            await adoption.follow_cluster(tools, system, cluster)
        found = await feeds.find_clusters(tools.db, system.name, native_ids)
    return {cluster.native_id: cluster for cluster in found}


def _map_attempts(events: Sequence[JobEvent], clusters: Mapping[str, FeedCluster]) -> Whose:
    found = ((clusters[event.native_id], event.number) for event in events)
    return {(cluster.submission_id, number): cluster for cluster, number in found}


def _build_job_news(
    events: Sequence[JobEvent], clusters: Mapping[str, FeedCluster]
) -> list[JobNews]:
    return [_build_news(event, clusters[event.native_id].submission_id) for event in events]


def _build_news(event: JobEvent, submission_id: int) -> JobNews:
    number, attempt, state, at, sequence = event[1:6]
    started_at = at if state is JobState.RUNNING else None
    ended_at = at if state.is_over else None
    # From exit_code to memory_mb both say the same, in one order.
    return JobNews(
        submission_id, number, attempt, state, sequence, *event[6:16], started_at, ended_at
    )
