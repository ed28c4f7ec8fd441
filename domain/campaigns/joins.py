"""Stages that join: which submissions of the stages upstream belong together, and when one is launched."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.campaigns.splits.reading import SplitError, parse_split

JOINED = "joined"
"""The split of a stage that joins: each slice is what belongs together."""


class JoinKey(StrEnum):
    """By what submissions of the stages upstream belong together."""

    LINEAGE = "lineage"
    """The same original files: those from which, over any number of steps, what they worked on was made."""
    PARAMETER = "parameter"
    """The same parameter of a generator."""
    KEY = "key"
    """The same key of their slices: a run, a bucket, a window of time."""
    NUMBER = "number"
    """The same number of their slices."""
    ORDER = "order"
    """The first of each, the second of each, and so on, as they come."""


@dataclass(frozen=True, slots=True)
class JoinFacts:
    """What is known of a submission upstream."""

    submission_id: int
    parameter: str | None
    key: str | None
    number: int
    lineage: str | None


def find_key(by: JoinKey, facts: JoinFacts) -> str:
    """What a submission belongs to: equal for those that go together."""
    match by:
        case JoinKey.LINEAGE:
            return facts.lineage or f"submission:{facts.submission_id}"
        case JoinKey.PARAMETER:
            return facts.parameter or ""
        case JoinKey.KEY:
            return facts.key or ""
        case JoinKey.NUMBER:
            return str(facts.number)
        case JoinKey.ORDER:
            return ""


def is_complete(parents: Collection[int], there: Collection[int]) -> bool:
    """One of each parent has come: what they made is launched as one."""
    return set(parents) <= set(there)


def find_join_key(split: str) -> JoinKey | None:
    """By what a stage with this split joins; None: it doesn't join, or the split can't be read."""
    try:
        found = parse_split(split)
    except SplitError:
        return None
    return JoinKey(str(found.arguments["by"])) if found.name == JOINED else None


@dataclass(frozen=True, slots=True)
class JoinedSubmission:
    """A submission upstream: by which dependency it comes, to what it belongs, and whether it is there."""

    dependency_id: int
    submission_id: int
    key: str
    turn: int | None = None
    """Which of its stage's it is among those that belong to the same; None: it hasn't come yet."""


Row = tuple[str, int]
"""What belongs together: the key, and the turn."""


def build_table(
    arrived: Iterable[JoinedSubmission],
    coming: Iterable[JoinedSubmission],
    come: Mapping[tuple[int, str], int],
) -> dict[Row, list[JoinedSubmission]]:
    """Who goes with whom: those that have come, and behind them, in their order, those that may.

    `come` is how many have come so far, by dependency and key.
    """
    rows: dict[Row, list[JoinedSubmission]] = {}
    turns = Counter(come)
    for parent in arrived:
        rows.setdefault((parent.key, parent.turn or 0), []).append(parent)
    for parent in coming:
        next_ = parent.dependency_id, parent.key
        rows.setdefault((parent.key, turns[next_]), []).append(parent)
        turns[next_] += 1
    return rows
