"""One folder for each launch that is followed: what it is, and what was told of its jobs.

For batch systems that keep no log that we could read on: what each query shows is compared with what was known
before, and the differences are written down here, where a reader finds them at places that stay.
"""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar

from batch import JobEvent
from batch.event_lines import (
    append_lines,
    format_event,
    hash_bytes_before,
    parse_event,
    read_whole_lines,
    report_damage,
)
from domain.submissions.jobs import JobState

_log = logging.getLogger(__name__)
APART = 1 << 10
"""So many tellings lie between what is told by one source of a launch's jobs and by the next."""
_BEFORE = datetime.min.replace(tzinfo=UTC)
_DAMAGED = (ValueError, TypeError, KeyError, AttributeError)


class KnownJob(NamedTuple):
    """A job as it was told last."""

    state: JobState
    attempt: int
    began: float = 0.0
    """When its last attempt began."""
    at: float = 0.0

    @property
    def as_told(self) -> tuple[JobState, int]:
        """What an event would have to differ in."""
        return self.state, self.attempt


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What a native id stands for."""

    native_id: str
    mark: str
    directory: Path
    numbers: Sequence[int]
    """Of its jobs, in the order in which the batch system counts them."""
    generation: int = field(default=0, kw_only=True)
    """The first telling of its journal: above all that was told before by a log, or of another cluster of this id."""

    def text(self) -> str:
        """As it is written down."""
        told = asdict(self) | {
            "directory": str(self.directory),
            "numbers": compact_numbers(self.numbers),
        }
        return json.dumps(told)

    @classmethod
    def of(cls, text: str) -> Self:
        """What was written down."""
        told = json.loads(text)
        more = {"directory": Path(told["directory"]), "numbers": expand_numbers(told["numbers"])}
        return cls(**(told | more))


E = TypeVar("E", bound=JournalEntry)


class LaunchJournal(Generic[E]):
    """The folder of one launch."""

    def __init__(self, folder: Path, kind: type[E]) -> None:
        self._folder, self._kind = folder, kind
        self._entry: E | None = None
        self._inode = 0
        self._read_to, self._checksum, self._size, self._left = 0, "", 0, -1
        self.known: dict[int, KnownJob] = {}
        self.looked: dict[int, object] = {}
        """By number, what was seen of a job when it was last compared."""

    def make(self, entry: E, *, is_kept: bool = False) -> None:
        """Begin to follow a launch, whole or not at all; once more changes nothing.

        `is_kept`: the batch system keeps its jobs for us when they are over, until it is `released`.
        """
        if self.entry() is not None:
            return
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=".", dir=self._folder.parent))
        write_small_file(making / "entry", entry.text())
        if is_kept:
            write_small_file(making / "kept", "")
        with suppress(OSError):
            making.rename(self._folder)
        if self.entry() is None:
            # What an accident has left of it goes on, with an entry that can be read.
            os.replace(making / "entry", self._folder / "entry")
        shutil.rmtree(making, ignore_errors=True)

    def entry(self) -> E | None:
        """What is followed; None: not any more, or it is damaged."""
        try:
            inode = self._folder.stat().st_ino
            if self._entry is None or inode != self._inode:
                self._entry = self._kind.of((self._folder / "entry").read_text())
                self._inode, self._left = inode, -1
        except FileNotFoundError:
            return None
        except _DAMAGED as wrong:
            _log.warning("%s/entry is damaged, so that it is not followed: %r", self._folder, wrong)
            return None
        return self._entry

    @property
    def is_opening(self) -> bool:
        """Whether somebody has begun to open the gate: only before that it is certain that nothing ran."""
        return (self._folder / "opening").exists() or self.is_open

    def opening(self) -> None:
        """Note that the gate is about to be opened."""
        write_small_file(self._folder / "opening", "")

    @property
    def is_open(self) -> bool:
        """Whether the gate has been opened."""
        return (self._folder / "open").exists()

    def record_open_gate(self) -> None:
        """Note that the gate is open."""
        write_small_file(self._folder / "open", "")

    def ask(self, verb: str, reason: str, numbers: Sequence[int] | None) -> None:
        """Note what is about to be asked of a batch system that keeps no reasons."""
        line = {"verb": verb, "reason": reason, "numbers": None if numbers is None else [*numbers]}
        append_lines(self._folder / "asked", [json.dumps(line)])

    def list_requests(self) -> list[dict[str, Any]]:
        """What was asked, in order."""
        with suppress(FileNotFoundError):
            lines = (self._folder / "asked").read_bytes().splitlines(keepends=True)
            read = [_parse_request(line) for line in lines if line.endswith(b"\n")]
            return [request for request in read if request is not None]
        return []

    @property
    def size(self) -> int:
        """How much has been told."""
        with suppress(FileNotFoundError):
            return (self._folder / "told").stat().st_size
        return 0

    @property
    def stamp(self) -> object:
        """Differs after each change, and of each file."""
        with suppress(FileNotFoundError):
            found = (self._folder / "told").stat()
            return found.st_ino, found.st_size, found.st_mtime_ns
        return None

    def checksum(self, offset: int) -> str:
        """By which it is known that what was read up to there is still what it was."""
        return hash_bytes_before(self._folder / "told", offset)

    @property
    def is_caught_up(self) -> bool:
        """Whether all that has been told is known here."""
        return self.size == self._size

    @property
    def is_told(self) -> bool:
        """Whether the end of every job has been told."""
        return self._left == 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be told or done."""
        return self.is_told and not (self._folder / "kept").exists()

    def record_release(self) -> None:
        """Note that the batch system keeps none of its jobs for us any more."""
        (self._folder / "kept").unlink(missing_ok=True)

    def catch_up(self) -> None:
        """Know what has been told, also by others; of one that was cut or lost, what it says now."""
        size = self.size
        if self._left < 0 or self.checksum(self._read_to) != self._checksum:
            entry = self.entry()
            self._read_to, self._left = 0, len(entry.numbers) if entry else 0
            self.known, self.looked = {}, {}
        for after, event in self.read_events(self._read_to):
            self._read_to = after
            if event is not None:
                self._learn(event)
        self._size, self._checksum = size, self.checksum(self._read_to)

    def _learn(self, event: JobEvent) -> None:
        before, at = self.known.get(event.number), event.at.timestamp()
        was_over = before is not None and before.state.is_over
        self._left -= event.state.is_over and not was_over
        began = at if event.state is JobState.RUNNING else before.began if before else 0.0
        self.known[event.number] = KnownJob(event.state, event.attempt, began, at)
        self.looked.pop(event.number, None)

    def tell(self, events: Iterable[JobEvent]) -> None:
        """Add events."""
        append_lines(self._folder / "told", [format_event(event) for event in events])
        self.catch_up()

    def read_events(self, offset: int) -> Iterator[tuple[int, JobEvent | None]]:
        """Events from a place on, each with the place after it; its own is its `seen`. None: a damaged line."""
        path = self._folder / "told"
        with suppress(FileNotFoundError), path.open("rb") as file:
            for after, line in read_whole_lines(file, offset):
                event = parse_event(self._folder.name, after - len(line), line)
                if event is None:
                    report_damage(path, after)
                yield after, event

    def repeat_ends(self) -> None:
        """Tell the ends once more, to a reader who seems to have missed them."""
        told = [event for _, event in self.read_events(0) if event is not None]
        self.tell([event for event in told if event.state.is_over])

    @property
    def generation(self) -> int:
        """In which telling it was laid aside: its events are no older than what was read then."""
        with suppress(FileNotFoundError, ValueError):
            return int((self._folder / "generation").read_text())
        return 0

    def lay_aside(self, folder: Path, generation: int) -> None:
        """Follow it no more, unless it is taken up again."""
        place = folder / self._folder.name
        folder.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            write_small_file(self._folder / "generation", str(generation))
        shutil.rmtree(place, ignore_errors=True)
        with suppress(FileNotFoundError):
            self._folder.rename(place)
            os.utime(place)


