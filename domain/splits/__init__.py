"""How a stage's work is cut into slices: each launch takes the next one and moves the cursor.

A split is data: what it is called, which parameters it takes, and a rule, which is pure: from the
arguments, the cursor and what there is to work on to the next slice. Contiguous rules make ranges of
ordinals (or of a generator's indices); rules by key list their files.
"""

from typing import Any

from domain.splits.generators import listed
from domain.splits.kinds import KINDS
from domain.splits.looks import Source, Steps, Taken
from domain.splits.reading import Split, SplitError, parse

__all__ = [
    "KINDS",
    "Source",
    "Split",
    "SplitError",
    "Steps",
    "Taken",
    "listed",
    "next_slice",
    "parse",
]


def next_slice(split: Split, cursor: Any, source: Source) -> Steps:
    """The slice that comes next, or None when there is nothing left: the end of a number of looks."""
    rule = split.kind.of_generators if source.generates else split.kind.of_files
    if rule is None:
        return None
    return (yield from rule(split.arguments, int(cursor), source))
