"""What is wrong with an input, and where: everything at once, so that it can be mended at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from domain import recovery
from domain.jobs import MOST_RESOURCE, Resources
from domain.names import MOST_WORD, wrong_pattern, wrong_text

MOST_PAIRS, MOST_PATTERNS, MOST_RECOVERIES = 200, 50, 20
RESOURCES = tuple(f.name for f in fields(Resources))


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where: a path like `stages[2].split`."""

    path: str
    message: str


def camel(name: str) -> str:
    """A field's name as clients write it: `files_per_job` → `filesPerJob`."""
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def finding(path: str, said: str | None) -> Iterator[Finding]:
    """At most one finding: nothing said is nothing wrong."""
    if said:
        yield Finding(path, said)


def bounded(path: str, items: Sequence[object], most: int) -> Iterator[Finding]:
    """Too many entries in a list."""
    if len(items) > most:
        yield Finding(path, f"At most {most} entries are kept here, these are {len(items)}.")


def whole(path: str, number: int | None, low: int, high: int) -> Iterator[Finding]:
    """A number out of its range."""
    if number is not None and not low <= number <= high:
        yield Finding(path, f"This is a whole number from {low} to {high}, not {number}.")


def pairs(path: str, found: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """Parameters or keywords: [key, value] pairs of text, of which one may be empty."""
    yield from bounded(path, found, MOST_PAIRS)
    for n, (key, value) in enumerate(found[:MOST_PAIRS]):
        said = wrong_text(key, MOST_WORD) or wrong_text(value, MOST_WORD)
        if not key and not value:
            said = "A parameter has a key, a value or both."
        yield from finding(f"{path}[{n}]", said)


def patterns(path: str, found: Sequence[str], *, like: bool = False) -> Iterator[Finding]:
    """Globs; also patterns of LIKE, where those are read."""
    yield from bounded(path, found, MOST_PATTERNS)
    for n, pattern in enumerate(found[:MOST_PATTERNS]):
        said = None if like or "%" not in pattern else "This is a glob: write * for %."
        yield from finding(f"{path}[{n}]", wrong_pattern(pattern) or said)


def resources(path: str, found: Mapping[str, Any]) -> Iterator[Finding]:
    """What a job may use: known names, whole numbers over 0."""
    for name, value in found.items():
        if name not in RESOURCES:
            yield Finding(f"{path}.{camel(name)}", f"A resource is one of {', '.join(RESOURCES)}.")
        elif type(value) is not int or not 1 <= value <= MOST_RESOURCE:
            yield Finding(
                f"{path}.{camel(name)}", f"This is a whole number from 1 to {MOST_RESOURCE}."
            )


def recoveries(path: str, found: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """An ordered list of recoveries."""
    yield from bounded(path, found, MOST_RECOVERIES)
    yield from (Finding(path, said) for said in recovery.problems(list(found[:MOST_RECOVERIES])))
    for n, entry in enumerate(found[:MOST_RECOVERIES]):
        yield from pairs(f"{path}[{n}].overrides", entry.get("overrides", []))
        yield from patterns(f"{path}[{n}].patterns", entry.get("patterns", []))


def doubled(path: str, names: Iterable[str]) -> Iterator[Finding]:
    """Names that stand in a list more than once."""
    seen: set[str] = set()
    for n, name in enumerate(names):
        if name in seen:
            yield Finding(path.format(n), f"{name[:100]!r} is in the list more than once.")
        seen.add(name)
