"""One folder for each launch that is followed: what it is, and what was told of its jobs.

For batch systems that keep no log that we could read on: what each query shows is compared with what was known
before, and the differences are written down here, where a reader finds them at places that stay.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar

from batch import JobEvent
from domain.jobs import JobState

_BEFORE = datetime.min.replace(tzinfo=UTC)
_FIELDS = frozenset(JobEvent._fields) - {"native_id", "seen"}


class Known(NamedTuple):
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
class Entry:
    """What a native id stands for."""

    native_id: str
    mark: str
    directory: Path
    numbers: Sequence[int]
    """Of its jobs, in the order in which the batch system counts them."""

    def text(self) -> str:
        """As it is written down."""
        told = asdict(self) | {"directory": str(self.directory), "numbers": short(self.numbers)}
        return json.dumps(told)

    @classmethod
    def of(cls, text: str) -> Self:
        """What was written down."""
        told = json.loads(text)
        more = {"directory": Path(told["directory"]), "numbers": long(told["numbers"])}
        return cls(**(told | more))


E = TypeVar("E", bound=Entry)


class Journal(Generic[E]):
    """The folder of one launch."""

    def __init__(self, folder: Path, kind: type[E]) -> None:
        self._folder, self._kind = folder, kind
        self._entry: E | None = None
        self._read_to, self._left = 0, -1
        self.known: dict[int, Known] = {}
        self.looked: dict[int, object] = {}
        """By number, what was seen of a job when it was last compared."""

    def make(self, entry: E, *, is_kept: bool = False) -> None:
        """Begin to follow a launch, whole or not at all; once more changes nothing.

        `is_kept`: the batch system keeps its jobs for us when they are over, until it is `released`.
        """
        if self._folder.exists():
            return
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=".", dir=self._folder.parent))
        write(making / "entry", entry.text())
        if is_kept:
            write(making / "kept", "")
        with suppress(OSError):
            making.rename(self._folder)
        shutil.rmtree(making, ignore_errors=True)

    def entry(self) -> E | None:
        """What is followed; None: not any more."""
        if self._entry and self._folder.exists():
            return self._entry
        try:
            self._entry = self._kind.of((self._folder / "entry").read_text())
        except FileNotFoundError:
            return None
        return self._entry

    @property
    def is_opening(self) -> bool:
        """Whether somebody has begun to open the gate: only before that it is certain that nothing ran."""
        return (self._folder / "opening").exists() or self.is_open

    def opening(self) -> None:
        """Note that the gate is about to be opened."""
        write(self._folder / "opening", "")

    @property
    def is_open(self) -> bool:
        """Whether the gate has been opened."""
        return (self._folder / "open").exists()

    def opened(self) -> None:
        """Note that the gate is open."""
        write(self._folder / "open", "")

    def ask(self, verb: str, reason: str, numbers: Sequence[int] | None) -> None:
        """Note what is about to be asked of a batch system that keeps no reasons."""
        line = {"verb": verb, "reason": reason, "numbers": None if numbers is None else [*numbers]}
        _append(self._folder / "asked", [json.dumps(line)])

    def asked(self) -> list[dict[str, Any]]:
        """What was asked, in order."""
        with suppress(FileNotFoundError):
            lines = (self._folder / "asked").read_bytes().splitlines(keepends=True)
            return [json.loads(line) for line in lines if line.endswith(b"\n")]
        return []

    @property
    def size(self) -> int:
        """How much has been told."""
        with suppress(FileNotFoundError):
            return (self._folder / "told").stat().st_size
        return 0

    @property
    def is_caught_up(self) -> bool:
        """Whether all that has been told is known here."""
        return self.size == self._read_to

    @property
    def is_told(self) -> bool:
        """Whether the end of every job has been told."""
        return self._left == 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be told or done."""
        return self.is_told and not (self._folder / "kept").exists()

    def released(self) -> None:
        """Note that the batch system keeps none of its jobs for us any more."""
        (self._folder / "kept").unlink(missing_ok=True)

    def catch_up(self) -> None:
        """Know what has been told, also by others; a journal that was lost knows nothing."""
        if self.size < self._read_to or self._left < 0:
            entry = self.entry()
            self._read_to, self._left = 0, len(entry.numbers) if entry else 0
            self.known, self.looked = {}, {}
        for after, event in self.told(self._read_to):
            self._learn(event)
            self._read_to = after

    def _learn(self, event: JobEvent) -> None:
        before, at = self.known.get(event.number), event.at.timestamp()
        was_over = before is not None and before.state.is_over
        self._left -= event.state.is_over and not was_over
        began = at if event.state is JobState.RUNNING else before.began if before else 0.0
        self.known[event.number] = Known(event.state, event.attempt, began, at)
        self.looked.pop(event.number, None)

    def tell(self, events: Iterable[JobEvent]) -> None:
        """Add events."""
        _append(self._folder / "told", [_line(event) for event in events])
        self.catch_up()

    def told(self, offset: int) -> Iterator[tuple[int, JobEvent]]:
        """Events from a place on, each with the place after it; its own is its `seen`."""
        with suppress(FileNotFoundError), (self._folder / "told").open("rb") as file:
            file.seek(offset)
            for line in file:
                # One that was cut off by a crash is written over by nobody: it ends where the next begins.
                if line.endswith(b"\n"):
                    with suppress(ValueError):
                        yield offset + len(line), _event(self._folder.name, offset, line)
                offset += len(line)

    def lay_aside(self, folder: Path) -> None:
        """Follow it no more, unless it is taken up again."""
        place = folder / self._folder.name
        folder.mkdir(exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        with suppress(FileNotFoundError):
            self._folder.rename(place)
            os.utime(place)


def in_order(told: Mapping[int, list[JobEvent]]) -> list[JobEvent]:
    """The events of one look at many jobs as they came about; clocks of batch systems show whole seconds."""
    keyed = []
    for events in told.values():
        started = max((e.at for e in events if e.state is JobState.RUNNING), default=_BEFORE)
        is_over = events[-1].state.is_over
        # What ended in a second ended before others began in it.
        keyed += [((e.at, started, not is_over), e) for e in events]
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]


def _line(event: JobEvent) -> str:
    told = {name: getattr(event, name) for name in _FIELDS if getattr(event, name) is not None}
    return json.dumps(told | {"at": event.at.isoformat()})


def _event(native_id: str, offset: int, line: bytes) -> JobEvent:
    told = json.loads(line)
    told |= {"state": JobState(told["state"]), "at": datetime.fromisoformat(told["at"])}
    return JobEvent(native_id=native_id, seen=offset, **told)


def _append(path: Path, lines: Sequence[str]) -> None:
    if lines:
        with path.open("ab") as file:
            # Whatever a crash has left unfinished becomes a line of its own.
            if file.tell() and not _ends_whole(path):
                file.write(b"\n")
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def write(path: Path, text: str) -> None:
    """Write a small file, synced."""
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def short(jobs: Sequence[int]) -> list[int] | dict[str, int]:
    """Numbers as they are written down: those without a gap as a range."""
    if jobs and [*jobs] == [*range(jobs[0], jobs[-1] + 1)]:
        return {"first": jobs[0], "last": jobs[-1]}
    return [*jobs]


def long(jobs: list[int] | dict[str, int]) -> Sequence[int]:
    """The numbers that were written down."""
    return range(jobs["first"], jobs["last"] + 1) if isinstance(jobs, dict) else jobs
