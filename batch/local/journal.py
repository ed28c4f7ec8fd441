"""What the runner says of its jobs: lines that are only ever appended, in generations."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from batch.local.folder import JOURNAL_BYTES, KEPT_GENERATIONS, Folder, stamp, sync, visible
from batch.local.processes import boot_id

Line = dict[str, Any]
_LINE_BYTES = 100_000
_START = (1, 0, False)


def generations(folder: Folder) -> list[int]:
    """The generations that are there, oldest first."""
    try:
        return sorted(int(name) for name in visible(folder.journal) if name.isdigit())
    except FileNotFoundError:
        return []


def _path(folder: Folder, generation: int) -> str:
    return f"{folder.journal}/{generation:08d}"


class Journal:
    """The writing end; there is one, since there is one runner."""

    def __init__(self, folder: Folder, bytes_: int = JOURNAL_BYTES) -> None:
        self._folder, self._most = folder, bytes_
        self._waiting: list[bytes] = []
        self.generation = max(generations(folder), default=0)
        if self.generation == 0:
            self._begin([])
        else:
            self._open()

    def _open(self) -> None:
        self._fd = os.open(_path(self._folder, self.generation), os.O_RDWR | os.O_APPEND)
        # A writer that was killed may have left half a line: nobody has read it, nobody will.
        size = os.fstat(self._fd).st_size
        end = os.pread(self._fd, _LINE_BYTES, max(0, size - _LINE_BYTES))
        if not end.endswith(b"\n"):
            os.ftruncate(self._fd, size - len(end) + end.rfind(b"\n") + 1)
        self.size = os.fstat(self._fd).st_size

    def _begin(self, states: Iterable[Line]) -> None:
        path = _path(self._folder, self.generation + 1)
        part = f"{self._folder.journal}/.{self.generation + 1}"
        with open(part, "wb") as file:
            file.write(_line({"generation": self.generation + 1, "boot": boot_id()}))
            file.writelines(_line({"at": stamp(), **state, "again": True}) for state in states)
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, path)
        sync(self._folder.journal)
        self.generation += 1
        self._open()

    def replay(self) -> Iterator[Line]:
        """All that decides what is true now: a generation begins with what was true before it."""
        with open(_path(self._folder, self.generation), "rb") as file:
            yield from map(json.loads, file)

    @property
    def is_full(self) -> bool:
        """True when the next generation should begin."""
        return self.size > self._most

    def rotate(self, states: Iterable[Line]) -> None:
        """Begin the next generation with the states of all jobs."""
        self.flush()
        os.close(self._fd)
        self._begin(states)

    def write(self, **event: object) -> None:
        """Say one thing, at the next flush."""
        self._waiting.append(_line({name: v for name, v in event.items() if v is not None}))

    def flush(self) -> None:
        """Append what is waiting, and make it last."""
        data = b"".join(self._waiting)
        self._waiting.clear()
        self.size += len(data)
        while data:
            data = data[os.write(self._fd, data) :]
            if not data:
                os.fdatasync(self._fd)

    def close(self) -> None:
        """Leave the file; the starters must not keep it."""
        os.close(self._fd)


def _line(value: Line) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


class Place:
    """How far a reader has come, and whether it must be told all states again."""

    def __init__(self, read_to: str | None) -> None:
        self.generation, self.offset, self.again = _START
        if read_to is not None:
            generation, offset = read_to.rstrip("!").split(":")
            self.generation, self.offset = int(generation), int(offset)
            self.again = read_to.endswith("!")

    def __str__(self) -> str:
        return f"{self.generation}:{self.offset}{'!' * self.again}"

    @property
    def seen(self) -> int:
        """Grows along the journal."""
        return (self.generation << 40) + self.offset


def read(folder: Folder, place: Place, bound: int) -> tuple[list[tuple[int, Line]], bool]:
    """Up to `bound` lines past the place, which moves; True: there is more to read at once."""
    lines: list[tuple[int, Line]] = []
    while len(lines) < bound:
        # Asked before reading: a generation that has a successor is written no more.
        after = [each for each in generations(folder) if each > place.generation]
        _read_one(folder, place, bound, lines, has_successor=bool(after))
        if len(lines) >= bound:
            return lines, True
        if not after:
            return lines, False
        place.generation, place.offset = after[0], 0
    return lines, True


def _read_one(
    folder: Folder, place: Place, bound: int, lines: list[tuple[int, Line]], *, has_successor: bool
) -> None:
    try:
        file = open(_path(folder, place.generation), "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        place.again = True
        return
    with file:
        if place.offset > os.fstat(file.fileno()).st_size:
            # What was read before a power failure is gone: the next generation tells all states.
            place.again = True
            if not has_successor:
                raise EOFError(f"journal {place.generation} is shorter than what was read of it")
            return
        file.seek(place.offset)
        for line in file:
            if len(lines) >= bound or not line.endswith(b"\n"):
                return
            place.offset += len(line)
            _take(place, json.loads(line), lines)


def _take(place: Place, value: Line, lines: list[tuple[int, Line]]) -> None:
    if "native_id" in value and (place.again or not value.get("again")):
        lines.append((place.seen, value))
    if "native_id" in value and not value.get("again"):
        place.again = False


def drop_read(folder: Folder, place: Place) -> None:
    """Remove generations far enough behind what the reader has committed."""
    for each in generations(folder):
        if each < place.generation - KEPT_GENERATIONS:
            with suppress(FileNotFoundError):
                os.unlink(_path(folder, each))
