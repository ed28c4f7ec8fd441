"""Reads the event logs of all live launches from a committed place, which is an offset for each."""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from batch import EventBatch, JobEvent, Launch
from batch.archive import list_expired_folders
from batch.files import NotPlainError, open_plain
from batch.htcondor.blocks import END, list_logged_clusters, split_blocks
from batch.htcondor.carried_inputs import drop_inputs
from batch.htcondor.event_log import EventLog
from batch.htcondor.order import locate_event_log
from batch.journal import compact_numbers, expand_numbers

_log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_HEAD, _WAIT_S = 1 << 16, 5.0
_NEVER_S = 7 * 86400.0
"""After how long a launch without any log is taken for one that never came about."""


class LogOffset(NamedTuple):
    """How far one log was read: of which file, and from which telling of it."""

    offset: int = 0
    inode: int = 0
    generation: int = 0
    is_over: bool = False
    is_doubted: bool = False
    """It is another file than before, or was away: events may be lost, and its jobs are to be looked up."""

    def anew(self, inode: int) -> "LogOffset":
        """The beginning of what lies there instead."""
        return LogOffset(0, inode, self.generation + 1, is_doubted=True)


Places = dict[str, LogOffset]
"""By mark."""


def parse_places(read_to: str | None) -> Places:
    """The places that a reader committed."""
    told: dict[str, list[Any]] = json.loads(read_to) if read_to else {}
    return {mark: LogOffset(*place) for mark, place in told.items()}


def is_told_of(log: Path, cluster: int) -> bool:
    """Whether a log has the submission of a cluster; a shared file system may show it a little late."""
    until = time.monotonic() + _WAIT_S
    while True:
        with _open_log(log) as file:
            if cluster in list_logged_clusters(file.read(_HEAD)):
                return True
        if time.monotonic() > until:
            return False
        time.sleep(0.1)


def _open_log(log: Path) -> BinaryIO:
    """Where there is none, or jobs have replaced it by what is none, nothing is read."""
    try:
        return BufferedReader(open_plain(log))
    except FileNotFoundError:
        return BytesIO()
    except NotPlainError as wrong:
        _report_unreadable_log(str(wrong))
        return BytesIO()


@lru_cache(1000)
def _report_unreadable_log(of: str) -> None:
    """Once of each, since logs are read again and again."""
    _log.warning("a log is not read: %s", of)


@dataclass(slots=True)
class _FollowedLog:
    """One log as far as it is understood: up to which place."""

    path: Path
    story: EventLog
    place: LogOffset

    def inode(self) -> int | None:
        """Of the file that was read before; None: it is gone, or another one lies there."""
        with suppress(FileNotFoundError, NotPlainError), open_plain(self.path) as file:
            found = os.fstat(file.fileno())
            is_it = self.place.inode in (0, found.st_ino)
            return found.st_ino if is_it and self._goes_on(file, found.st_size) else None
        return None

    def _goes_on(self, file: BinaryIO, size: int) -> bool:
        """Whether it is as long as what was read, with the end of a block there."""
        if size <= self.place.offset or not self.place.offset:
            return size == self.place.offset or not self.place.offset
        file.seek(self.place.offset - len(END))
        return file.read(len(END)) == END

    def read_events(self, bound: int = sys.maxsize, until: int = sys.maxsize) -> list[JobEvent]:
        """Read on, up to `bound` events (of one block: all) or to an offset; the place moves with what is told."""
        events: list[JobEvent] = []
        with _open_log(self.path) as file:
            before = -1
            while before < self.place.offset < until and len(events) < bound:
                before = file.seek(self.place.offset)
                self._take(file.read(_CHUNK), events, bound, until)
        return events

    def _take(self, data: bytes, events: list[JobEvent], bound: int, until: int) -> None:
        begun, at = self.place.generation << 40, self.place.offset
        for text, after in split_blocks(data, at):
            events += self.story.take(text, begun + at)
            at = after
            if at >= until or len(events) >= bound:
                break
        self.place = self.place._replace(offset=at)


