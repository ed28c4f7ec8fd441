"""Read what a batch system tells of jobs, and commit it with the place up to which it was read."""

from collections.abc import Mapping, Sequence
from typing import Any

from batch import Batch, BatchSystem, JobEvent, ReportKey
from batch.directory import directory_of
from db import clusters as adopted
from db import watches
from db.watches import Cluster, Place
from domain import news
from domain.jobs import JobState
from domain.news import JobNews
from workers import adoption
from workers.points import around
from workers.tools import Tools

BOUND = 5000
"""Events read at once: one transaction."""


async def step(
    tools: Tools, system: BatchSystem, epoch: int, read_from: str | None
) -> tuple[str | None, bool]:
    """Read and commit one batch; returns the place read to, and whether there is more to read at once."""
    batch = await system.read(read_from, BOUND)
    if batch.read_to == read_from:
        return read_from, False
    clusters = await _clusters(tools, system, batch.events)
    whose = _whose(batch.events, clusters)
    jobs, attempts = news.fold(_news(batch.events, clusters))
    reports = await _reports(tools, system, jobs, whose)
    jobs = [_concluded(item, reports, whose) for item in jobs]
    place = _place(system, epoch, read_from, batch)
    async with around("watch.commit"):
        await watches.commit(tools.db, place, jobs, attempts, reports, _started(batch, clusters))
    await tools.ring()
    return batch.read_to, batch.behind


def _place(system: BatchSystem, epoch: int, read_from: str | None, batch: Batch) -> Place:
    event_at = batch.events[-1].at if batch.events else None
    return Place(system.name, epoch, read_from, batch.read_to, batch.behind, event_at)


def _started(batch: Batch, clusters: Mapping[str, Cluster]) -> list[str]:
    """The adopted clusters of which jobs have run."""
    return sorted({e.native_id for e in batch.events if e.attempt > 0} & clusters.keys())


async def _clusters(
    tools: Tools, system: BatchSystem, events: Sequence[JobEvent]
) -> dict[str, Cluster]:
    native_ids = sorted({event.native_id for event in events})
    found = await watches.clusters(tools.db, system.name, native_ids)
    if any(not cluster.is_counted for cluster in found):
        # Its launcher is about to, or died before it did.
        for cluster in await adopted.uncounted(tools.db, system.name, native_ids):
            await adoption.count(tools, system, cluster)
        found = await watches.clusters(tools.db, system.name, native_ids)
    return {cluster.native_id: cluster for cluster in found}


Whose = Mapping[tuple[int, int], Cluster]
"""The cluster of each job, by (submission, number)."""


def _whose(events: Sequence[JobEvent], clusters: Mapping[str, Cluster]) -> Whose:
    found = ((clusters.get(event.native_id), event.number) for event in events)
    return {(cluster.submission_id, number): cluster for cluster, number in found if cluster}


def _concluded(
    item: JobNews, reports: Mapping[tuple[int, int], Mapping[str, Any]], whose: Whose
) -> JobNews:
    by_exit_code = not whose[item.key].reports(item.number)
    return news.conclude(item, reports.get(item.key), by_exit_code=by_exit_code)


def _news(events: Sequence[JobEvent], clusters: Mapping[str, Cluster]) -> list[JobNews]:
    """The events of our own clusters; one that nobody adopted never runs, so it has nothing to tell."""
    return [
        _one(event, clusters[event.native_id].submission_id)
        for event in events
        if event.native_id in clusters
    ]


def _one(event: JobEvent, submission_id: int) -> JobNews:
    number, attempt, state, at, seen = event[1:6]
    started_at = at if state is JobState.RUNNING else None
    ended_at = at if state.is_over else None
    # From exit_code to memory_mb both say the same, in one order.
    return JobNews(submission_id, number, attempt, state, seen, *event[6:], started_at, ended_at)


async def _reports(
    tools: Tools, system: BatchSystem, jobs: Sequence[JobNews], whose: Whose
) -> dict[tuple[int, int], Mapping[str, Any]]:
    """The reports of the last attempts of the jobs that are over."""
    over = [j for j in jobs if j.state.is_over and j.state is not JobState.REMOVED]
    folders = {mark: directory_of(tools.spool, mark) for mark in {whose[j.key].mark for j in over}}
    keys = {
        ReportKey(folders[whose[j.key].mark], j.number, j.attempt): j.key
        for j in over
        if whose[j.key].reports(j.number)
    }
    found = await system.reports(list(keys))
    return {keys[key]: report for key, report in found.items()}
