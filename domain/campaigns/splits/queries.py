"""What a rule is given, what it may look up on its way, and what it ends with.

A rule is a generator: it yields looks, is sent what was found, and returns the slice. Whoever runs it
answers from the database, from a list, or from anything else; what is decided, is decided in the rule.
"""

from collections.abc import Generator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class SplitSource:
    """What there is to cut: the dataset's files, or what a generator can make."""

    head: int = 0
    """Ordinals 0 … head-1 are there; a look finds no others."""
    generates: bool = False
    parameter_lists: Sequence[Sequence[str]] = ()
    jobs_per_slice: int = 1
    events_per_job: int = 1
    now: int = 0
    """Seconds since 1970."""
    zone: str | None = None
    """The stage's own clocks; None: the machine's."""
    besides: frozenset[int] = frozenset()
    """Runs all of whose files count as taken: those of slices that are only thought of."""


@dataclass(frozen=True, slots=True)
class TakenSlice:
    """The next slice: a range of ordinals low … high-1 or listed ones, and where the cursor goes."""

    low: int
    high: int
    cursor: int
    parameter: str | None = None
    listed: Sequence[int] | None = None
    """The files, where they are chosen by a key; low and high are 0 then."""
    key: str | None = None
    """By what they were chosen; no two slices of an epoch have the same one."""
    run: int | None = None
    exclusive: bool = True
    """No other slice of the epoch has any of it."""
    missing: int = 0
    """How many files were left out of it, since their catalog has them no more, or otherwise."""

    @property
    def files(self) -> int:
        """How many files (or indices of a generator) it has."""
        return self.high - self.low if self.listed is None else len(self.listed)

    def leave_out(self, missing: Set[int]) -> "TakenSlice":
        """The same without these ordinals; what is left of a range is listed."""
        if not missing:
            return self
        all_ = range(self.low, self.high) if self.listed is None else self.listed
        key = self.key if self.listed is not None else f"{self.low}-{self.high}"
        left = [ordinal for ordinal in all_ if ordinal not in missing]
        return replace(
            self,
            low=0,
            high=0,
            listed=left,
            key=key if self.exclusive else None,
            missing=self.files - len(left),
        )


@dataclass(frozen=True, slots=True)
class NextRun:
    """The lowest run from `low` to below `below` that has files; found: the run, or None."""

    low: int
    below: int


@dataclass(frozen=True, slots=True)
class UntakenRun:
    """The first file from ordinal `low` with a run that is none of `but`, and in no slice of the epoch.

    Found: its ordinal and its run, or None.
    """

    low: int
    but: frozenset[int]


@dataclass(frozen=True, slots=True)
class OfRun:
    """The files of a run that are in no slice of the epoch; found: their ordinals, rising."""

    run: int


@dataclass(frozen=True, slots=True)
class FirstTime:
    """The earliest time of a file after `after` up to `upto`; found: seconds since 1970, or None."""

    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class InWindow:
    """The files after `after` up to `upto`; found: their ordinals, in the order of their times."""

    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class StagedFiles:
    """The ordinals of at most `most` staged files, as they were staged, from place `place`."""

    place: int
    most: int


@dataclass(frozen=True, slots=True)
class FileWeights:
    """The `bytes` or `events` of at most `most` files from ordinal `low`; found: numbers in order."""

    low: int
    most: int
    of: str


@dataclass(frozen=True, slots=True)
class JoinedFiles:
    """The files of what was complete as the `place`-th for a stage that joins; found: ordinals, or None."""

    place: int


Look = NextRun | UntakenRun | OfRun | FirstTime | InWindow | StagedFiles | FileWeights | JoinedFiles
Arguments = Mapping[str, Any]
"""What stands between a split's parentheses, by name: whole numbers, names of time zones, None."""
Steps = Generator[Look, Any, TakenSlice | None]
