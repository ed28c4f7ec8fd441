"""What may become a file of a dataset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from unicodedata import category

from domain.findings import Finding
from domain.names import INVISIBLE, wrong_text

MOST_FILES = 1_000
MOST_FILE_NAME = 255
MOST_METADATA = 10_000
MOST_NUMBER = 2**63 - 1
MOST_RUN = 2**31 - 1


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that somebody says is there."""

    name: str
    size: int
    location: str
    checksum: str | None = None
    events: int | None = None
    run: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def problems(files: Sequence[NewFile], store: str) -> list[Finding]:
    """All that is wrong with files which shall be added, at most one finding for each part."""
    found = [
        Finding(f"files[{n}].{part}", said)
        for n, file in enumerate(files)
        for part, said in _wrong(file, store)
    ]
    return found + _contradictions(files)


def _wrong(file: NewFile, store: str) -> Iterator[tuple[str, str]]:
    checks = {
        "name": wrong_file_name(file.name),
        "size": _wrong_number(file.size, MOST_NUMBER),
        "checksum": None if file.checksum is None else wrong_text(file.checksum, 200),
        "events": None if file.events is None else _wrong_number(file.events, MOST_NUMBER),
        "run": None if file.run is None else _wrong_number(file.run, MOST_RUN),
        "location": wrong_location(file.location, store),
    }
    return ((part, said) for part, said in checks.items() if said)


def _contradictions(files: Sequence[NewFile]) -> list[Finding]:
    seen: dict[str, NewFile] = {}
    return [
        Finding(f"files[{n}].name", f"{file.name!r} is in the list with another size or checksum.")
        for n, file in enumerate(files)
        if not same(seen.setdefault(file.name, file), file)
    ]


def same(one: NewFile, other: NewFile) -> bool:
    """Nothing that is known of both contradicts that they are the same file."""
    sums = {one.checksum, other.checksum} - {None}
    return one.size == other.size and len(sums) <= 1


def wrong_file_name(name: str) -> str | None:
    """What is wrong with the name of a file."""
    if not name or name in (".", "..") or len(name.encode(errors="replace")) > MOST_FILE_NAME:
        return f"A file's name has 1 to {MOST_FILE_NAME} bytes, and is neither . nor .. itself."
    if "/" in name or any(category(c) in INVISIBLE for c in name):
        return "A file's name has no slash and no control or invisible characters."
    return None


def wrong_location(location: str, store: str) -> str | None:
    """What is wrong with a place: only files in the store can be looked at."""
    if len(location) > 4_000 or wrong_text(location, 4_000):
        return "A location has at most 4000 characters, and no NUL."
    path = PurePosixPath(location)
    if not path.is_absolute() or ".." in path.parts or location.startswith("//"):
        return "A location is an absolute path without `..` in it."
    if PurePosixPath(store) not in path.parents:
        return f"A location lies in the store, {store}."
    return None


def _wrong_number(number: int, most: int) -> str | None:
    return None if 0 <= number <= most else f"This is a whole number from 0 to {most}."
