"""How a stage's work is cut into slices: each launch takes the next one and moves the cursor.

A split is data: what it is called, which parameters it takes, and a pure function from the cursor and
what there is to work on to the next slice. Files of a dataset have ordinals 0 … head-1 that never
change, so that slices are ranges of ordinals; of a generator, ranges of its indices.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any


class SplitError(ValueError):
    """A split that can't be read: what is wrong, and at which character (from 0)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Source:
    """What there is to cut: the dataset's head, or the generator's parameter lists and jobs per slice."""

    head: int = 0
    generates: bool = False
    parameter_lists: Sequence[Sequence[str]] = ()
    jobs_per_slice: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """The next slice: ordinals low … high-1, its parameter, and where the cursor goes."""

    low: int
    high: int
    cursor: int
    parameter: str | None = None


Take = Callable[[Mapping[str, int], int, Source], Taken | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of splitting: the names of its whole-number parameters (all needed) and its rule."""

    parameters: tuple[str, ...]
    take: Take
    for_generators: bool
    for_files: bool


@dataclass(frozen=True, slots=True)
class Split:
    """A split as a stage has it, read from its text."""

    name: str
    arguments: Mapping[str, int]

    @property
    def kind(self) -> Kind:
        """What its name means."""
        return KINDS[self.name]


def _rest(_: Mapping[str, int], cursor: int, source: Source) -> Taken | None:
    """Take everything that has not been taken; of a generator, the next jobs, without end."""
    if source.generates:
        low = cursor * source.jobs_per_slice
        return Taken(low, low + source.jobs_per_slice, cursor + 1)
    return Taken(cursor, source.head, source.head) if cursor < source.head else None


def _n_files(arguments: Mapping[str, int], cursor: int, source: Source) -> Taken | None:
    """Take the next n files, fewer at the end."""
    high = min(cursor + arguments["n"], source.head)
    return Taken(cursor, high, high) if cursor < high else None


def combination(lists: Sequence[Sequence[str]], index: int) -> str:
    """The index-th combination, the first list changing fastest, joined by `_`."""
    chosen = []
    for values in lists:
        index, digit = divmod(index, len(values))
        chosen.append(values[digit])
    return "_".join(chosen)


def _multiparam(_: Mapping[str, int], cursor: int, source: Source) -> Taken | None:
    """Take the next combination of the parameter lists, with its jobs."""
    if not source.parameter_lists or cursor >= prod(map(len, source.parameter_lists)):
        return None
    low = cursor * source.jobs_per_slice
    parameter = combination(source.parameter_lists, cursor)
    return Taken(low, low + source.jobs_per_slice, cursor + 1, parameter)


KINDS: dict[str, Kind] = {
    "none": Kind((), _rest, for_generators=True, for_files=True),
    "nfiles": Kind(("n",), _n_files, for_generators=False, for_files=True),
    "drainingn": Kind(("n",), _n_files, for_generators=False, for_files=True),
    "multiparam": Kind((), _multiparam, for_generators=True, for_files=False),
}
"""`drainingn` differs from `nfiles` where a dataset grows or changes; ours only grow, at the end."""

FORM = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)?\s*(?:\((?P<inside>[^()]*)\)\s*)?$")
MOST = 10_000_000


def parse(text: str) -> Split:
    """Read `name` or `name(arguments)`; raises SplitError with the place of what is wrong."""
    found = FORM.match(text)
    if found is None:
        raise SplitError("A split is written name(arguments), for example nfiles(20).", 0)
    name = (found["name"] or "none").lower()
    if name not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise SplitError(f"There is no split {name!r}; there are {known}.", found.start("name"))
    inside = found["inside"] or ""
    start = found.start("inside") if found["inside"] is not None else len(text)
    given = _arguments(inside, start, KINDS[name].parameters)
    missing = [p for p in KINDS[name].parameters if p not in given]
    if missing:
        raise SplitError(f"{name} needs {', '.join(missing)}: a whole number from 1.", start)
    return Split(name, given)


def _arguments(inside: str, start: int, names: tuple[str, ...]) -> dict[str, int]:
    given: dict[str, int] = {}
    at = start
    for place, part in enumerate(inside.split(",") if inside.strip() else ()):
        key, equals, value = (p.strip() for p in part.rpartition("="))
        name = key if equals else (names[place] if place < len(names) else "")
        if name not in names or name in given:
            raise SplitError(f"Not an argument here: {part.strip()!r}.", at)
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= MOST:
            raise SplitError(f"{name} is a whole number from 1 to {MOST}, not {value!r}.", at)
        given[name] = int(value)
        at += len(part) + 1
    return given


def next_slice(split: Split, cursor: Any, source: Source) -> Taken | None:
    """The slice that comes next, or None when there is nothing left."""
    return split.kind.take(split.arguments, int(cursor), source)
