"""The journals of one batch system, in a folder: which launches are followed, and reading what was told of them."""

import fcntl
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, NamedTuple

from batch import JobEvent
from batch.aside import expired
from batch.journal import E, Journal

_FIRST = re.compile(r"\d+", re.ASCII)


class Place(NamedTuple):
    """How far one journal was read: of which telling of it."""

    offset: int = 0
    generation: int = 0
    is_over: bool = False


Places = dict[str, Place]
"""By native id."""


def parsed(told: Mapping[str, Any]) -> Places:
    """The places that a reader committed."""
    return {native_id: Place(*place) for native_id, place in told.items()}


class Journals(Generic[E]):
    """A folder of journals, and those that are over laid aside in it."""

    def __init__(self, folder: Path, kind: type[E]) -> None:
        self._folder, self._kind = folder, kind
        self._over = folder / ".over"
        self._journals: dict[str, Journal[E]] = {}

    def journal(self, native_id: str) -> Journal[E]:
        """The journal of one launch, whether or not there is one yet."""
        return self._journals.setdefault(native_id, Journal(self._folder / native_id, self._kind))

    def laid_aside(self, native_id: str) -> Journal[E]:
        """The journal of a launch that is followed no more."""
        return Journal(self._over / native_id, self._kind)

    def entries(self) -> dict[str, E]:
        """The launches that are followed, oldest first."""
        if not self._folder.exists():
            return {}
        names = [path.name for path in self._folder.iterdir() if not path.name.startswith(".")]
        found = {name: self.journal(name).entry() for name in sorted(names, key=_order)}
        return {name: entry for name, entry in found.items() if entry}

    @property
    def exist(self) -> bool:
        """Whether anything was ever followed."""
        return self._folder.exists()

    def entry(self, native_id: str) -> E | None:
        """What a launch is that is followed, or was."""
        found = Journal(self._folder / native_id, self._kind).entry()
        return found or self.laid_aside(native_id).entry()

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
        over = [name for name in entries if committed.get(name, Place()).is_over]
        for native_id in over:
            self._journals.pop(native_id).lay_aside(self._over)
            del entries[native_id]
        for path in expired(self._over) if over else ():
            shutil.rmtree(path, ignore_errors=True)
        return entries

    def look_back(self) -> None:
        """Take up again what was laid aside: who reads may have committed less than was thought."""
        with self.alone(), suppress(FileNotFoundError):
            for path in [*self._over.iterdir()]:
                path.rename(self._folder / path.name)

    def read(
        self, committed: Places, entries: Mapping[str, E], bound: int
    ) -> tuple[list[JobEvent], Places]:
        """Up to `bound` events past the places, and the places after them."""
        places, events = {k: v for k, v in committed.items() if k in entries}, list[JobEvent]()
        for native_id in entries:
            place = self._more(native_id, places.get(native_id, Place()), bound, events)
            if place.offset:
                places[native_id] = place
        return events, places

    def _more(self, native_id: str, place: Place, bound: int, events: list[JobEvent]) -> Place:
        journal = self.journal(native_id)
        size = journal.size
        if size < place.offset:
            # A journal that was lost is written anew, and its jobs are told again.
            place = Place(0, place.generation + 1)
        is_more = size > place.offset and len(events) < bound
        for after, event in journal.told(place.offset) if is_more else ():
            seen = (place.generation << 40) + event.seen
            events.append(event._replace(seen=seen))
            place = place._replace(offset=after)
            if len(events) >= bound:
                return place
        return place._replace(is_over=journal.is_over and place.offset == journal.size)


def _order(native_id: str) -> tuple[int, str]:
    first = _FIRST.match(native_id)
    return int(first[0]) if first else 0, native_id
