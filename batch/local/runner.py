"""Runs the queue: so many jobs at once, each through a starter that outlives the runner."""

import os
import time
from typing import Any

from batch.local import attempts, processes, starter
from batch.local.attempts import Key, Running
from batch.local.doorbell import Doorbell, complain
from batch.local.folder import (
    CODE_LOST,
    CODE_PERSON,
    CODE_STOPPED,
    GRACE_S,
    LOST_STARTS,
    OVER,
    SITE,
    TICK_S,
    Folder,
    stamp,
    write_whole,
)
from batch.local.journal import Journal
from batch.local.queue import NEW, Cluster, Job, Queue
from domain.jobs import JobState, Verb


class Runner:
    """One runner of one folder; the folder's lock is held by who made it."""

    def __init__(self, folder: Folder, slots: int) -> None:
        self.folder, self.slots = folder, slots
        self.journal, self.queue = Journal(folder), Queue(folder)
        self.bell = Doorbell(folder)
        self.running: dict[Key, Running] = {}
        self.unknown: set[Key] = set()
        """Attempts whose starter lives but has not said yet which process it is."""
        self._free = [f"slot{at}" for at in range(slots, 0, -1)]
        self._over: list[Cluster] = []
        self._done_with: list[tuple[str, bool]] = []
        self._not_before = 0.0

    def move(self, cluster: Cluster, job: Job, state: JobState, **more: Any) -> None:
        """Put a job into a state and say so."""
        self.queue.idle += (state == JobState.IDLE) - (job.state == JobState.IDLE)
        job.state = state
        told = {"number": job.number, "attempt": job.attempt, "state": state, "site": SITE}
        self.journal.write(**{"native_id": cluster.native_id, "at": stamp(), **told, **more})
        if state == JobState.IDLE:
            self.queue.push(cluster, job)
        if state in OVER:
            cluster.left -= 1
            if not cluster.left:
                self.call_over(cluster)

    def call_over(self, cluster: Cluster) -> None:
        """Nothing is left to do for a cluster."""
        if cluster not in self._over:
            self._over.append(cluster)

    def open(self, cluster: Cluster) -> None:
        """Let what is behind the gate of a cluster start."""
        if not cluster.is_open:
            cluster.is_open = True
            self.queue.push_all(cluster)
        for job in cluster.jobs.values():
            if job.state == NEW:
                self.move(cluster, job, JobState.IDLE)

    def stop(self, native_id: str, job: Job, verb: str, reason: str) -> None:
        """End the running attempt of a job, for a reason."""
        if job.stop is None or job.stop[0] != Verb.REMOVE:
            job.stop = verb, reason
        running = self.running.get((native_id, job.number, job.attempt))
        if running is not None:
            running.stop()

    def watch(self, running: Running) -> None:
        """Take an attempt's starter into view."""
        self.running[running.key] = running
        self.bell.watch(running.pidfd)
        if running.slot in self._free:
            self._free.remove(running.slot)
        job = self.queue.get(running.key[0], running.key[1])
        if job is not None and job.stop is not None:
            running.stop()

    def resume(self, key: Key) -> None:
        """Find out how an attempt stands that this runner did not start itself."""
        path = self.folder.attempt(*key)
        self.unknown.discard(key)
        if starter.is_alive(path):
            running = attempts.adopt(path, key)
            if running is None:
                self.unknown.add(key)
            else:
                self.watch(running)
        else:
            self.ended(key, attempts.ending(path))

    def ended(self, key: Key, told: dict[str, Any] | None) -> None:
        """Say how an attempt ended, and what becomes of its job."""
        native_id, number, attempt = key
        cluster, job = self.queue.clusters.get(native_id), self.queue.get(native_id, number)
        path = self.folder.attempt(*key)
        if told is None:
            processes.kill_carrying(path)
        if cluster is not None and job is not None and job.attempt == attempt:
            stop, job.stop = job.stop, None
            if told is None or told["stopped"]:
                self._broken_off(cluster, job, told, stop)
            else:
                good = told["exit_code"] == 0 and told["limit"] is None
                how = {name: told[name] for name in ("exit_code", "signal", "code", "text")}
                state = JobState.SUCCEEDED if good else JobState.FAILED
                self.move(cluster, job, state, **how, **_used(told))
        keep_log = job is None or job.state != JobState.SUCCEEDED
        self._done_with.append((path, keep_log))

    def _broken_off(
        self, cluster: Cluster, job: Job, told: dict[str, Any] | None, stop: tuple[str, str] | None
    ) -> None:
        used = _used(told) if told else {}
        if stop is not None:
            state = JobState.REMOVED if stop[0] == Verb.REMOVE else JobState.HELD
            self.move(cluster, job, state, code=CODE_PERSON, text=stop[1], **used)
        elif told is not None:
            text = "evicted: the attempt was asked to end"
            self.move(cluster, job, JobState.IDLE, code=CODE_STOPPED, text=text, **used)
        else:
            job.lost += 1
            again = job.lost < LOST_STARTS
            text = f"the starter of attempt {job.attempt} vanished ({job.lost} of {LOST_STARTS})"
            state = JobState.IDLE if again else JobState.FAILED
            self.move(cluster, job, state, code=CODE_LOST, text=text)

    def start_jobs(self) -> None:
        """Fill the free slots."""
        while self._free and time.monotonic() >= self._not_before:
            if len(self.running) + len(self.unknown) >= self.slots:
                return
            turn = self.queue.pop()
            if turn is None:
                return
            self._start(*turn)

    def _start(self, cluster: Cluster, job: Job) -> None:
        key = (cluster.native_id, job.number, job.attempt + 1)
        self._note_start(cluster)
        limits = {"memory_mb": cluster.memory_mb, "walltime_s": cluster.walltime_s}
        order = {"directory": cluster.directory, "slot": self._free[-1], **limits}
        try:
            running = attempts.start(self.folder.attempt(*key), order, key)
        except OSError as wrong:
            complain(f"can't start job {cluster.native_id}.{job.number}: {wrong}")
            # The number may be used up: better one too many than the same one twice.
            job.attempt += 1
            self.queue.push(cluster, job)
            self._not_before = time.monotonic() + TICK_S
            return
        job.attempt += 1
        self.move(cluster, job, JobState.RUNNING, slot=running.slot)
        self.watch(running)

    def _note_start(self, cluster: Cluster) -> None:
        """Leave word beside the cluster, before the first of its jobs starts, that it was not inert."""
        if not cluster.is_started:
            path = f"{self.folder.cluster(cluster.native_id)}/started"
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))
            cluster.is_started = True

    def collect(self, pidfds: list[int]) -> None:
        """Take in attempts whose starters have ended."""
        by_fd = {running.pidfd: running for running in self.running.values()}
        for fd in pidfds:
            running = by_fd[fd]
            del self.running[running.key]
            self.bell.ignore(fd)
            running.leave()
            if len(self._free) + len(self.running) < self.slots:
                self._free.append(running.slot)
            self.ended(running.key, attempts.ending(self.folder.attempt(*running.key)))
        for key in list(self.unknown):
            self.resume(key)

    def settle(self) -> None:
        """Make last what was said; only then let go of what it was said from."""
        self.journal.flush()
        for cluster in self._over:
            write_whole(f"{self.folder.cluster(cluster.native_id)}/over", {"at": stamp()})
            self.queue.drop(cluster)
        for path, keep_log in self._done_with:
            attempts.clean(path, keep_log=keep_log)
        self._over, self._done_with = [], []
        if self.journal.is_full:
            self.rotate()

    def rotate(self) -> None:
        """Begin the next generation of the journal."""
        clusters = self.queue.clusters.values()
        self.journal.rotate(state for cluster in clusters for state in cluster.states())

    def stop_all(self) -> None:
        """Evict what runs, and say so as far as it ends in time; the rest the next runner finds."""
        for running in self.running.values():
            running.stop()
        until = time.monotonic() + GRACE_S + 0.6
        while (self.running or self.unknown) and time.monotonic() < until:
            self.collect(self.bell.wait(0.1))
            self.settle()


def _used(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("cpu_s", "wall_s", "memory_mb")}
