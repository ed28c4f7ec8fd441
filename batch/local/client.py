"""The client's side of the local batch system: files that the runner finds."""

import asyncio
import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from batch import (
    Absent,
    Batch,
    BatchRefused,
    BatchUnavailable,
    Followed,
    Found,
    Health,
    JobEvent,
    Launch,
    ReportKey,
    Sighting,
    Unknown,
    directory,
)
from batch.local import journal
from batch.local.attempts import found
from batch.local.doorbell import ring
from batch.local.folder import Folder, read_whole, sync, visible, write_whole
from batch.local.requests import OPEN
from domain.discrepancies import Cluster
from domain.jobs import JobState, Verb

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_LOCK_S, _CALL_S, _REASON = 5.0, 30.0, 1000
_EVENT_FIELDS = frozenset(JobEvent._fields)


class Local:
    """Jobs as processes of this machine; needs a runner to start them, but none to be told of them."""

    name = "local"

    def __init__(self, spool: Path) -> None:
        self._spool, self._folder = spool, Folder(spool.absolute())

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over, gated. Returns the number of the cluster."""
        return await self._call(lambda: self._submit(launch))

    async def find(self, mark: str) -> Sighting:
        """Look at every cluster in the queue folder."""
        try:
            marked = await self._call(lambda: self._marked(mark))
        except BatchUnavailable as wrong:
            return Unknown(str(wrong))
        if marked:
            return Found(marked)
        return Absent(f"the queue folder {self._folder.clusters} was read whole")

    async def marked(self, prefixes: Sequence[str]) -> Sequence[Cluster]:
        """Look at every cluster in the queue folder, also those that are over."""
        return await self._call(lambda: [*self._all_marked(tuple(prefixes))])

    async def open(self, native_id: str) -> None:
        """Let the cluster's jobs start; once more changes nothing."""
        await self._call(lambda: self._open(native_id))

    async def act(
        self, verb: Verb, native_id: str, reason: str, numbers: Sequence[int] | None = None
    ) -> None:
        """Ask the runner to remove, hold or release; it stays asked while there is none."""
        what = {"reason": reason[:_REASON], "numbers": None if numbers is None else [*numbers]}
        await self._call(lambda: self._ask(native_id, verb, what))

    async def follow(self, cluster: Followed) -> Sequence[int]:
        """Refused: there is nothing here that somebody else could have submitted."""
        raise BatchRefused(
            "The local batch system follows only what POMS submits itself: launch scripts that submit need HTCondor."
        )

    async def read(self, read_to: str | None, bound: int) -> Batch:
        """Read up to `bound` events past the place that was committed last."""
        return await self._call(lambda: self._read(read_to, bound))

    async def look_back(self) -> None:
        """Nothing to do: what is read is kept for two generations of the journal."""

    async def reports(self, wanted: Sequence[ReportKey]) -> Mapping[ReportKey, Mapping[str, Any]]:
        """The payloads' reports that are there."""
        return await self._call(lambda: directory.reports(wanted))

    async def health(self) -> Health:
        """Whether a runner lives, and what it has in its hands; never raises."""
        try:
            return await self._call(self._health)
        except BatchUnavailable as wrong:
            return Health(reachable=False, text=str(wrong))

    async def forget(self, native_id: str) -> None:
        """Remove what is left of a cluster that is over, its logs too."""
        await self._call(lambda: self._forget(native_id))

    async def _call(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.wait_for(asyncio.to_thread(work), _CALL_S)
        except (OSError, EOFError, TimeoutError) as wrong:
            said = str(wrong) or f"no answer within {_CALL_S:.0f} s"
            raise BatchUnavailable(f"local batch system in {self._folder.root}: {said}") from wrong

    def _submit(self, launch: Launch) -> str:
        if not launch.jobs or len(set(launch.jobs)) < len(launch.jobs) or min(launch.jobs) < 0:
            raise BatchRefused("a launch needs jobs, each with a number of its own")
        self._folder.make()
        order = {name: getattr(launch, name) for name in ("mark", "name", "priority")}
        order |= {"directory": str(launch.directory.absolute()), "jobs": [*launch.jobs]}
        order |= {"resources": asdict(launch.resources), "attributes": dict(launch.attributes)}
        making = tempfile.mkdtemp(prefix=".", dir=self._folder.clusters)
        try:
            write_whole(f"{making}/mark", launch.mark)
            write_whole(f"{making}/cluster.json", order)
            with self._next_number() as number:
                os.rename(making, self._folder.cluster(number))
            sync(self._folder.clusters)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        ring(self._folder)
        return number

    @contextmanager
    def _next_number(self) -> Iterator[str]:
        # Kept apart from the clusters: a number is not used again after its cluster is forgotten.
        path = f"{self._folder.root}/number"
        with open(f"{path}.lock", "a", encoding="ascii") as lock:
            until = time.monotonic() + _LOCK_S
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise TimeoutError("the cluster number is locked") from None
                    time.sleep(0.01)
            number = (read_whole(path) or 0) + 1
            write_whole(path, number)
            yield str(number)

    def _marked(self, mark: str) -> list[str]:
        names = sorted(visible(self._folder.clusters), key=int)
        return [
            each for each in names if read_whole(f"{self._folder.clusters}/{each}/mark") == mark
        ]

    def _all_marked(self, prefixes: tuple[str, ...]) -> Iterator[Cluster]:
        with suppress(FileNotFoundError):
            for native_id in visible(self._folder.clusters):
                path = self._folder.cluster(native_id)
                mark = read_whole(f"{path}/mark")
                if mark is not None and mark.startswith(prefixes):
                    is_over = os.path.exists(f"{path}/over")
                    jobs = 0 if is_over else len(read_whole(f"{path}/cluster.json")["jobs"])
                    yield Cluster(native_id, mark, jobs, os.path.exists(f"{path}/started"))

    def _open(self, native_id: str) -> None:
        path = self._known(native_id)
        os.close(os.open(f"{path}/open", os.O_WRONLY | os.O_CREAT, 0o644))
        sync(path)
        self._ask(native_id, OPEN, {})

    def _ask(self, native_id: str, verb: str, what: Mapping[str, object]) -> None:
        if not os.path.exists(f"{self._known(native_id)}/over"):
            name = f"{time.time_ns():020d}-{os.getpid()}-{os.urandom(4).hex()}"
            request = {"native_id": native_id, "verb": verb, **what}
            write_whole(f"{self._folder.requests}/{name}", request)
            ring(self._folder)

    def _known(self, native_id: str) -> str:
        path = self._folder.cluster(native_id)
        if not native_id.isdecimal() or not os.path.exists(path):
            os.stat(self._folder.clusters)
            raise BatchRefused(f"no cluster {native_id} in {self._folder.clusters}")
        return path

    def _read(self, read_to: str | None, bound: int) -> Batch:
        os.stat(self._folder.root)
        place = journal.Place(read_to)
        journal.drop_read(self._folder, place)
        was = place.again
        lines, behind = journal.read(self._folder, place, bound)
        if place.again and not was and place.generation > 1:
            _log.warning(
                "a part of the local journal is gone: the states of all jobs are read again"
            )
        return Batch([_event(seen, line) for seen, line in lines], str(place), behind)

    def _health(self) -> Health:
        how = f"start one: python -m batch.local {self._spool} --slots N"
        told = read_whole(self._folder.status) or {}
        counts = {name: told.get(name, 0) for name in ("slots", "running", "queued")}
        if not os.path.exists(self._folder.lock):
            return Health(reachable=False, text=f"no runner was ever at work: {how}", **counts)
        with open(self._folder.lock, encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return Health(reachable=True, text="a runner is at work", **counts)
        return Health(reachable=False, text=f"no runner is at work: {how}", **counts)

    def _forget(self, native_id: str) -> None:
        path = self._known(native_id)
        if not os.path.exists(f"{path}/over"):
            raise BatchRefused(f"cluster {native_id} is not over: remove it first")
        for key in found(self._folder):
            if key[0] == native_id:
                shutil.rmtree(self._folder.attempt(*key), ignore_errors=True)
        gone = f"{self._folder.clusters}/.gone-{native_id}"
        with suppress(FileNotFoundError):
            os.rename(path, gone)
        shutil.rmtree(gone, ignore_errors=True)


def _event(seen: int, line: Mapping[str, Any]) -> JobEvent:
    told = {name: value for name, value in line.items() if name in _EVENT_FIELDS}
    told |= {"state": JobState(line["state"]), "at": datetime.fromisoformat(line["at"])}
    return JobEvent(**told, seen=seen)
