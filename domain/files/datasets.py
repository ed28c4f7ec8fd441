"""What may become a file of a dataset, and what is told later of one that is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unicodedata import category

from domain.files.locations import MOST_REPLICAS, check_location
from domain.findings import Finding
from domain.names import INVISIBLE, check_name, check_text

MOST_FILES = 1_000
MOST_FILE_NAME, MOST_OUTSIDE_NAME = 255, 500
MOST_METADATA = 10_000
MOST_NUMBER = 2**63 - 1
MOST_RUN = 2**31 - 1
EMBEDDED = "embedded"
"""The catalog of files that we know ourselves; all others are outside."""
STAGED = "staged"
"""In a file's metadata: true, on disk; false, on tape. A mark, which moves; all else that is told stays."""


def read_mark(metadata: Mapping[str, Any]) -> bool | None:
    """Whether a file is marked as staged; None: not marked."""
    marked = metadata.get(STAGED)
    return marked if isinstance(marked, bool) else None


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that somebody says is there, with what is known of it."""

    name: str
    size: int | None = None
    location: str | None = None
    checksum: str | None = None
    events: int | None = None
    run: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    catalog: str = EMBEDDED
    replicas: Sequence[str] = ()
    """Where else it lies."""

    @property
    def places(self) -> list[str]:
        """Where it lies, the first place first."""
        return [*([self.location] if self.location is not None else []), *self.replicas]


def check_files(files: Sequence[NewFile], folders: Sequence[Path]) -> list[Finding]:
    """All that is wrong with files which shall be added, at most one finding for each part."""
    return [
        Finding(f"files[{n}].{part}", said)
        for n, file in enumerate(files)
        for part, said in _check_file(file, folders)
    ]


def _check_file(file: NewFile, folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    yield from check_facts(file)
    if said := _check_place(file, folders):
        yield "location", said
    if said := _check_replicas(file.replicas, folders):
        yield "replicas", said


def check_facts(file: NewFile) -> Iterator[tuple[str, str]]:
    """What is wrong with what is said of a file, wherever it lies: which part, and why."""
    checks = {
        "name": check_file_name(file.name, file.catalog),
        "size": _check_number(file.size, MOST_NUMBER),
        "checksum": None if file.checksum is None else check_text(file.checksum, 200),
        "events": _check_number(file.events, MOST_NUMBER),
        "run": _check_number(file.run, MOST_RUN),
        "catalog": check_name(file.catalog),
    }
    return ((part, said) for part, said in checks.items() if said)


def _check_place(file: NewFile, folders: Sequence[Path]) -> str | None:
    if file.location is not None:
        return check_location(file.location, folders)
    if file.catalog == EMBEDDED:
        return "Say where it lies, or which other catalog knows it."
    return None


def _check_replicas(replicas: Sequence[str], folders: Sequence[Path]) -> str | None:
    if len(replicas) > MOST_REPLICAS:
        return f"At most {MOST_REPLICAS} other places of a file are kept."
    return next((said for place in replicas if (said := check_location(place, folders))), None)


def check_file_name(name: str, catalog: str = EMBEDDED) -> str | None:
    """What is wrong with the name of a file; outside catalogs may have slashes in theirs."""
    is_ours = catalog == EMBEDDED
    most = MOST_FILE_NAME if is_ours else MOST_OUTSIDE_NAME
    dots = {".", ".."} & ({name} if is_ours else set(name.split("/")))
    if not name or dots or len(name.encode(errors="replace")) > most:
        return f"A file's name has 1 to {most} bytes, and is neither . nor .. itself."
    if any(category(c) in INVISIBLE for c in name):
        return "A file's name has no slash and no control or invisible characters."
    if is_ours and "/" in name:
        return "A file's name has no slash, unless an outside catalog knows it (`catalog`)."
    return None


def _check_number(number: int | None, most: int) -> str | None:
    return (
        None
        if number is None or 0 <= number <= most
        else f"This is a whole number from 0 to {most}."
    )


@dataclass(frozen=True, slots=True)
class FileContradiction:
    """Something that is told of a file and contradicts what is known of it."""

    part: str
    known: Any
    told: Any


def compare_files(known: NewFile, told: NewFile) -> list[FileContradiction]:
    """Where two say different things of one file; what only one of them says is none."""
    pairs = {
        part: (getattr(known, part), getattr(told, part)) for part in ("size", "events", "run")
    }
    if not _is_same_checksum(known.checksum, told.checksum):
        pairs["checksum"] = known.checksum, told.checksum
    pairs["catalog"] = known.catalog, told.catalog
    for key in sorted((known.metadata.keys() & told.metadata.keys()) - {STAGED}):
        pairs[f"metadata.{key}"] = known.metadata[key], told.metadata[key]
    return [
        FileContradiction(part, one, other)
        for part, (one, other) in pairs.items()
        if one != other and one is not None and other is not None
    ]


def _is_same_checksum(one: str | None, other: str | None) -> bool:
    """Nothing contradicts that they are of the same bytes: sums of two kinds can't be compared."""
    if one is None or other is None:
        return True
    (kind, _, digits), (its_kind, _, its_digits) = (
        one.lower().partition(":"),
        other.lower().partition(":"),
    )
    return kind != its_kind or digits.lstrip("0") == its_digits.lstrip("0")


def fill_file(known: NewFile, told: NewFile) -> NewFile:
    """A file with all that is known and told of it; what was known stays, but for the mark that it is staged."""
    places = [*dict.fromkeys([*known.places, *told.places])]
    marked = {STAGED: told.metadata[STAGED]} if STAGED in told.metadata else {}
    return replace(
        known,
        size=told.size if known.size is None else known.size,
        checksum=told.checksum if known.checksum is None else known.checksum,
        events=told.events if known.events is None else known.events,
        run=told.run if known.run is None else known.run,
        metadata={**told.metadata, **known.metadata, **marked},
        location=next(iter(places), None),
        replicas=tuple(places[1 : MOST_REPLICAS + 1]),
    )


def list_filled_parts(before: NewFile, after: NewFile) -> list[str]:
    """What of a file is known after, and was not before."""
    parts = ("size", "checksum", "events", "run", "metadata", "location", "replicas")
    return [part for part in parts if _read_part(before, part) != _read_part(after, part)]


def _read_part(file: NewFile, part: str) -> Any:
    value = getattr(file, part)
    return list(value) if part == "replicas" else value


@dataclass(frozen=True, slots=True)
class ToldFiles:
    """Files by name, each with all that a list tells of it, and where the list contradicts itself."""

    by_name: Mapping[str, NewFile]
    findings: Sequence[Finding]


def merge_files(files: Sequence[NewFile]) -> ToldFiles:
    """What a list tells: of a file that is in it twice, both."""
    merged: dict[str, NewFile] = {}
    findings = []
    for n, file in enumerate(files):
        before = merged.get(file.name)
        if before is None:
            merged[file.name] = file
            continue
        findings += [
            Finding(f"files[{n}].{d.part}", f"{file.name!r} is in the list with another {d.part}.")
            for d in compare_files(before, file)
        ]
        merged[file.name] = fill_file(before, file)
    return ToldFiles(merged, findings)
