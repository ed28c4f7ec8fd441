"""Events as lines of a journal, and the places between them: what is no such line is passed over, and told of."""

import json
import logging
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from batch import JobEvent
from domain.submissions.jobs import JobState

_log = logging.getLogger(__name__)
_INTEGERS = frozenset(("number", "attempt", "exit_code", "signal", "code", "subcode"))
_NUMBERS = frozenset(("cpu_s", "wall_s", "memory_mb"))
_TEXTS = frozenset(("text", "site", "slot"))
_LARGEST = 1 << 31
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_BEFORE = 256


def format_event(event: JobEvent) -> str:
    """The line of an event, without native id and place: those are the journal's."""
    names = sorted(_INTEGERS | _NUMBERS | _TEXTS)
    told = {name: getattr(event, name) for name in names if getattr(event, name) is not None}
    return json.dumps(told | {"state": event.state, "at": event.at.isoformat()})


def parse_event(native_id: str, sequence: int, line: bytes | dict[str, Any]) -> JobEvent | None:
    """The event of a line; None where there is none in it that could be applied."""
    try:
        told = json.loads(line) if isinstance(line, bytes) else line
        given = {
            name: _check_value(name, value) for name, value in told.items() if value is not None
        }
        at, state = datetime.fromisoformat(told["at"]), JobState(told["state"])
        if at.tzinfo is None or at.year < 1970:
            return None
        kept = {name: value for name, value in given.items() if name in JobEvent._fields}
        return JobEvent(
            **kept | {"native_id": native_id, "sequence": sequence, "at": at, "state": state}
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _check_value(name: str, value: Any) -> Any:
    if name in _INTEGERS and not (type(value) is int and -_LARGEST <= value < _LARGEST):
        raise ValueError(name)
    if name in _NUMBERS:
        return float(value)
    if name in _TEXTS:
        # Of what jobs and people write, the database takes all but these.
        return _UNSTORABLE.sub("\ufffd", value)
    return value


def read_whole_lines(file: BinaryIO, offset: int) -> Iterator[tuple[int, bytes]]:
    """Lines that have an end, from an offset on, each with the offset after it."""
    file.seek(offset)
    for line in file:
        if not line.endswith(b"\n"):
            return  # being written, or cut off by a crash: whoever writes next ends it
        offset += len(line)
        yield offset, line


def report_damage(path: Path | str, offset: int) -> None:
    """Say that there is a line that nobody can read."""
    _log.warning("%s: the line that ends at byte %d is damaged, and is passed over", path, offset)


def hash_bytes_before(path: Path | str, offset: int) -> str:
    """Of the last bytes before an offset: another file, or this one cut and written on, differs there.

    Empty where the file is not so long, or not there.
    """
    with suppress(FileNotFoundError), open(path, "rb") as file:
        file.seek(max(0, offset - _BEFORE))
        before = file.read(min(offset, _BEFORE))
        if len(before) == min(offset, _BEFORE):
            return f"{zlib.crc32(before):08x}"
    return ""


def append_lines(path: Path, lines: Sequence[str]) -> None:
    """Add lines, synced."""
    if lines:
        with path.open("ab") as file:
            # Whatever a crash has left unfinished becomes a line of its own.
            if file.tell() and not _has_final_newline(path):
                file.write(b"\n")
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())


def _has_final_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
