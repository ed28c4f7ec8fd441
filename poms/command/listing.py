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

from poms.command.listing_forms import (
    convert_object,
    is_location,
    name_field,
    name_location,
    parse_line,
)
from poms.generated.input_types import FileInput

FIELDS = frozenset(
    ("name", "size", "location", "checksum", "events", "run", "metadata", "catalog", "replicas")
)
PLACE = re.compile(r"files\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file, and where it was told of."""

    place: str
    file: FileInput


@dataclass(frozen=True, slots=True)
class ListingProblem:
    """A place in the list that is no file, and why."""

    place: str
    why: str


def list_local_files(
    patterns: Sequence[str], *, checksum: bool
) -> Iterator[ListedFile | ListingProblem]:
    """Files of this machine, by globs; a pattern that finds nothing is wrong. Addresses stand for themselves."""
    for pattern in patterns:
        if is_location(pattern) and not pattern.startswith("/"):
            yield _build_given(pattern, {"name": name_location(pattern), "location": pattern})
            continue
        found = sorted(glob.iglob(pattern, recursive=True))
        if not found:
            yield ListingProblem(pattern, "There is no such file.")
        for path in map(Path, found):
            if path.is_file():
                yield _describe_file(path, checksum=checksum)


def _describe_file(path: Path, *, checksum: bool) -> ListedFile | ListingProblem:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest() if checksum else None
            size = path.stat().st_size
    except OSError as error:
        return ListingProblem(str(path), error.strerror or str(error))
    said = f"sha256:{digest}" if digest else None
    absolute = str(path.absolute())
    return _build_given(
        str(path), {"name": path.name, "size": size, "location": absolute, "checksum": said}
    )


def read_json_lines(
    lines: Iterable[str], catalog: str | None = None
) -> Iterator[ListedFile | ListingProblem]:
    """A JSON object per line, ours or SAM's, Rucio's or MetaCat's, or a list of them; empty lines are none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            yield ListingProblem(f"line {number}", f"not JSON: {error}")
            continue
        for each in found if isinstance(found, list) else [found]:
            if isinstance(each, dict):
                yield _build_given(f"line {number}", _name_catalog(convert_object(each), catalog))
            else:
                yield ListingProblem(f"line {number}", "not a JSON object")


def read_listing(
    lines: Iterable[str], catalog: str | None = None
) -> Iterator[ListedFile | ListingProblem]:
    """A file per line: its path or address, its name in an outside catalog, or a line of a listing of SAM or Rucio."""
    for number, line in enumerate(lines, 1):
        found = parse_line(line.strip())
        if found is None:
            continue
        if catalog is None and "location" not in found:
            why = "a name without a place: say with --catalog which catalog knows it"
            yield ListingProblem(f"line {number}", why)
            continue
        yield _build_given(f"line {number}", _name_catalog(found, catalog))


def _name_catalog(found: dict[str, Any], catalog: str | None) -> dict[str, Any]:
    return found if catalog is None else {**found, "catalog": catalog}


def read_csv_rows(
    lines: Iterable[str], catalog: str | None = None
) -> Iterator[ListedFile | ListingProblem]:
    """Columns by the names in the first line; other columns than POMS knows become metadata."""
    reader = csv.DictReader(lines)
    try:
        for row in reader:
            found = _name_catalog(_parse_columns(row), catalog)
            yield _build_given(f"line {reader.line_num}", found)
    except csv.Error as error:
        yield ListingProblem(f"line {reader.line_num}", str(error))


def _parse_columns(row: dict[str | Any, str | Any]) -> dict[str, Any]:
    row = {name_field(n) if isinstance(n, str) else n: v for n, v in row.items()}
    known: dict[str, Any] = {n: v for n, v in row.items() if n in FIELDS and v not in (None, "")}
    if "replicas" in known:
        known["replicas"] = known["replicas"].split()
    others = {n: v for n, v in row.items() if n not in FIELDS and n is not None and v}
    return {**known, **({"metadata": others} if others else {})}


def _build_given(place: str, found: dict[str, Any]) -> ListedFile | ListingProblem:
    strange = sorted(found.keys() - FIELDS)
    if strange:
        return ListingProblem(place, f"no field of a file: {', '.join(map(str, strange))}")
    try:
        return ListedFile(place, FileInput.model_validate(found))
    except ValidationError as error:
        said = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return ListingProblem(place, "; ".join(said))


def list_refused(answer: object, batch: Sequence[ListedFile]) -> dict[int, ListingProblem]:
    """Which of a batch POMS refused, by their place in it: what it found, or the one that differs."""
    found = [(f.path, f.message) for f in getattr(answer, "findings", ())]
    differs = [
        (d.field, f"it is known as {d.known}, not {d.told}")
        for d in getattr(answer, "differences", ())
    ]
    wrong: dict[int, ListingProblem] = {}
    for path, message in chain(found, differs):
        place = PLACE.match(path)
        if place and int(place[1]) not in wrong:
            n = int(place[1])
            wrong[n] = ListingProblem(batch[n].place, f"{path[place.end() + 1 :]}: {message}")
    return wrong
