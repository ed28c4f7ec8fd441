"""The next slice of a stage, by the rule of its split."""

from typing import Any

from domain.campaigns.splits.queries import SplitSource, Steps
from domain.campaigns.splits.reading import Split


def choose_next_slice(split: Split, cursor: Any, source: SplitSource) -> Steps:
    """The slice that comes next, or None when there is nothing left: the end of a number of looks."""
    rule = split.kind.of_generators if source.generates else split.kind.of_files
    if rule is None:
        return None
    return (yield from rule(split.arguments, int(cursor), source))
