"""What the runner knows of clusters and jobs: rebuilt from the folder at each start."""

import heapq
import logging
import os
import time
from collections.abc import Iterator
from typing import Any

from batch.local.folder import (
    CODE_LOST,
    OVER,
    TICK_S,
    RunnerFolder,
    list_clusters,
    parse_sequence,
    read_whole,
)
from batch.local.journal import Line
from domain.submissions.jobs import JobState

_log = logging.getLogger("batch.local")
NEW = "new"
"""Behind the gate: nothing was said of the job yet."""


class LocalJob:
    """One job, as far as the runner must remember it."""

    __slots__ = ("attempt", "end", "lost", "number", "state", "stop")

    def __init__(self, number: int) -> None:
        self.number, self.attempt, self.lost = number, 0, 0
        self.state: str = NEW
        self.stop: tuple[str, str] | None = None
        """The verb and the reason for which its running attempt is being ended."""
        self.end: Line | None = None
        """What was said of its end."""

    def take(self, line: Line) -> None:
        """Be as the journal says."""
        self.state, self.attempt = line["state"], line["attempt"]
        self.lost = line.get("lost", self.lost + (line.get("code") == CODE_LOST))
        self.end = line if self.state in OVER else None


class LocalCluster:
    """One cluster and its jobs."""

    def __init__(self, native_id: str, order: dict[str, Any], *, is_open: bool) -> None:
        self.native_id, self.is_open, self.is_started = native_id, is_open, False
        self.mark = str(order["mark"])
        self.directory, self.priority = str(order["directory"]), int(order["priority"])
        self.memory_mb = int(order["resources"]["memory_mb"])
        self.walltime_s = int(order["resources"]["walltime_s"])
        self.experiment = str(order.get("experiment", ""))
        names = ("experiment_id", "store", "folders")
        self.place = {"experiment_id": 0, "store": "", "folders": []}
        self.place |= {name: order[name] for name in names if name in order}
        """What its jobs may reach, by `Launch`."""
        self.jobs = {number: LocalJob(number) for number in order["jobs"]}
        self.left = len(self.jobs)

    def states(self) -> Iterator[Line]:
        """What the next generation of the journal must begin with."""
        for job in self.jobs.values():
            if job.state != NEW:
                how = {"state": job.state, "attempt": job.attempt, "lost": job.lost}
                yield {"native_id": self.native_id, "number": job.number, **how}


class LocalQueue:
    """All clusters that are not over, and the order in which their jobs start."""

    def __init__(self, folder: RunnerFolder) -> None:
        self._folder = folder
        self.clusters: dict[str, LocalCluster] = {}
        self._looked_at: set[str] = set()
        self._changed = self._noticed = 0.0
        self._heap: list[tuple[int, int, str, int]] = []
        self.idle = 0

    def find_new(self) -> list[LocalCluster]:
        """Take in clusters that were submitted since the last look."""
        changed = os.stat(self._folder.clusters).st_mtime
        # Two changes within the clock's grain look like one, so a fresh one is looked at again. The spool's file
        # server may have another clock than we: how fresh it is goes by when it was noticed.
        if changed != self._changed:
            self._changed, self._noticed = changed, time.monotonic()
        elif time.monotonic() - self._noticed > TICK_S:
            return []
        names = list_clusters(self._folder)
        found = [self._load(name) for name in names if name not in self._looked_at]
        self._looked_at = set(names)
        return [cluster for cluster in found if cluster is not None]

    def find_lost(self) -> list[LocalCluster]:
        """Those whose folders are not there any more, as far as `find_new` has looked."""
        return [each for name, each in self.clusters.items() if name not in self._looked_at]

    def _load(self, name: str) -> LocalCluster | None:
        path = self._folder.cluster(name)
        if os.path.exists(f"{path}/over"):
            return None
        order = read_whole(f"{path}/cluster.json")
        try:
            cluster = LocalCluster(name, order, is_open=os.path.exists(f"{path}/open"))
        except (TypeError, KeyError, ValueError) as wrong:
            _log.warning(
                "%s/cluster.json is damaged, so that nothing of it is run: %r", path, wrong
            )
            return None
        self.clusters[name] = cluster
        return cluster

    def get(self, native_id: str, number: int) -> LocalJob | None:
        """A job of a cluster that is not over."""
        cluster = self.clusters.get(native_id)
        return cluster.jobs.get(number) if cluster else None

    def take(self, line: Line) -> None:
        """Take in what the journal says, without putting anything into the order."""
        job = self.get(line["native_id"], line["number"])
        if job is not None:
            job.take(line)

    def count(self) -> None:
        """After the journal was taken in: put what is idle into the order."""
        self._heap, self.idle = [], 0
        for cluster in self.clusters.values():
            cluster.left = sum(job.state not in OVER for job in cluster.jobs.values())
            self.idle += sum(job.state == JobState.IDLE for job in cluster.jobs.values())
            if cluster.is_open:
                self.push_all(cluster)

    def push(self, cluster: LocalCluster, job: LocalJob) -> None:
        """Let an idle job wait for its turn; behind the gate it has none."""
        if cluster.is_open:
            age = parse_sequence(cluster.native_id) or 0
            heapq.heappush(self._heap, (-cluster.priority, age, cluster.native_id, job.number))

    def push_all(self, cluster: LocalCluster) -> None:
        """Let a cluster's idle jobs wait for their turn."""
        for job in cluster.jobs.values():
            if job.state == JobState.IDLE:
                self.push(cluster, job)

    def pop(self) -> tuple[LocalCluster, LocalJob] | None:
        """The next job to start; it must be taken out of idle by who asks."""
        while self._heap:
            *_, native_id, number = heapq.heappop(self._heap)
            cluster = self.clusters.get(native_id)
            # A job that was held or removed meanwhile stays in the order and is passed over here.
            if cluster and cluster.jobs[number].state == JobState.IDLE:
                return cluster, cluster.jobs[number]
        return None

    def drop(self, cluster: LocalCluster) -> None:
        """Forget a cluster that is over, or lost."""
        self.idle -= sum(job.state == JobState.IDLE for job in cluster.jobs.values())
        self.clusters.pop(cluster.native_id, None)
