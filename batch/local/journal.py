"""What the runner says of its jobs: lines that are only ever appended, in generations."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from batch import JobEvent
from batch.event_lines import hash_bytes_before, parse_event, read_whole_lines, report_damage
from batch.local.folder import (
    JOURNAL_BYTES,
    KEPT_GENERATIONS,
    RunnerFolder,
    format_current_time,
    list_visible_names,
    sync_folder,
)
from batch.local.processes import read_boot_id

Line = dict[str, Any]
_LINE_BYTES = 100_000
_START = (1, 0, False)


def list_generations(folder: RunnerFolder) -> list[int]:
    """The generations that are there, oldest first."""
    try:
        return sorted(int(name) for name in list_visible_names(folder.journal) if name.isdigit())
    except FileNotFoundError:
        return []


def _locate_generation(folder: RunnerFolder, generation: int) -> str:
    return f"{folder.journal}/{generation:08d}"


class RunnerJournal:
    """The writing end; there is one, since there is one runner."""

    def __init__(self, folder: RunnerFolder, bytes_: int = JOURNAL_BYTES) -> None:
        self._folder, self._most = folder, bytes_
        self._waiting: list[bytes] = []
        self.generation = max(list_generations(folder), default=0)
        if self.generation == 0:
            self._begin([])
        else:
            self._open()

    def _open(self) -> None:
        self._fd = os.open(
            _locate_generation(self._folder, self.generation), os.O_RDWR | os.O_APPEND
        )
        # A writer that was killed may have left half a line: nobody has read it, nobody will.
        size = os.fstat(self._fd).st_size
        end = os.pread(self._fd, _LINE_BYTES, max(0, size - _LINE_BYTES))
        if not end.endswith(b"\n"):
            os.ftruncate(self._fd, size - len(end) + end.rfind(b"\n") + 1)
        self.size = os.fstat(self._fd).st_size

    def _begin(self, states: Iterable[Line]) -> None:
        self.generation = max([self.generation, *list_generations(self._folder)])
        path = _locate_generation(self._folder, self.generation + 1)
        part = f"{self._folder.journal}/.{self.generation + 1}"
        with open(part, "wb") as file:
            file.write(_encode_line({"generation": self.generation + 1, "boot": read_boot_id()}))
            file.writelines(
                _encode_line({"at": format_current_time(), **state, "again": True})
                for state in states
            )
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, path)
        sync_folder(self._folder.journal)
        self.generation += 1
        self._open()

    def replay(self) -> Iterator[Line]:
        """All that decides what is true now: a generation begins with what was true before it."""
        with open(_locate_generation(self._folder, self.generation), "rb") as file:
            for after, line in read_whole_lines(file, 0):
                if (value := _parse_line(line)) is None:
                    report_damage(file.name, after)
                else:
                    yield value

    @property
    def is_full(self) -> bool:
        """True when the next generation should begin."""
        return self.size > self._most

    @property
    def is_lost(self) -> bool:
        """True when somebody has cut the file or put another in its place: what is written there nobody reads."""
        own = os.fstat(self._fd)
        try:
            there = os.stat(_locate_generation(self._folder, self.generation))
        except FileNotFoundError:
            return True
        return own.st_size < self.size or (own.st_dev, own.st_ino) != (there.st_dev, there.st_ino)

    def rotate(self, states: Iterable[Line]) -> None:
        """Begin the next generation with the states of all jobs."""
        if not self.is_lost:
            self.flush()
        os.close(self._fd)
        self._begin(states)

    def write(self, **event: object) -> None:
        """Say one thing, at the next flush."""
        self._waiting.append(_encode_line({name: v for name, v in event.items() if v is not None}))

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


def _encode_line(value: Line) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


class RunnerJournalOffset:
    """How far a reader has come, and whether it must be told all states again."""

    def __init__(self, read_to: str | None) -> None:
        self.generation, self.offset, self.again = _START
        self.checksum, self.base = "", 0
        """Of what is before the offset; and the generations of the journals that were there before this one."""
        if read_to is not None:
            generation, offset, *more = read_to.rstrip("!").split(":")
            self.generation, self.offset = int(generation), int(offset)
            if more:
                self.checksum, self.base = more[0], int(more[1])
            self.again = read_to.endswith("!")

    def __str__(self) -> str:
        return f"{self.generation}:{self.offset}:{self.checksum}:{self.base}{'!' * self.again}"

    @property
    def sequence(self) -> int:
        """Grows along the journal, and from one journal to another that takes its place."""
        return ((self.base + self.generation) << 40) + self.offset

    def move(self, generation: int, *, is_another: bool = False) -> None:
        """Go on at the start of a generation; `is_another`: of a journal that has taken this one's place."""
        self.base += self.generation if is_another else 0
        self.generation, self.offset, self.checksum = generation, 0, ""


