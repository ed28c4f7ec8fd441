"""The recoveries that a stage lists: of which type, with what, how often, and when they are worth it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.findings import Finding, check_length, check_pairs, check_patterns
from domain.setup.resources import RESOURCES

MOST_ROUNDS, MOST_DEPTH = 10, 10
MOST_RULES = 20
LEAST_FACTOR, MOST_FACTOR = 0.1, 10.0


class RecoveryType(StrEnum):
    """Which files a recovery takes: the rules are in `domain.recovery.verdicts`; the first five by POMS's names."""

    CONSUMED_STATUS = "consumed_status"
    PROCESS_STATUS = "process_status"
    ADDED_FILES = "added_files"
    DELIVERED_NOT_CONSUMED = "delivered_not_consumed"
    PENDING_FILES = "pending_files"
    FAILED = "failed"
    ORPHANS = "orphans"
    ALL = "all"


TYPES = sorted(RecoveryType)


@dataclass(frozen=True, slots=True)
class RecoveryRule:
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
    """Of `pending_files`: globs that descendants match; none: those that completion wants."""
    depth: int = 1
    """Of `pending_files`: how many steps down these descendants are."""


def read_recovery_rules(found: Sequence[Any]) -> list[RecoveryRule]:
    """Read the list as it is stored: checked when it was saved, so that it is right here."""
    return [read_recovery_rule(e) for e in found]


def read_recovery_rule(found: Mapping[str, Any]) -> RecoveryRule:
    """Read one of them."""
    rest = {name: found[name] for name in RecoveryRule.__dataclass_fields__ if name in found}
    return RecoveryRule(found["type"], **rest)


def list_rule_problems(found: Any) -> list[str]:
    """What is wrong with a list of recoveries that somebody wants to save."""
    if not isinstance(found, list):
        return ["Recoveries are a list."]
    return [p for n, e in enumerate(found, 1) for p in _check_entry(n, e)]


def _check_entry(n: int, entry: Any) -> list[str]:
    if not isinstance(entry, dict) or entry.get("type") not in TYPES:
        return [f"Recovery {n}: the type is one of {', '.join(TYPES)}."]
    said = _check_entry_numbers(entry) + _check_factors(entry.get("factors", {}))
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


def _check_entry_numbers(entry: Mapping[str, Any]) -> list[str]:
    found = {name: entry.get(name, default) for name, (_, _, default) in BOUNDS.items()}
    said = [
        f"{name} is a whole number from {low} to {high}."
        for name, (low, high, _) in BOUNDS.items()
        if type(found[name]) is not int or not low <= found[name] <= high
    ]
    if not said and found["least_share"] > found["most_share"]:
        said.append("least_share is at most most_share.")
    return said


def _check_factors(found: Any) -> list[str]:
    if not isinstance(found, dict) or not found.keys() <= set(RESOURCES):
        return [f"factors are of {', '.join(RESOURCES)}."]
    if not all(
        type(f) in (int, float) and LEAST_FACTOR <= f <= MOST_FACTOR for f in found.values()
    ):
        return [f"a factor is a number from {LEAST_FACTOR} to {MOST_FACTOR:g}."]
    return []


def _is_pair(found: Any) -> bool:
    return isinstance(found, list) and len(found) == 2 and all(isinstance(t, str) for t in found)


def check_recovery_rules(path: str, found: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """An ordered list of recoveries."""
    yield from check_length(path, found, MOST_RULES)
    yield from (Finding(path, said) for said in list_rule_problems(list(found[:MOST_RULES])))
    for n, entry in enumerate(found[:MOST_RULES]):
        yield from check_pairs(f"{path}[{n}].overrides", entry.get("overrides", []))
        yield from check_patterns(f"{path}[{n}].patterns", entry.get("patterns", []))
