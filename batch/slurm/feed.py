"""One query for all launches that are followed; what it shows anew goes into their journals, and is read there."""

import fcntl
import json
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from batch import Batch, BatchRefused, BatchUnavailable, JobEvent
from batch.aside import expired
from batch.slurm import vanished
from batch.slurm.configuration import Configuration
from batch.slurm.journal import Entry, Journal
from batch.slurm.order import log_of
from batch.slurm.programs import Programs
from batch.slurm.queue import TASKS, Task, tasks
from batch.slurm.story import Known, Look, in_order, news


class Place(NamedTuple):
    """How far one journal was read: of which telling of it."""

    offset: int = 0
    generation: int = 0
    is_over: bool = False


class Feed:
    """The journals of one batch system, in a folder."""

    def __init__(self, folder: Path, programs: Programs, interval_s: float) -> None:
        self._folder, self._programs, self._interval_s = folder, programs, interval_s
        self._over = folder / ".over"
        self._journals: dict[str, Journal] = {}
        self._asked_at = -interval_s
        self._lines: dict[str, Task] = {}

    def journal(self, native_id: str) -> Journal:
        """The journal of one launch, whether or not there is one yet."""
        return self._journals.setdefault(native_id, Journal(self._folder / native_id))

    def laid_aside(self, native_id: str) -> Journal:
        """The journal of a launch that is followed no more."""
        return Journal(self._over / native_id)

    def entries(self) -> dict[str, Entry]:
        """The launches that are followed, oldest first."""
        if not self._folder.exists():
            return {}
        names = [path.name for path in self._folder.iterdir() if not path.name.startswith(".")]
        found = {name: self.journal(name).entry() for name in sorted(names, key=_order)}
        return {name: entry for name, entry in found.items() if entry}

    def read(self, read_to: str | None, bound: int, configured: Configuration) -> Batch:
        """Ask if it is time to, then read up to `bound` events past the places."""
        committed = {k: Place(*v) for k, v in json.loads(read_to or "{}").items()}
        with self._alone():
            entries = self._live(committed)
            if time.monotonic() - self._asked_at >= self._interval_s:
                self._ask(entries, configured)
                self._asked_at = time.monotonic()
        places, events = {k: v for k, v in committed.items() if k in entries}, list[JobEvent]()
        for native_id, entry in entries.items():
            place = places.get(native_id, Place())
            place = self._more(entry, place, bound - len(events), events)
            if place.offset:
                places[native_id] = place
        text = json.dumps(places, separators=(",", ":"), sort_keys=True)
        return Batch(events, text, behind=len(events) >= bound)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _live(self, committed: Mapping[str, Place]) -> dict[str, Entry]:
        """The launches of which more may be heard; what was committed as over is let go."""
        entries = self.entries()
        over = [name for name in entries if committed.get(name, Place()).is_over]
        for native_id in over:
            self._journals.pop(native_id).lay_aside(self._over)
            del entries[native_id]
        for path in expired(self._over) if over else ():
            shutil.rmtree(path, ignore_errors=True)
        return entries

    def look_back(self) -> None:
        """Take up again what was laid aside: who reads may have committed less than was thought."""
        with self._alone(), suppress(FileNotFoundError):
            for path in [*self._over.iterdir()]:
                path.rename(self._folder / path.name)

    def _ask(self, entries: Mapping[str, Entry], configured: Configuration) -> None:
        for native_id in entries:
            self.journal(native_id).catch_up()
        live = {k: e for k, e in entries.items() if not _is_over(e, self.journal(k).known)}
        if not live:
            return
        # Before the query: what is seen closed by it was closed after the gate had been opened.
        are_open = {name for name in live if self.journal(name).is_open}
        arrays = {array for entry in live.values() for array in entry.bases}
        try:
            text = self._programs.run(*TASKS, SLURM_TIME_FORMAT="%s")
        except BatchRefused as wrong:
            raise BatchUnavailable(f"Slurm does not show its queue: {wrong}") from wrong
        shown: dict[int, list[Task]] = {}
        for task in self._parsed(text, arrays):
            shown.setdefault(task.array, []).append(task)
        for name, entry in live.items():
            there = {
                base + task.task: task
                for array, base in entry.bases.items()
                for task in shown.get(array, ())
            }
            self._compare(entry, there, configured, is_open=name in are_open)

    def _parsed(self, text: str, arrays: Collection[int]) -> Iterable[Task]:
        """The tasks shown; a line that was there the last time is the same task still."""
        lines, before = text.splitlines(), self._lines
        fresh = tasks([line for line in lines if line not in before], arrays)
        self._lines = {line: before[line] for line in lines if line in before} | dict(fresh)
        return self._lines.values()

    def _compare(
        self, entry: Entry, there: Mapping[int, Task], configured: Configuration, *, is_open: bool
    ) -> None:
        journal = self.journal(entry.native_id)
        asked, now, known = journal.asked(), time.time(), journal.known
        left = [n for n in entry.numbers if n not in known or not known[n].state.is_over]
        gone = [number for number in left if number not in there]
        found = vanished.judged(entry, gone, known, asked, configured) if gone else {}
        for number in left:
            task = there.get(number)
            if task and journal.looked.get(number) != (task, is_open):
                log = log_of(entry.directory, entry.bases[task.array], task.task)
                reasons = vanished.reasons(asked, number)
                look = Look(number, task, now, reasons, log, is_open=is_open)
                found[number] = list(news(look, known.get(number)))
        journal.tell(in_order({number: events for number, events in found.items() if events}))
        # Only what was written down need not be looked at again.
        journal.looked.update((n, (task, is_open)) for n, task in there.items())

    def _more(self, entry: Entry, place: Place, bound: int, events: list[JobEvent]) -> Place:
        journal = self.journal(entry.native_id)
        size = journal.size
        if size < place.offset:
            # A journal that was lost is written anew, and its jobs are told again.
            place = Place(0, place.generation + 1)
        for after, event in journal.told(place.offset) if bound > 0 else ():
            events.append(replace(event, seen=(place.generation << 40) + event.seen))
            place = place._replace(offset=after)
            bound -= 1
            if bound == 0:
                return place
        is_over = place.offset == journal.size and _is_over(entry, journal.known)
        return place._replace(is_over=is_over)


def _is_over(entry: Entry, known: Mapping[int, Known]) -> bool:
    return all(n in known and known[n].state.is_over for n in entry.numbers)


def _order(native_id: str) -> tuple[int, str]:
    first = native_id.partition("+")[0]
    return int(first) if first.isdecimal() else 0, native_id
