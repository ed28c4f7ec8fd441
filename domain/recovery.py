"""Recoveries as a stage lists them: of which type, with what, how often, and when they are worth it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.jobs import MOST_RESOURCE, Resources
from domain.verdicts import KINDS

MOST_ROUNDS, MOST_DEPTH = 10, 10
LEAST_FACTOR, MOST_FACTOR, MOST_GROWTH = 0.1, 10.0, 16.0
FACTORS = tuple(Resources.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One recovery of a stage's ordered list."""

    kind: str
    overrides: list[list[str]] = field(default_factory=list)
    """Parameters that win over all others."""
    rounds: int = 1
    """How often it is tried."""
    factors: Mapping[str, float] = field(default_factory=dict)
    """What each resource is multiplied with, once more in each round."""
    least_share: int = 0
    most_share: int = 100
    """In percent: it is worth it from the one to the other; beyond it somebody is asked."""
    patterns: list[str] = field(default_factory=list)
    """Of `pending_files`: globs that descendants match; none: those of the job type."""
    depth: int = 1
    """Of `pending_files`: how many steps down these descendants are."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Which entry of the list, and which round of it."""

    position: int
    round: int


class Worth(StrEnum):
    """What comes of a recovery."""

    LAUNCH = "launch"
    """It was launched."""
    NOTHING = "nothing"
    """No file was for it."""
    TOO_LITTLE = "too_little"
    """The files were under its least share."""
    TOO_MUCH = "too_much"
    """They were over its most share: somebody was asked, and no other entry was tried."""
    NOT_LAUNCHABLE = "not_launchable"
    """The stage is inactive, or its command has a keyword that stands for nothing."""


def worth(entry: Entry, taken: int, everything: int) -> Worth:
    """Whether that many of so many files (of a generator: units) are worth this recovery."""
    if not taken:
        return Worth.NOTHING
    if taken * 100 < entry.least_share * everything:
        return Worth.TOO_LITTLE
    if taken * 100 > entry.most_share * everything:
        return Worth.TOO_MUCH
    return Worth.LAUNCH


def grown(given: Mapping[str, int], factors: Mapping[str, float], round_: int) -> dict[str, int]:
    """Resources times their factors, once more in each round; at most 16 times what they were."""

    def times(name: str, value: int) -> int:
        factor = min(factors.get(name, 1.0) ** (round_ + 1), MOST_GROWTH)
        return min(max(math.ceil(value * factor), 1), MOST_RESOURCE)

    return {name: times(name, value) for name, value in given.items()}


def entries(found: Sequence[Any]) -> list[Entry]:
    """Read the list as it is stored: checked when it was saved, so that it is right here."""
    return [entry(e) for e in found]


def entry(found: Mapping[str, Any]) -> Entry:
    """Read one of them."""
    rest = {name: found[name] for name in Entry.__dataclass_fields__ if name in found}
    return Entry(found["type"], **rest)


def problems(found: Any) -> list[str]:
    """What is wrong with a list of recoveries that somebody wants to save."""
    if not isinstance(found, list):
        return ["Recoveries are a list."]
    return [p for n, e in enumerate(found, 1) for p in _problems_of(n, e)]


def _problems_of(n: int, entry: Any) -> list[str]:
    if not isinstance(entry, dict) or entry.get("type") not in KINDS:
        return [f"Recovery {n}: the type is one of {', '.join(sorted(KINDS))}."]
    said = _wrong_numbers(entry) + _wrong_factors(entry.get("factors", {}))
    overrides, patterns = entry.get("overrides", []), entry.get("patterns", [])
    if not isinstance(overrides, list) or not all(_is_pair(p) for p in overrides):
        said.append("overrides are pairs of texts.")
    if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
        said.append("patterns are texts.")
    if (patterns or entry.get("depth", 1) != 1) and entry["type"] != "pending_files":
        said.append("only pending_files has patterns and a depth.")
    return [f"Recovery {n}: {each}" for each in said]


BOUNDS = {
    "rounds": (1, MOST_ROUNDS, 1),
    "depth": (1, MOST_DEPTH, 1),
    "least_share": (0, 100, 0),
    "most_share": (1, 100, 100),
}


def _wrong_numbers(entry: Mapping[str, Any]) -> list[str]:
    found = {name: entry.get(name, default) for name, (_, _, default) in BOUNDS.items()}
    said = [
        f"{name} is a whole number from {low} to {high}."
        for name, (low, high, _) in BOUNDS.items()
        if type(found[name]) is not int or not low <= found[name] <= high
    ]
    if not said and found["least_share"] > found["most_share"]:
        said.append("least_share is at most most_share.")
    return said


def _wrong_factors(found: Any) -> list[str]:
    if not isinstance(found, dict) or not found.keys() <= set(FACTORS):
        return [f"factors are of {', '.join(FACTORS)}."]
    if not all(
        type(f) in (int, float) and LEAST_FACTOR <= f <= MOST_FACTOR for f in found.values()
    ):
        return [f"a factor is a number from {LEAST_FACTOR} to {MOST_FACTOR:g}."]
    return []


def _is_pair(found: Any) -> bool:
    return isinstance(found, list) and len(found) == 2 and all(isinstance(t, str) for t in found)
