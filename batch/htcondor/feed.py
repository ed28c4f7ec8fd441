"""Reads the event logs of all live launches from a committed place, which is an offset for each."""

import json
import logging
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from batch import Batch, JobEvent, Launch
from batch.aside import expired
from batch.htcondor.blocks import clusters, texts
from batch.htcondor.order import log_of
from batch.htcondor.story import Story
from batch.journal import long, short

_log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_HEAD, _WAIT_S = 1 << 16, 5.0
_NEVER_S = 7 * 86400.0
"""After how long a launch without any log is taken for one that never came about."""


class Place(NamedTuple):
    """How far one log was read: of which file, and from which telling of it."""

    offset: int = 0
    inode: int = 0
    generation: int = 0
    is_over: bool = False


Places = dict[str, Place]
"""By mark."""


def parsed(read_to: str | None) -> Places:
    """The places that a reader committed."""
    told: dict[str, list[Any]] = json.loads(read_to) if read_to else {}
    return {mark: Place(*place) for mark, place in told.items()}


def is_told_of(log: Path, cluster: int) -> bool:
    """Whether a log has the submission of a cluster; a shared file system may show it a little late."""
    until = time.monotonic() + _WAIT_S
    while True:
        with suppress(FileNotFoundError), log.open("rb") as file:
            if cluster in clusters(file.read(_HEAD)):
                return True
        if time.monotonic() > until:
            return False
        time.sleep(0.1)


@dataclass(slots=True)
class _Log:
    """One log as far as it is understood: up to which place."""

    path: Path
    story: Story
    place: Place

    def told(self, bound: int = sys.maxsize, until: int = sys.maxsize) -> list[JobEvent]:
        """Read on, up to `bound` events (of one block: all) or to an offset; the place moves with what is told."""
        events: list[JobEvent] = []
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            before = -1
            while before < self.place.offset < until and len(events) < bound:
                before = file.seek(self.place.offset)
                self._take(file.read(_CHUNK), events, bound, until)
        return events

    def _take(self, data: bytes, events: list[JobEvent], bound: int, until: int) -> None:
        begun, at = self.place.generation << 40, self.place.offset
        for text, after in texts(data, at):
            events += self.story.take(text, begun + at)
            at = after
            if at >= until or len(events) >= bound:
                break
        self.place = self.place._replace(offset=at)


class Feed:
    """The logs of one batch system: each launch is entered in a folder before it is submitted."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._over = folder / ".over"
        self._logs: dict[str, _Log] = {}

    def enter(self, launch: Launch) -> None:
        """Make a launch one whose log is read."""
        self._folder.mkdir(parents=True, exist_ok=True)
        entry = {"directory": str(launch.directory.absolute()), "jobs": short(launch.jobs)}
        part = self._folder / f".{launch.mark}.{os.getpid()}.{time.monotonic_ns()}"
        with part.open("w") as file:
            json.dump(entry, file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._folder / launch.mark)

    def clusters_of(self, directory: Path) -> list[int]:
        """The clusters that a log tells of."""
        with suppress(FileNotFoundError):
            return sorted(clusters(log_of(directory).read_bytes()))
        return []

    def entry(self, mark: str) -> Path | None:
        """The directory of a launch that was entered."""
        try:
            return Path(json.loads((self._folder / mark).read_text())["directory"])
        except FileNotFoundError:
            return None

    def read(self, read_to: str | None, bound: int) -> Batch:
        """Up to `bound` events (of one block: all) past the places."""
        with self._lock:
            return self._read(read_to, bound)

    def _read(self, read_to: str | None, bound: int) -> Batch:
        committed = parsed(read_to)
        marks = self._live(committed)
        places = {mark: place for mark, place in committed.items() if mark in marks}
        events: list[JobEvent] = []
        for mark in marks:
            if len(events) >= bound:
                break
            log = self._at(mark, places.get(mark, Place()))
            if log is not None:
                events += self._more(mark, log, bound - len(events))
                places[mark] = log.place
        text = json.dumps(places, separators=(",", ":"), sort_keys=True)
        return Batch(events, text, behind=len(events) >= bound)

    def _live(self, committed: Places) -> list[str]:
        """The launches whose logs may say more; what was committed as over is let go."""
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        over = [name for name in names if name in committed and committed[name].is_over]
        for mark in over:
            self._lay_aside(mark)
            self._logs.pop(mark, None)
            names.remove(mark)
        for path in expired(self._over) if over else ():
            path.unlink(missing_ok=True)
        return sorted(name for name in names if not name.startswith("."))

    def _lay_aside(self, mark: str) -> None:
        self._over.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            (self._folder / mark).rename(self._over / mark)
            os.utime(self._over / mark)

    def look_back(self) -> None:
        """Take up again what was laid aside: who reads may have committed less than was thought."""
        with self._lock, suppress(FileNotFoundError):
            for name in os.listdir(self._over):
                (self._over / name).rename(self._folder / name)

    def _at(self, mark: str, place: Place) -> _Log | None:
        """The log, understood up to a place: as it is in memory, or read again from its beginning."""
        log = self._logs.get(mark)
        if log is None or log.place.generation != place.generation or log.place > place:
            log = self._opened(mark, place)
            if log is None:
                return None
            self._logs[mark] = log
        if log.place.offset < place.offset:
            log.told(until=place.offset)
        log.place = place
        return log

    def _opened(self, mark: str, place: Place) -> _Log | None:
        entry = json.loads((self._folder / mark).read_text())
        path = log_of(Path(entry["directory"]))
        if not path.exists():
            if time.time() - (self._folder / mark).stat().st_mtime > _NEVER_S:
                (self._folder / mark).unlink(missing_ok=True)
            return None
        return _Log(path, Story(long(entry["jobs"])), Place(0, place.inode, place.generation))

    def _more(self, mark: str, log: _Log, bound: int) -> list[JobEvent]:
        log = self._begun_again(mark, log)
        events = log.told(bound)
        if log.story.is_over:
            log.place = log.place._replace(is_over=True)
        return events

    def _begun_again(self, mark: str, log: _Log) -> _Log:
        try:
            found = log.path.stat()
        except FileNotFoundError:
            return log
        place = log.place
        if place.inode in (0, found.st_ino) and found.st_size >= place.offset:
            log.place = place._replace(inode=found.st_ino)
            return log
        _log.warning("%s is not what was read before: its jobs are told again", log.path)
        again = Place(0, found.st_ino, place.generation + 1)
        log = self._opened(mark, again) or log
        log.place = again
        self._logs[mark] = log
        return log
