"""Runs the queue: so many jobs at once, each through a starter that outlives the runner."""

import logging
import os
import time
from contextlib import suppress
from typing import Any

from batch.local import attempts, processes, starter
from batch.local.attempts import Key, RunningAttempt
from batch.local.doorbell import RunnerDoorbell
from batch.local.folder import (
    CODE_LOST,
    CODE_PERSON,
    CODE_STOPPED,
    CODE_WALL,
    GRACE_S,
    LOST_STARTS,
    OVER,
    SITE,
    TICK_S,
    RunnerFolder,
    format_current_time,
    parse_sequence,
    write_whole,
)
from batch.local.journal import RunnerJournal
from batch.local.queue import NEW, LocalCluster, LocalJob, LocalQueue
from batch.local.wall import Wall
from domain.submissions.jobs import JobActionVerb, JobState

_log = logging.getLogger("batch.local")


class Runner:
    """One runner of one folder; the folder's lock is held by who made it."""

    def __init__(self, folder: RunnerFolder, slots: int, wall: Wall) -> None:
        self.folder, self.slots, self.wall = folder, slots, wall
        self.journal, self.queue = RunnerJournal(folder), LocalQueue(folder)
        self.bell = RunnerDoorbell(folder)
        self.running: dict[Key, RunningAttempt] = {}
        self.unknown: set[Key] = set()
        """Attempts whose starter lives but has not said yet which process it is."""
        self.lost: set[str] = set()
        """Clusters that are gone without an end, of which that was told."""
        self._free = [f"slot{at}" for at in range(slots, 0, -1)]
        self._over: list[LocalCluster] = []
        self._done_with: list[tuple[str, bool]] = []
        self._not_before = 0.0

    def move(self, cluster: LocalCluster, job: LocalJob, state: JobState, **more: Any) -> None:
        """Put a job into a state and say so."""
        self.queue.idle += (state == JobState.IDLE) - (job.state == JobState.IDLE)
        job.state = state
        told = {"number": job.number, "attempt": job.attempt, "state": state, "site": SITE}
        self.journal.write(
            **{"native_id": cluster.native_id, "at": format_current_time(), **told, **more}
        )
        if state == JobState.IDLE:
            self.queue.push(cluster, job)
        if state in OVER:
            job.end = {**told, **more}
            cluster.left -= 1
            if not cluster.left:
                self.call_over(cluster)

    def tell(self, cluster: LocalCluster) -> None:
        """Say once more how its jobs are: a reader may have missed it."""
        for line in cluster.states():
            self.journal.write(
                **{
                    "at": format_current_time(),
                    "site": SITE,
                    **line,
                    **(cluster.jobs[line["number"]].end or {}),
                }
            )

    def call_over(self, cluster: LocalCluster) -> None:
        """Nothing is left to do for a cluster."""
        if cluster not in self._over:
            self._over.append(cluster)

    def lose(self, cluster: LocalCluster) -> None:
        """Let go of a cluster whose folder is gone: nothing of it runs on unseen."""
        _log.warning(
            "the folder of cluster %s is gone: what runs of it is ended", cluster.native_id
        )
        self.queue.drop(cluster)
        self._over = [each for each in self._over if each is not cluster]
        begins = f"{self.folder.scratch}/{cluster.native_id}."
        # At once: asked to end they would report that they failed.
        processes.kill_carrying(lambda each: each.startswith(begins))

    def open(self, cluster: LocalCluster) -> None:
        """Let what is behind the gate of a cluster start."""
        if not cluster.is_open:
            cluster.is_open = True
            self.queue.push_all(cluster)
        for job in cluster.jobs.values():
            if job.state == NEW:
                self.move(cluster, job, JobState.IDLE)

    def stop(self, native_id: str, job: LocalJob, verb: str, reason: str) -> None:
        """End the running attempt of a job, for a reason."""
        if job.stop is None or job.stop[0] != JobActionVerb.REMOVE:
            job.stop = verb, reason
        running = self.running.get((native_id, job.number, job.attempt))
        if running is not None:
            running.stop()

    def watch(self, running: RunningAttempt) -> None:
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
            running = attempts.adopt_attempt(path, key)
            if running is None:
                self.unknown.add(key)
            else:
                self.watch(running)
        else:
            self.record_end(key, attempts.read_ending(path))

    def record_end(self, key: Key, told: dict[str, Any] | None) -> None:
        """Say how an attempt ended, and what becomes of its job."""
        native_id, number, attempt = key
        cluster, job = self.queue.clusters.get(native_id), self.queue.get(native_id, number)
        path = self.folder.attempt(*key)
        if told is None:
            processes.kill_strays({each.pid for each in self.running.values() if each.is_child})
            processes.kill_carrying(path.__eq__)
        if cluster is not None and job is not None and job.attempt == attempt:
            stop, job.stop = job.stop, None
            if told is None or told["stopped"]:
                self._broken_off(cluster, job, told, stop)
            else:
                self.move(cluster, job, **attempts.end_of(told))
        keep_log = job is None or job.state != JobState.SUCCEEDED
        self._done_with.append((path, keep_log))

    def _broken_off(
        self,
        cluster: LocalCluster,
        job: LocalJob,
        told: dict[str, Any] | None,
        stop: tuple[str, str] | None,
    ) -> None:
        used = _select_usage(told) if told else {}
        if stop is not None:
            state = JobState.REMOVED if stop[0] == JobActionVerb.REMOVE else JobState.HELD
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
            if why := self.wall.why_not(turn[0].experiment):
                self.move(*turn, JobState.HELD, code=CODE_WALL, text=why)
            else:
                self._start(*turn)

    def _start(self, cluster: LocalCluster, job: LocalJob) -> None:
        key = (cluster.native_id, job.number, job.attempt + 1)
        limits = {"memory_mb": cluster.memory_mb, "walltime_s": cluster.walltime_s}
        order = {"directory": cluster.directory, "slot": self._free[-1], **limits}
        order |= {**cluster.place, "sequence": parse_sequence(cluster.native_id) or 0}
        try:
            self._note_start(cluster)
            running = attempts.start_attempt(self.folder.attempt(*key), order, key, self.wall)
        except OSError as wrong:
            _log.warning("can't start job %s.%s: %s", cluster.native_id, job.number, wrong)
            # The number may be used up: better one too many than the same one twice.
            job.attempt += 1
            self.queue.push(cluster, job)
            self._not_before = time.monotonic() + TICK_S
            return
        job.attempt += 1
        self.move(cluster, job, JobState.RUNNING, slot=running.slot)
        self.watch(running)

    def _note_start(self, cluster: LocalCluster) -> None:
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
            self.record_end(running.key, attempts.read_ending(self.folder.attempt(*running.key)))
        for key in list(self.unknown):
            self.resume(key)

    def settle(self) -> None:
        """Make last what was said; only then let go of what it was said from."""
        if self.journal.is_lost:
            # While all that is waiting to be said is still known.
            self.rotate()
            self.lost.clear()
        self.journal.flush()
        for cluster in self._over:
            ends = [job.end for job in cluster.jobs.values() if job.end]
            with suppress(FileNotFoundError):
                path = self.folder.cluster(cluster.native_id)
                write_whole(f"{path}/over", {"at": format_current_time(), "ends": ends})
            self.queue.drop(cluster)
        for path, keep_log in self._done_with:
            attempts.clean_attempt(path, keep_log=keep_log)
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


def _select_usage(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("cpu_s", "wall_s", "memory_mb")}
