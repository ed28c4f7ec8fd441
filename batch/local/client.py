"""The client's side of the local batch system: files that the runner finds."""

import fcntl
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from batch import (
    BatchHealth,
    BatchRefused,
    BatchUnavailable,
    ClusterRef,
    EventBatch,
    FollowedCluster,
    Launch,
    MarkAbsent,
    MarkFound,
    MarkUnknown,
    ReportBatch,
    ReportKey,
    Sighting,
    directory,
)
from batch.calls import BatchLanes
from batch.local import journal, processes
from batch.local.attempts import list_attempts
from batch.local.doorbell import ring_runner
from batch.local.folder import (
    RunnerFolder,
    list_clusters,
    parse_sequence,
    read_whole,
    sync_folder,
    wait_for_lock,
    write_whole,
)
from batch.local.requests import OPEN, TELL
from domain.batch.reconciliation import ReportedCluster
from domain.submissions.jobs import JobActionVerb

_log = logging.getLogger(__name__)
_LOCK_S, _CALL_S, _REASON = 5.0, 30.0, 1000


class LocalBatchSystem:
    """Jobs as processes of this machine; needs a runner to start them, but none to be told of them."""

    name = "local"

    def __init__(self, spool: Path) -> None:
        self._spool, self._folder = spool, RunnerFolder(spool.absolute())
        said = f"local batch system in {self._folder.root}"
        self._lanes = BatchLanes(self.name, said, _CALL_S)

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over, gated. Returns the number of the cluster."""
        return await self._lanes.call(self._lanes.submit, lambda: self._submit(launch))

    async def find(self, mark: str) -> Sighting:
        """Look at every cluster in the queue folder."""
        try:
            marked = await self._lanes.look(lambda: self._list_marked_folders(mark))
        except BatchUnavailable as wrong:
            return MarkUnknown(str(wrong))
        if marked:
            return MarkFound(marked)
        return MarkAbsent(f"the queue folder {self._folder.clusters} was read whole")

    async def list_marked(self, prefixes: Sequence[str]) -> Sequence[ReportedCluster]:
        """Look at every cluster in the queue folder, also those that are over."""
        return await self._lanes.look(lambda: [*self._all_marked(tuple(prefixes))])

    async def recheck(self, clusters: Sequence[ClusterRef]) -> Mapping[ClusterRef, Sighting]:
        """Look at each in the queue folder, and ask the runner to tell of it again."""
        try:
            return await self._lanes.call(
                self._lanes.act, lambda: {each: self._recheck(each) for each in clusters}
            )
        except BatchUnavailable as wrong:
            return dict.fromkeys(clusters, MarkUnknown(str(wrong)))

    async def open(self, cluster: ClusterRef) -> None:
        """Let the cluster's jobs start; once more changes nothing."""
        await self._lanes.call(self._lanes.act, lambda: self._open(cluster))

    async def act(
        self,
        verb: JobActionVerb,
        cluster: ClusterRef,
        reason: str,
        numbers: Sequence[int] | None = None,
    ) -> None:
        """Ask the runner to remove, hold or release; it stays asked while there is none."""
        what = {"reason": reason[:_REASON], "numbers": None if numbers is None else [*numbers]}
        await self._lanes.call(self._lanes.act, lambda: self._act(verb, cluster, what))

    async def follow(self, cluster: FollowedCluster) -> Sequence[int]:
        """Refused: there is nothing here that somebody else could have submitted."""
        raise BatchRefused(
            "The local batch system follows only what POMS submits itself: launch scripts that submit need HTCondor."
        )

    async def read(self, read_to: str | None, bound: int) -> EventBatch:
        """Read up to `bound` events past the place that was committed last."""
        return await self._lanes.call(self._lanes.read, lambda: self._read(read_to, bound))

    async def look_back(self) -> None:
        """Nothing to do: what is read is kept for two generations of the journal."""

    async def reports(self, wanted: Sequence[ReportKey]) -> ReportBatch:
        """The payloads' reports that are there."""
        return await self._lanes.call(self._lanes.reports, lambda: directory.read_reports(wanted))

    async def health(self) -> BatchHealth:
        """Whether a runner lives, and what it has in its hands; never raises."""
        try:
            return await self._lanes.call(self._lanes.health, self._health)
        except BatchUnavailable as wrong:
            return BatchHealth(reachable=False, text=str(wrong))

    async def forget(self, native_id: str) -> None:
        """Remove what is left of a cluster that is over, its logs too."""
        await self._lanes.call(self._lanes.act, lambda: self._forget(native_id))

    def _submit(self, launch: Launch) -> str:
        if not launch.jobs or len(set(launch.jobs)) < len(launch.jobs) or min(launch.jobs) < 0:
            raise BatchRefused("a launch needs jobs, each with a number of its own")
        self._folder.make()
        if why := self._why_not(launch.experiment):
            raise BatchRefused(why)
        order = {name: getattr(launch, name) for name in ("mark", "name", "priority")}
        order |= {"directory": str(launch.directory.absolute()), "jobs": [*launch.jobs]}
        order |= {"resources": asdict(launch.resources), "attributes": dict(launch.attributes)}
        order |= {"experiment": launch.experiment, "experiment_id": launch.experiment_id}
        order |= {"store": launch.store, "folders": [*map(str, launch.folders)]}
        making = tempfile.mkdtemp(prefix=".", dir=self._folder.clusters)
        try:
            write_whole(f"{making}/mark", launch.mark)
            write_whole(f"{making}/cluster.json", order)
            with self._next_number() as number:
                # Numbers begin again where this folder is lost or older than it was: no id ever does.
                native_id = f"{number}@{secrets.token_hex(4)}"
                os.rename(making, self._folder.cluster(native_id))
            sync_folder(self._folder.clusters)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        ring_runner(self._folder)
        return native_id

    def _why_not(self, experiment: str) -> str | None:
        """Why the runner that is at work would hold such jobs; what it doesn't say yet, it decides itself."""
        told = read_whole(self._folder.status) or {}
        refusal = told.get("refusal") or {"only": [experiment]}
        if experiment in refusal["only"] or not self._health().reachable:
            return None
        return str(refusal["why"])

    @contextmanager
    def _next_number(self) -> Iterator[int]:
        # Kept apart from the clusters: a number is not used again after its cluster is forgotten.
        path = f"{self._folder.root}/number"
        with open(f"{path}.lock", "a", encoding="ascii") as lock:
            if not wait_for_lock(lock.fileno(), _LOCK_S):
                raise TimeoutError("the cluster number is locked")
            last = read_whole(path)
            number = (last if isinstance(last, int) else 0) + 1
            write_whole(path, number)
            yield number

    def _list_marked_folders(self, mark: str) -> list[str]:
        return [each for each in list_clusters(self._folder) if self._mark(each) == mark]

    def _mark(self, native_id: str) -> object:
        """What a cluster carries; None: it is not there."""
        return read_whole(f"{self._folder.cluster(native_id)}/mark")

    def _all_marked(self, prefixes: tuple[str, ...]) -> Iterator[ReportedCluster]:
        with suppress(FileNotFoundError):
            for native_id in list_clusters(self._folder):
                path, mark = self._folder.cluster(native_id), self._mark(native_id)
                if isinstance(mark, str) and mark.startswith(prefixes):
                    jobs = 0 if os.path.exists(f"{path}/over") else _count_jobs(path)
                    yield ReportedCluster(native_id, mark, jobs, os.path.exists(f"{path}/started"))

    def _open(self, cluster: ClusterRef) -> None:
        path = self._carrying(cluster)
        os.close(os.open(f"{path}/open", os.O_WRONLY | os.O_CREAT, 0o644))
        sync_folder(path)
        self._ask(cluster, OPEN, {})

    def _act(self, verb: JobActionVerb, cluster: ClusterRef, what: Mapping[str, object]) -> None:
        is_lost = self._mark(cluster.native_id) is None and self._is_lost(cluster)
        if is_lost or not os.path.exists(f"{self._carrying(cluster)}/over"):
            self._ask(cluster, verb, what)

    def _recheck(self, cluster: ClusterRef) -> Sighting:
        os.stat(self._folder.clusters)
        path, mark = self._folder.cluster(cluster.native_id), self._mark(cluster.native_id)
        if mark == cluster.mark:
            if not os.path.exists(f"{path}/open"):
                # What is looked up so has been opened: this is a copy of the folder that is older.
                self._open(cluster)
            self._ask(cluster, TELL, {})
            return MarkFound([cluster.native_id])
        if mark is not None or not self._is_lost(cluster):
            return MarkAbsent(
                f"there is no cluster {cluster.native_id} that carries {cluster.mark}"
            )
        self._ask(cluster, TELL, {})
        begins = f"{self._folder.scratch}/{cluster.native_id}."
        if processes.list_attempt_processes(lambda each: each.startswith(begins)):
            return MarkUnknown(
                "it is not in the queue folder, and processes of it live: they are ended"
            )
        return MarkAbsent(
            f"{self._folder.clusters} does not have it, and no process of it is alive"
        )

    def _is_lost(self, cluster: ClusterRef) -> bool:
        """Whether it may have been submitted here, though its folder is not there."""
        os.stat(self._folder.clusters)
        is_one = parse_sequence(cluster.native_id) is not None
        return is_one and directory.locate_launch_directory(self._spool, cluster.mark).exists()

    def _ask(self, cluster: ClusterRef, verb: str, what: Mapping[str, object]) -> None:
        place = directory.locate_launch_directory(self._spool, cluster.mark).absolute()
        request = {"native_id": cluster.native_id, "mark": cluster.mark, "verb": verb, **what}
        if self._mark(cluster.native_id) is None:
            units = [int(path.stem) for path in (place / "units").glob("*.json")]
            request |= {"directory": str(place), "jobs": sorted(units)}
        name = f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(4).hex()}"
        if verb == TELL:
            # Once is enough, however often it is looked up while no runner is at work; after all else.
            name = f"tell-{cluster.native_id}"
        write_whole(f"{self._folder.requests}/{name}", request)
        ring_runner(self._folder)

    def _carrying(self, cluster: ClusterRef) -> str:
        path = self._require_cluster(cluster.native_id)
        if self._mark(cluster.native_id) != cluster.mark:
            raise BatchRefused(f"cluster {cluster.native_id} does not carry {cluster.mark}")
        return path

    def _require_cluster(self, native_id: str) -> str:
        path = self._folder.cluster(native_id)
        if parse_sequence(native_id) is None or not os.path.exists(path):
            os.stat(self._folder.clusters)
            raise BatchRefused(f"no cluster {native_id} in {self._folder.clusters}")
        return path

    def _read(self, read_to: str | None, bound: int) -> EventBatch:
        os.stat(self._folder.root)
        place = journal.RunnerJournalOffset(read_to)
        was = place.again
        events, behind = journal.read_events(self._folder, place, bound)
        if place.again and not was and place.generation > 1:
            _log.warning(
                "a part of the local journal is gone: the states of all jobs are read again"
            )
        return EventBatch(events, str(place), behind)

    def _health(self) -> BatchHealth:
        how = f"start one: python -m batch.local {self._spool} --slots N"
        told = read_whole(self._folder.status) or {}
        counts = {name: told.get(name, 0) for name in ("slots", "running", "queued")}
        counts["wall"] = told.get("wall", "")
        if not os.path.exists(self._folder.lock):
            return BatchHealth(reachable=False, text=f"no runner was ever at work: {how}", **counts)
        with open(self._folder.lock, encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return BatchHealth(reachable=True, text="a runner is at work", **counts)
        return BatchHealth(reachable=False, text=f"no runner is at work: {how}", **counts)

    def _forget(self, native_id: str) -> None:
        path = self._require_cluster(native_id)
        if not os.path.exists(f"{path}/over"):
            raise BatchRefused(f"cluster {native_id} is not over: remove it first")
        for key in list_attempts(self._folder):
            if key[0] == native_id:
                shutil.rmtree(self._folder.attempt(*key), ignore_errors=True)
        gone = f"{self._folder.clusters}/.gone-{native_id}"
        with suppress(FileNotFoundError):
            os.rename(path, gone)
        shutil.rmtree(gone, ignore_errors=True)


def _count_jobs(path: str) -> int:
    """Of a cluster; one that can't be read has some, which nobody runs."""
    order = read_whole(f"{path}/cluster.json")
    jobs = order.get("jobs") if isinstance(order, dict) else None
    return len(jobs) if isinstance(jobs, list) else 1
