"""What clients ask the runner to do: small files, done in the order in which they were written."""

import logging
import os
from contextlib import suppress
from typing import Any

from batch.local.folder import CODE_PERSON, RunnerFolder, list_visible_names, read_whole
from batch.local.gone import tell_gone
from batch.local.queue import NEW, LocalCluster, LocalJob
from batch.local.runner import Runner
from domain.submissions.jobs import JobActionVerb, JobState

_log = logging.getLogger("batch.local")
OPEN, TELL = "open", "tell"
"""What is asked besides the verbs of people: to open the gate, and to tell again how all jobs are."""


class RequestFolder:
    """The requests of a folder; each stays there until all of it is done."""

    def __init__(self, folder: RunnerFolder, runner: Runner) -> None:
        self._folder, self._runner = folder, runner
        self._pending: dict[str, list[LocalJob]] = {}

    def waiting(self) -> list[str]:
        """Names of those that were not begun."""
        return [
            name for name in list_visible_names(self._folder.requests) if name not in self._pending
        ]

    def begin(self, names: list[str]) -> None:
        """Do what can be done at once; what must stop first stays pending."""
        for name in names:
            request = read_whole(f"{self._folder.requests}/{name}")
            try:
                self._pending[name] = self._do(request)
            except (TypeError, KeyError, ValueError, AttributeError) as wrong:
                _log.warning("the request %s is damaged, and passed over: %r", name, wrong)
                self._pending[name] = []

    def finish(self) -> None:
        """After what was done was made to last: remove the requests that need nothing more."""
        for name, jobs in list(self._pending.items()):
            if not any(job.stop for job in jobs):
                with suppress(FileNotFoundError):
                    os.unlink(f"{self._folder.requests}/{name}")
                del self._pending[name]

    def _do(self, request: dict[str, Any]) -> list[LocalJob]:
        cluster = self._runner.queue.clusters.get(request["native_id"])
        if cluster is None or cluster.mark != request.get("mark", cluster.mark):
            if request["verb"] in (TELL, JobActionVerb.REMOVE):
                tell_gone(self._runner, request)
            return []
        verb, numbers, reason = request["verb"], request.get("numbers"), request.get("reason", "")
        if verb == OPEN:
            self._runner.open(cluster)
            return []
        if verb == TELL:
            self._runner.tell(cluster)
            return []
        wanted = cluster.jobs if numbers is None else numbers
        jobs = [cluster.jobs[number] for number in wanted if number in cluster.jobs]
        act = {
            JobActionVerb.HOLD: self._hold,
            JobActionVerb.RELEASE: self._release,
            JobActionVerb.REMOVE: self._remove,
        }[verb]
        for job in jobs:
            act(cluster, job, reason)
        return jobs

    def _hold(self, cluster: LocalCluster, job: LocalJob, reason: str) -> None:
        if job.state == JobState.RUNNING:
            self._runner.stop(cluster.native_id, job, JobActionVerb.HOLD, reason)
        elif job.state in (NEW, JobState.IDLE):
            self._runner.move(cluster, job, JobState.HELD, code=CODE_PERSON, text=reason)

    def _release(self, cluster: LocalCluster, job: LocalJob, reason: str) -> None:
        if job.stop is not None and job.stop[0] == JobActionVerb.HOLD:
            job.stop = None
        elif job.state == JobState.HELD:
            self._runner.move(cluster, job, JobState.IDLE, text=reason)

    def _remove(self, cluster: LocalCluster, job: LocalJob, reason: str) -> None:
        if job.state == JobState.RUNNING:
            self._runner.stop(cluster.native_id, job, JobActionVerb.REMOVE, reason)
        elif job.state in (NEW, JobState.IDLE, JobState.HELD):
            self._runner.move(cluster, job, JobState.REMOVED, code=CODE_PERSON, text=reason)
