"""Moving a stage's cursor by hand: where it may stand, and when that begins a new epoch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.campaigns.splits.parameters import LATEST
from domain.campaigns.splits.queries import Arguments, SplitSource
from domain.campaigns.splits.reading import Split

MOST_INDEX = 2**31 - 2
"""Of generators: subruns have 31 bits."""

LAST: Mapping[str, Callable[[Arguments], int]] = {
    "mod": lambda arguments: int(arguments["m"]),
    "byrun": lambda arguments: int(arguments["high"]),
    "new": lambda _: LATEST,
}
"""The last place of a cursor that counts something else than files."""


@dataclass(frozen=True, slots=True)
class SplitPosition:
    """How far a stage's work is cut: the epoch, and the cursor in it."""

    epoch: int
    cursor: int


def find_last_position(split: Split, source: SplitSource) -> int:
    """The last place where the cursor of this split may stand."""
    if source.generates:
        return MOST_INDEX // source.jobs_per_slice
    rule = LAST.get(split.kind.same_as or split.name)
    return source.head if rule is None else rule(split.arguments)


def compute_moved_position(now: SplitPosition, to: int) -> SplitPosition:
    """Where it is then: what is taken in an epoch is taken once, so that going back begins the next one."""
    return SplitPosition(now.epoch, to) if to >= now.cursor else compute_next_epoch(now, to)


def compute_next_epoch(now: SplitPosition, to: int = 0) -> SplitPosition:
    """The next epoch; those of test launches count down from -1."""
    return SplitPosition(now.epoch + (1 if now.epoch > 0 else -1), to)
