"""What clients ask the runner to do: small files, done in the order in which they were written."""

import os
from contextlib import suppress
from typing import Any

from batch.local.folder import CODE_PERSON, Folder, read_whole, visible
from batch.local.queue import NEW, Cluster, Job
from batch.local.runner import Runner
from domain.jobs import JobState, Verb

OPEN = "open"


class Requests:
    """The requests of a folder; each stays there until all of it is done."""

    def __init__(self, folder: Folder, runner: Runner) -> None:
        self._folder, self._runner = folder, runner
        self._pending: dict[str, list[Job]] = {}

    def waiting(self) -> list[str]:
        """Names of those that were not begun."""
        return [name for name in visible(self._folder.requests) if name not in self._pending]

    def begin(self, names: list[str]) -> None:
        """Do what can be done at once; what must stop first stays pending."""
        for name in names:
            request = read_whole(f"{self._folder.requests}/{name}") or {}
            cluster = self._runner.queue.clusters.get(str(request.get("native_id")))
            self._pending[name] = self._do(cluster, request) if cluster else []

    def finish(self) -> None:
        """After what was done was made to last: remove the requests that need nothing more."""
        for name, jobs in list(self._pending.items()):
            if not any(job.stop for job in jobs):
                with suppress(FileNotFoundError):
                    os.unlink(f"{self._folder.requests}/{name}")
                del self._pending[name]

    def _do(self, cluster: Cluster, request: dict[str, Any]) -> list[Job]:
        verb, numbers, reason = request["verb"], request.get("numbers"), request.get("reason", "")
        if verb == OPEN:
            self._runner.open(cluster)
            return []
        wanted = cluster.jobs if numbers is None else numbers
        jobs = [cluster.jobs[number] for number in wanted if number in cluster.jobs]
        act = {Verb.HOLD: self._hold, Verb.RELEASE: self._release, Verb.REMOVE: self._remove}[verb]
        for job in jobs:
            act(cluster, job, reason)
        return jobs

    def _hold(self, cluster: Cluster, job: Job, reason: str) -> None:
        if job.state == JobState.RUNNING:
            self._runner.stop(cluster.native_id, job, Verb.HOLD, reason)
        elif job.state in (NEW, JobState.IDLE):
            self._runner.move(cluster, job, JobState.HELD, code=CODE_PERSON, text=reason)

    def _release(self, cluster: Cluster, job: Job, reason: str) -> None:
        if job.stop is not None and job.stop[0] == Verb.HOLD:
            job.stop = None
        elif job.state == JobState.HELD:
            self._runner.move(cluster, job, JobState.IDLE, text=reason)

    def _remove(self, cluster: Cluster, job: Job, reason: str) -> None:
        if job.state == JobState.RUNNING:
            self._runner.stop(cluster.native_id, job, Verb.REMOVE, reason)
        elif job.state in (NEW, JobState.IDLE, JobState.HELD):
            self._runner.move(cluster, job, JobState.REMOVED, code=CODE_PERSON, text=reason)
