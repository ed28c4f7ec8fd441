"""Looking at whether files are there: which of them, and what was found, in numbers and by a few examples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SAMPLE = 1_000
"""So many are looked at where not all are."""
PART = 500
MOST_EXAMPLES = 20


class SightingKind(StrEnum):
    """What a look at a file finds."""

    THERE = "there"
    MISSING = "missing"
    OTHER_SIZE = "other_size"
    ON_TAPE = "on_tape"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FileSighting:
    """What was found where a file is said to lie."""

    kind: SightingKind
    text: str = ""


def list_sampled_ordinals(
    low: int, high: int, listed: Sequence[int] | None, *, is_whole: bool
) -> Iterator[Sequence[int]]:
    """The ordinals to look at, in parts: all, or a sample that lies evenly among them, the first and last with it."""
    among = range(low, high) if listed is None else listed
    number = len(among)
    if not is_whole and number > SAMPLE:
        among = [among[n * (number - 1) // (SAMPLE - 1)] for n in range(SAMPLE)]
    return (among[at : at + PART] for at in range(0, len(among), PART))


@dataclass(slots=True)
class FileCheckTally:
    """What was found so far."""

    counts: dict[SightingKind, int] = field(default_factory=lambda: dict.fromkeys(SightingKind, 0))
    examples: list[dict[str, Any]] = field(default_factory=list)
    """The first files that are not as they should be."""

    def add(self, name: str, location: str | None, found: FileSighting) -> None:
        """Count one."""
        self.counts[found.kind] += 1
        is_wrong = found.kind in (SightingKind.MISSING, SightingKind.OTHER_SIZE)
        if is_wrong and len(self.examples) < MOST_EXAMPLES:
            self.examples.append({"name": name, "location": location, "problem": found.text})

    @property
    def looked(self) -> int:
        """At how many."""
        return sum(self.counts.values())