def order_events(told: Mapping[int, list[JobEvent]]) -> list[JobEvent]:
    """The events of one look at many jobs as they came about; clocks of batch systems show whole seconds."""
    keyed = []
    for events in told.values():
        started = max((e.at for e in events if e.state is JobState.RUNNING), default=_BEFORE)
        is_over, at = events[-1].state.is_over, _BEFORE
        for event in events:
            # A job's own stay as they are: the clock there and ours, which tells when we looked, may differ.
            at = max(at, event.at)
            # What ended in a second ended before others began in it.
            keyed.append(((at, started, not is_over), event))
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]


def _parse_request(line: bytes) -> dict[str, Any] | None:
    """What was asked, if a line says so."""
    with suppress(*_DAMAGED):
        told = json.loads(line)
        if isinstance(told["verb"], str) and isinstance(told["reason"], str):
            return {"verb": told["verb"], "reason": told["reason"], "numbers": told["numbers"]}
    return None


def write_small_file(path: Path, text: str) -> None:
    """Write a small file, synced."""
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def compact_numbers(jobs: Sequence[int]) -> list[int] | dict[str, int]:
    """Numbers as they are written down: those without a gap as a range."""
    if jobs and [*jobs] == [*range(jobs[0], jobs[-1] + 1)]:
        return {"first": jobs[0], "last": jobs[-1]}
    return [*jobs]


def expand_numbers(jobs: list[int] | dict[str, int]) -> Sequence[int]:
    """The numbers that were written down."""
    return range(jobs["first"], jobs["last"] + 1) if isinstance(jobs, dict) else jobs
