"""Moving a stage's cursor by hand: where it may stand, and when that begins a new epoch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.splits import Source, Split
from domain.splits.looks import Arguments
from domain.splits.parameters import LATEST

MOST_INDEX = 2**31 - 2
"""Of generators: subruns have 31 bits."""

LAST: Mapping[str, Callable[[Arguments], int]] = {
    "mod": lambda arguments: int(arguments["m"]),
    "byrun": lambda arguments: int(arguments["high"]),
    "new": lambda _: LATEST,
}
"""The last place of a cursor that counts something else than files."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a stage's work is cut: the epoch, and the cursor in it."""

    epoch: int
    cursor: int


def last(split: Split, source: Source) -> int:
    """The last place where the cursor of this split may stand."""
    if source.generates:
        return MOST_INDEX // source.jobs_per_slice
    rule = LAST.get(split.kind.same_as or split.name)
    return source.head if rule is None else rule(split.arguments)


def moved(now: Place, to: int) -> Place:
    """Where it is then: what is taken in an epoch is taken once, so that going back begins the next one."""
    return Place(now.epoch, to) if to >= now.cursor else begun_again(now, to)


def begun_again(now: Place, to: int = 0) -> Place:
    """The next epoch; those of test launches count down from -1."""
    return Place(now.epoch + (1 if now.epoch > 0 else -1), to)
