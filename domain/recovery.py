"""What of a submission is done again, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.files import Outcome

MOST_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Kind:
    """Which inputs a recovery takes, by their outcome; of a generator: units whose job did not succeed."""

    outcomes: frozenset[Outcome]


KINDS: dict[str, Kind] = {
    "consumed_status": Kind(frozenset({Outcome.NONE, Outcome.FAILED})),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One recovery of a stage's ordered list: its kind, overrides, and how many rounds of it at most."""

    kind: str
    overrides: list[list[str]] = field(default_factory=list)
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """Which entry of the list, and which round of it."""

    position: int
    round: int


def entries(found: Sequence[Any]) -> list[Entry]:
    """Read the list as it is stored: checked when it was saved, so that it is right here."""
    return [
        Entry(e["type"], [list(p) for p in e.get("overrides", [])], int(e.get("rounds", 1)))
        for e in found
    ]


def problems(found: Any) -> list[str]:
    """What is wrong with a list of recoveries that somebody wants to save."""
    if not isinstance(found, list):
        return ["Recoveries are a list."]
    return [p for n, e in enumerate(found, 1) for p in _problems_of(n, e)]


def _problems_of(n: int, entry: Any) -> list[str]:
    if not isinstance(entry, dict) or entry.get("type") not in KINDS:
        return [f"Recovery {n}: the type is one of {', '.join(sorted(KINDS))}."]
    said = []
    rounds, overrides = entry.get("rounds", 1), entry.get("overrides", [])
    if type(rounds) is not int or not 1 <= rounds <= MOST_ROUNDS:
        said.append(f"Recovery {n}: rounds is a whole number from 1 to {MOST_ROUNDS}.")
    if not isinstance(overrides, list) or not all(_is_pair(p) for p in overrides):
        said.append(f"Recovery {n}: overrides are pairs of texts.")
    return said


def _is_pair(found: Any) -> bool:
    return isinstance(found, list) and len(found) == 2 and all(isinstance(t, str) for t in found)
