"""Lists of files that people have: on this machine, as lines of JSON, or as CSV."""

import csv
import glob
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from poms.generated.input_types import FileInput

FIELDS = frozenset({"name", "size", "location", "checksum", "events", "run", "metadata"})
PLACE = re.compile(r"files\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Given:
    """A file, and where it was told of."""

    place: str
    file: FileInput


@dataclass(frozen=True, slots=True)
class Wrong:
    """A place in the list that is no file, and why."""

    place: str
    why: str


def here(patterns: Sequence[str], *, checksum: bool) -> Iterator[Given | Wrong]:
    """Files of this machine, by globs; a pattern that finds nothing is wrong."""
    for pattern in patterns:
        found = sorted(glob.iglob(pattern, recursive=True))
        if not found:
            yield Wrong(pattern, "There is no such file.")
        for path in map(Path, found):
            if path.is_file():
                yield _file(path, checksum=checksum)


def _file(path: Path, *, checksum: bool) -> Given | Wrong:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest() if checksum else None
            size = path.stat().st_size
    except OSError as error:
        return Wrong(str(path), error.strerror or str(error))
    said = f"sha256:{digest}" if digest else None
    absolute = str(path.absolute())
    return _given(
        str(path), {"name": path.name, "size": size, "location": absolute, "checksum": said}
    )


def from_json(lines: Iterable[str]) -> Iterator[Given | Wrong]:
    """A JSON object per line; empty lines are none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            yield Wrong(f"line {number}", f"not JSON: {error}")
            continue
        if isinstance(found, dict):
            yield _given(f"line {number}", found)
        else:
            yield Wrong(f"line {number}", "not a JSON object")


def from_csv(lines: Iterable[str]) -> Iterator[Given | Wrong]:
    """Columns by the names in the first line; other columns than POMS knows become metadata."""
    reader = csv.DictReader(lines)
    try:
        for row in reader:
            yield _given(f"line {reader.line_num}", _columns(row))
    except csv.Error as error:
        yield Wrong(f"line {reader.line_num}", str(error))


def _columns(row: dict[str | Any, str | Any]) -> dict[str, Any]:
    known = {n: v for n, v in row.items() if n in FIELDS and v not in (None, "")}
    others = {n: v for n, v in row.items() if n not in FIELDS and n is not None and v}
    return {**known, **({"metadata": others} if others else {})}


def _given(place: str, found: dict[str, Any]) -> Given | Wrong:
    strange = sorted(found.keys() - FIELDS)
    if strange:
        return Wrong(place, f"no field of a file: {', '.join(map(str, strange))}")
    try:
        return Given(place, FileInput.model_validate(found))
    except ValidationError as error:
        said = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return Wrong(place, "; ".join(said))


def refused(answer: object, batch: Sequence[Given]) -> dict[int, Wrong]:
    """Which of a batch POMS refused, by their place in it: what it found, or the one that differs."""
    found = [(f.path, f.message) for f in getattr(answer, "findings", ())]
    differs = [(answer.field, answer.message)] if hasattr(answer, "field") else []  # type: ignore[attr-defined]
    wrong = {}
    for path, message in chain(found, differs):
        place = PLACE.match(path)
        if place:
            n = int(place[1])
            wrong[n] = Wrong(batch[n].place, f"{path[place.end() + 1 :]}: {message}")
    return wrong