def read_events(
    folder: RunnerFolder, place: RunnerJournalOffset, bound: int
) -> tuple[list[JobEvent], bool]:
    """Up to `bound` events past the place, which moves; True: there is more to read at once."""
    events: list[JobEvent] = []
    if not _is_there(folder, place):
        _begin_again(folder, place)
    drop_read(folder, place)
    while len(events) < bound:
        # Asked before reading: a generation that has a successor is written no more.
        after = [each for each in list_generations(folder) if each > place.generation]
        _read_one(folder, place, bound, events)
        if len(events) >= bound or not after:
            place.checksum = hash_bytes_before(
                _locate_generation(folder, place.generation), place.offset
            )
            return events, len(events) >= bound
        place.move(after[0])
    return events, True


def _is_there(folder: RunnerFolder, place: RunnerJournalOffset) -> bool:
    """Whether what was read is still there, as it was read."""
    path = _locate_generation(folder, place.generation)
    found = hash_bytes_before(path, place.offset)
    return found == place.checksum if place.offset and place.checksum else bool(found)


def _begin_again(folder: RunnerFolder, place: RunnerJournalOffset) -> None:
    """Where another reading begins, which is told all states: at what came next, or in another journal."""
    there = list_generations(folder)
    after = [each for each in there if each > place.generation]
    place.again = True
    if after:
        place.move(after[0])
    elif place.generation in there:
        place.move(place.generation, is_another=True)
    elif there or place.offset:
        # Where there is none yet, the one that will be begins so; its lines are not where this place's were.
        place.move(there[0] if there else 1, is_another=True)


def _read_one(
    folder: RunnerFolder, place: RunnerJournalOffset, bound: int, events: list[JobEvent]
) -> None:
    path = _locate_generation(folder, place.generation)
    with suppress(FileNotFoundError), open(path, "rb") as file:
        for after, line in read_whole_lines(file, place.offset):
            if len(events) >= bound:
                return
            if (value := _parse_line(line)) is None:
                report_damage(path, after)
            elif "native_id" in value:
                events += _take_line(place, value)
            place.offset = after


def _parse_line(line: bytes) -> Line | None:
    """What a line says of a job or of its generation; None: it is damaged."""
    with suppress(ValueError, RecursionError):
        value = json.loads(line)
        if isinstance(value, dict) and ("native_id" not in value or _parse_journal_event(0, value)):
            return value
    return None


def _parse_journal_event(sequence: int, value: Line) -> JobEvent | None:
    native_id = value["native_id"]
    return parse_event(native_id, sequence, value) if isinstance(native_id, str) else None


def _take_line(place: RunnerJournalOffset, value: Line) -> Iterator[JobEvent]:
    is_told = place.again or not value.get("again")
    place.again = place.again and bool(value.get("again"))
    event = _parse_journal_event(place.sequence, value)
    if is_told and event is not None:
        yield event


def drop_read(folder: RunnerFolder, place: RunnerJournalOffset) -> None:
    """Remove generations far enough behind what the reader has committed."""
    for each in list_generations(folder):
        if each < place.generation - KEPT_GENERATIONS:
            with suppress(FileNotFoundError):
                os.unlink(_locate_generation(folder, each))
