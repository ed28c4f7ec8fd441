"""The journals of one batch system, in a folder: which launches are followed, and reading what was told of them."""

import fcntl
import logging
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, NamedTuple

from batch import BatchUnavailable, JobEvent
from batch.archive import list_expired_folders
from batch.journal import APART, E, LaunchJournal

_log = logging.getLogger(__name__)
_FIRST = re.compile(r"\d+", re.ASCII)


class JournalOffset(NamedTuple):
    """How far one journal was read: of which telling of it."""

    offset: int = 0
    generation: int = 0
    is_over: bool = False
    checksum: str = ""
    """Of what is before the offset; empty: not known."""


Places = dict[str, JournalOffset]
"""By native id."""


def parse_places(told: Mapping[str, Any]) -> Places:
    """The places that a reader committed."""
    return {native_id: JournalOffset(*place) for native_id, place in told.items()}


class JournalFolder(Generic[E]):
    """A folder of journals, and those that are over laid aside in it."""

    def __init__(self, folder: Path, kind: type[E]) -> None:
        self._folder, self._kind = folder, kind
        self._over = folder / ".over"
        self._journals: dict[str, LaunchJournal[E]] = {}
        self._read: dict[str, tuple[JournalOffset, object, bool]] = {}
        """Where a journal was read to its end, as which file, and whether it was over."""

    def journal(self, native_id: str) -> LaunchJournal[E]:
        """The journal of one launch, whether or not there is one yet."""
        return self._journals.setdefault(
            native_id, LaunchJournal(self._folder / native_id, self._kind)
        )

    def laid_aside(self, native_id: str) -> LaunchJournal[E]:
        """The journal of a launch that is followed no more."""
        return LaunchJournal(self._over / native_id, self._kind)

    def entries(self) -> dict[str, E]:
        """The launches that are followed, oldest first."""
        if not self._folder.exists():
            return {}
        names = [path.name for path in self._folder.iterdir() if not path.name.startswith(".")]
        found = {
            name: self.journal(name).entry() for name in sorted(names, key=_sort_key_of_native_id)
        }
        return {name: entry for name, entry in found.items() if entry}

    @property
    def exist(self) -> bool:
        """Whether anything was ever followed."""
        return self._folder.exists()

    def entry(self, native_id: str) -> E | None:
        """What a launch is that is followed, or was."""
        found = LaunchJournal(self._folder / native_id, self._kind).entry()
        return found or self.laid_aside(native_id).entry()

    def make(self, entry: E, *, is_kept: bool = False) -> None:
        """Begin to follow a launch; another one of the same id, from a queue that was lost, is laid aside."""
        before = self.entry(entry.native_id)
        if before is not None and before.mark != entry.mark:
            entry = replace(entry, generation=before.generation + APART)
            if self.journal(entry.native_id).entry() is not None:
                self.journal(entry.native_id).lay_aside(self._over, before.generation)
            self._journals.pop(entry.native_id, None)
        self.journal(entry.native_id).make(entry, is_kept=is_kept)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from telling and from laying aside."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def live(self, committed: Places) -> dict[str, E]:
        """The launches of which more may be heard; what was committed as over is let go."""
        entries = self.entries()
        over = [name for name in entries if self._place(committed, entries[name]).is_over]
        for native_id in over:
            self._journals.pop(native_id).lay_aside(self._over, committed[native_id].generation)
            self._read.pop(native_id, None)
            del entries[native_id]
        for path in list_expired_folders(self._over) if over else ():
            shutil.rmtree(path, ignore_errors=True)
        return entries

    def look_back(self) -> None:
        """Take up again what was laid aside: who reads may have committed less than was thought."""
        with self.alone(), suppress(FileNotFoundError):
            for path in [*self._over.iterdir()]:
                if not (self._folder / path.name).exists():
                    path.rename(self._folder / path.name)

    def take_up(self, native_id: str) -> E:
        """Follow a launch that is looked up; of one that is laid aside, the ends are told once more."""
        journal, aside = self.journal(native_id), self._over / native_id
        if journal.entry() is None:
            aside.rename(self._folder / native_id)
            journal.repeat_ends()
        journal.looked.clear()
        entry = journal.entry()
        if entry is None:
            raise BatchUnavailable(f"what is followed as {native_id} can't be read")
        return entry

    def read(
        self, committed: Places, entries: Mapping[str, E], bound: int
    ) -> tuple[list[JobEvent], Places]:
        """Up to `bound` events past the places, and the places after them."""
        # The place of one that is away is kept: what it tells when it is back has to be newer.
        places = {k: v for k, v in committed.items() if k in entries or not v.is_over}
        events: list[JobEvent] = []
        for native_id in entries:
            place = self._place(places, entries[native_id])
            place = self._more(entries[native_id], place, bound, events)
            if place.offset:
                places[native_id] = place
        return events, places

    def _place(self, places: Places, entry: E) -> JournalOffset:
        generation = self.journal(entry.native_id).generation
        place = places.get(entry.native_id) or JournalOffset(0, generation)
        return place if place.generation >= entry.generation else JournalOffset(0, entry.generation)

    def _more(
        self, entry: E, place: JournalOffset, bound: int, events: list[JobEvent]
    ) -> JournalOffset:
        native_id, mark = entry.native_id, entry.mark
        journal = self.journal(native_id)
        was_over, stamp = journal.is_over, journal.stamp
        if self._read.get(native_id) == (place, stamp, was_over):
            return place
        if _is_another(place, journal.checksum(place.offset)):
            _log.warning("the journal of %s is another one: it is read from its start", native_id)
            place = JournalOffset(0, place.generation + 1)
        for after, event in journal.read_events(place.offset):
            if len(events) < bound:
                place = place._replace(offset=after)
                events += [_renumber_event(event, place.generation, mark)] if event else []
            if len(events) >= bound:
                break
        else:
            # Over before it was read to its end: nothing can have been added since.
            place = place._replace(is_over=was_over, checksum=journal.checksum(place.offset))
            self._read[native_id] = place, stamp, was_over
            return place
        return place._replace(checksum=journal.checksum(place.offset))


def _renumber_event(event: JobEvent, generation: int, mark: str) -> JobEvent:
    return event._replace(sequence=(generation << 40) + event.sequence, mark=mark)


def _is_another(place: JournalOffset, checksum: str) -> bool:
    """Whether what was read up to a place is not what is before it now."""
    return place.offset > 0 and (checksum != place.checksum if place.checksum else not checksum)


def _sort_key_of_native_id(native_id: str) -> tuple[int, str]:
    first = _FIRST.match(native_id)
    return int(first[0]) if first else 0, native_id
