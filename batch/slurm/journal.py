"""One folder for each launch that is followed: what it is, what was asked of it, and what was told of its jobs."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from batch import JobEvent
from batch.slurm.queue import Task
from batch.slurm.story import Known
from domain.jobs import JobState

_FIELDS = frozenset(each.name for each in fields(JobEvent)) - {"native_id", "seen"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a native id stands for: arrays, which together have a task for each job."""

    native_id: str
    mark: str
    directory: Path
    numbers: Sequence[int]
    bases: Mapping[int, int]
    """Array → what is added to its tasks' ids to get numbers."""

    def place(self, number: int) -> tuple[int, int]:
        """The array and task of a job."""
        array = max((base, array) for array, base in self.bases.items() if base <= number)[1]
        return array, number - self.bases[array]


class Journal:
    """The folder of one launch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_to, self.known = 0, dict[int, Known]()
        self._entry: Entry | None = None
        self.looked: dict[int, tuple[Task, bool]] = {}

    def make(self, entry: Entry) -> None:
        """Begin to follow a launch, whole or not at all; once more changes nothing."""
        if self._folder.exists():
            return
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        told = asdict(entry) | {"directory": str(entry.directory)}
        told |= {"numbers": _short(entry.numbers), "bases": list(entry.bases.items())}
        making = Path(tempfile.mkdtemp(prefix=".", dir=self._folder.parent))
        _write(making / "entry", json.dumps(told))
        with suppress(OSError):
            making.rename(self._folder)
        shutil.rmtree(making, ignore_errors=True)

    def entry(self) -> Entry | None:
        """What is followed; None: not any more."""
        if self._entry and self._folder.exists():
            return self._entry
        try:
            told = json.loads((self._folder / "entry").read_text())
        except FileNotFoundError:
            return None
        told |= {"directory": Path(told["directory"]), "numbers": _long(told["numbers"])}
        self._entry = Entry(**{**told, "bases": dict(told["bases"])})
        return self._entry

    @property
    def is_open(self) -> bool:
        """Whether the gate has been opened."""
        return (self._folder / "open").exists()

    def opened(self) -> None:
        """Note that the gate is open."""
        _write(self._folder / "open", "")

    def ask(self, verb: str, reason: str, numbers: Sequence[int] | None) -> None:
        """Note what is about to be asked of Slurm, which keeps no reasons."""
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

    def catch_up(self) -> None:
        """Know what has been told, also by others; a journal that was lost knows nothing."""
        if self.size < self._read_to:
            self._read_to, self.known, self.looked = 0, {}, {}
        for after, event in self.told(self._read_to):
            self.known[event.number] = Known(event.state, event.attempt)
            self.looked.pop(event.number, None)
            self._read_to = after

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
        """Follow it no more, unless it is taken up again; of two with one id the later is kept."""
        place = folder / self._folder.name
        folder.mkdir(exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        with suppress(FileNotFoundError):
            self._folder.rename(place)
            os.utime(place)


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


def _write(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _short(jobs: Sequence[int]) -> list[int] | dict[str, int]:
    numbers = sorted(jobs)
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return {"first": numbers[0], "last": numbers[-1]}
    return numbers


def _long(jobs: list[int] | dict[str, int]) -> Sequence[int]:
    return range(jobs["first"], jobs["last"] + 1) if isinstance(jobs, dict) else jobs
