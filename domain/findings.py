"""What is wrong with an input, and where: everything at once, so that it can be mended at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from domain.names import MOST_WORD, check_pattern, check_text

MOST_PAIRS, MOST_PATTERNS = 200, 50


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where: a path like `stages[2].split`."""

    path: str
    message: str


def make_camel_case(name: str) -> str:
    """A field's name as clients write it: `files_per_job` → `filesPerJob`."""
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def make_finding(path: str, said: str | None) -> Iterator[Finding]:
    """At most one finding: nothing said is nothing wrong."""
    if said:
        yield Finding(path, said)


def check_length(path: str, items: Sequence[object], most: int) -> Iterator[Finding]:
    """Too many entries in a list."""
    if len(items) > most:
        yield Finding(path, f"At most {most} entries are kept here, these are {len(items)}.")


def check_range(path: str, number: int | None, low: int, high: int) -> Iterator[Finding]:
    """A number out of its range."""
    if number is not None and not low <= number <= high:
        yield Finding(path, f"This is a whole number from {low} to {high}, not {number}.")


def check_pairs(path: str, found: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """Parameters or keywords: [key, value] pairs of text, of which one may be empty."""
    yield from check_length(path, found, MOST_PAIRS)
    for n, (key, value) in enumerate(found[:MOST_PAIRS]):
        said = check_text(key, MOST_WORD) or check_text(value, MOST_WORD)
        if not key and not value:
            said = "A parameter has a key, a value or both."
        yield from make_finding(f"{path}[{n}]", said)


def check_patterns(path: str, found: Sequence[str], *, like: bool = False) -> Iterator[Finding]:
    """Globs; also patterns of LIKE, where those are read."""
    yield from check_length(path, found, MOST_PATTERNS)
    for n, pattern in enumerate(found[:MOST_PATTERNS]):
        said = None if like or "%" not in pattern else "This is a glob: write * for %."
        yield from make_finding(f"{path}[{n}]", check_pattern(pattern) or said)


def check_duplicates(path: str, names: Iterable[str]) -> Iterator[Finding]:
    """Names that stand in a list more than once."""
    seen: set[str] = set()
    for n, name in enumerate(names):
        if name in seen:
            yield Finding(path.format(n), f"{name[:100]!r} is in the list more than once.")
        seen.add(name)