class HTCondorFeed:
    """The logs of one batch system: each launch is entered in a folder before it is submitted."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._over = folder / ".over"
        self._logs: dict[str, _FollowedLog] = {}
        self._was_away = False
        self._asked: set[str] = set()
        self.doubts: set[str] = set()
        """The marks of launches whose jobs are to be looked up, until they are `trust`ed again."""

    def enter(self, launch: Launch) -> None:
        """Make a launch one whose log is read."""
        self._folder.mkdir(parents=True, exist_ok=True)
        entry = {
            "directory": str(launch.directory.absolute()),
            "jobs": compact_numbers(launch.jobs),
        }
        part = self._folder / f".{launch.mark}.{os.getpid()}.{time.monotonic_ns()}"
        with part.open("w") as file:
            json.dump(entry, file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._folder / launch.mark)

    def clusters_of(self, directory: Path) -> list[int]:
        """The clusters that a log tells of."""
        with _open_log(locate_event_log(directory)) as file:
            return sorted(list_logged_clusters(file.read()))

    def entry(self, mark: str) -> Path | None:
        """The directory of a launch that was entered."""
        found = self._entry(mark)
        return found and found[0]

    def _entry(self, mark: str, *, aside: bool = False) -> tuple[Path, Sequence[int]] | None:
        for folder in (self._folder, self._over) if aside else (self._folder,):
            with suppress(FileNotFoundError):
                entry = json.loads((folder / mark).read_text())
                return Path(entry["directory"]), expand_numbers(entry["jobs"])
        return None

    def read_log(self, mark: str) -> tuple[Path, Sequence[int], EventLog] | None:
        """Directory and jobs of a launch, and its log as it is now, read anew; None: it was never entered here."""
        found = self._entry(mark, aside=True)
        if found is None:
            return None
        directory, numbers = found
        log = _FollowedLog(locate_event_log(directory), EventLog(numbers, mark), LogOffset())
        log.read_events()
        return directory, numbers, log.story

    def has_never_run(self, mark: str, cluster: int) -> bool:
        """Whether the log tells of a cluster, and of no start of any of its jobs."""
        found = self.read_log(mark)
        known = found[2].list_known_jobs(cluster) if found else {}
        return bool(known) and not any(job.attempt for job in known.values())

    def trust(self, marks: Collection[str]) -> None:
        """What was doubted has been looked up."""
        with self._lock:
            self.doubts -= {*marks}

    def let_go(self, mark: str) -> None:
        """Read a log no more: its jobs are told of in another way."""
        with self._lock:
            self._lay_aside(mark)
            self._logs.pop(mark, None)

    def read(self, read_to: str | None, bound: int) -> EventBatch:
        """Up to `bound` events (of one block: all) past the places."""
        with self._lock:
            return self._read(read_to, bound)

    def _read(self, read_to: str | None, bound: int) -> EventBatch:
        committed = parse_places(read_to)
        marks = self._live(committed)
        here = frozenset(marks)
        # What is neither here nor laid aside may come back: it is read on from its place then.
        places = {
            mark: place
            for mark, place in committed.items()
            if mark in here or not (self._over / mark).exists()
        }
        events: list[JobEvent] = []
        for mark in marks:
            if len(events) >= bound:
                break
            place = self._settle_place(mark, places.get(mark, LogOffset()))
            log = self._at(mark, place)
            if log is not None:
                events += self._more(log, bound - len(events))
                place = log.place
            elif place.offset:
                place = place.anew(0)
            if place != LogOffset():
                places[mark] = place
        text = json.dumps(places, separators=(",", ":"), sort_keys=True)
        return EventBatch(events, text, behind=len(events) >= bound)

    def _settle_place(self, mark: str, place: LogOffset) -> LogOffset:
        """The place of a log that was looked up is doubted no more."""
        if place.is_doubted and mark not in self._asked:
            self._asked.add(mark)
            self.doubts.add(mark)
        elif place.is_doubted and mark not in self.doubts:
            self._asked.discard(mark)
            return place._replace(is_doubted=False)
        return place

    def _live(self, committed: Places) -> list[str]:
        """The launches whose logs may say more; what was committed as over is let go."""
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            if not committed:
                return []
            self._was_away = True
            raise
        over = [name for name in names if name in committed and committed[name].is_over]
        for mark in over:
            self._drop_inputs(mark)
            self._lay_aside(mark)
            self._logs.pop(mark, None)
            names.remove(mark)
        for path in list_expired_folders(self._over) if over else ():
            path.unlink(missing_ok=True)
        marks = sorted(name for name in names if not name.startswith("."))
        if self._was_away:
            # Whoever writes the logs may have missed it, too.
            self._was_away = False
            self.doubts.update(marks)
        return marks

    def _drop_inputs(self, mark: str) -> None:
        if (found := self._entry(mark)) is not None:
            drop_inputs(found[0])

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

    def _at(self, mark: str, place: LogOffset) -> _FollowedLog | None:
        """The log, understood up to a place, or from its beginning what lies there instead; None: there is nothing."""
        log = self._understood(mark, place)
        if log is None:
            return None
        if (inode := log.inode()) is not None:
            log.place = log.place._replace(inode=inode)
            return log
        _log.warning("%s is not what was read before: its jobs are told again", log.path)
        again = self._open_followed(mark, place.anew(0))
        if again is None or (inode := again.inode()) is None:
            self._logs.pop(mark, None)
            return None
        again.place = again.place._replace(inode=inode)
        self._logs[mark] = again
        return again

    def _understood(self, mark: str, place: LogOffset) -> _FollowedLog | None:
        """The log as it is in memory, or read again from its beginning."""
        log = self._logs.get(mark)
        if log is None or log.place.generation != place.generation or log.place > place:
            log = self._open_followed(mark, place)
            if log is None:
                return None
            self._logs[mark] = log
        if log.place.offset < place.offset:
            log.read_events(until=place.offset)
        log.place = place
        return log

    def _open_followed(self, mark: str, place: LogOffset) -> _FollowedLog | None:
        found = self._entry(mark)
        if found is None:
            return None
        path = locate_event_log(found[0])
        if not path.exists():
            with suppress(FileNotFoundError):
                if time.time() - (self._folder / mark).stat().st_mtime > _NEVER_S:
                    self._drop_inputs(mark)
                    (self._folder / mark).unlink()
            return None
        return _FollowedLog(path, EventLog(found[1], mark), place._replace(offset=0))

    def _more(self, log: _FollowedLog, bound: int) -> list[JobEvent]:
        events = log.read_events(bound)
        # What was lost before its last line is looked up first.
        if log.story.is_over and not log.place.is_doubted:
            log.place = log.place._replace(is_over=True)
        return events
