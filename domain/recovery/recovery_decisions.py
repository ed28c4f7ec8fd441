"""Whether a recovery of a stage's list is launched, and with how much more than what it recovers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.setup.recovery_rules import RecoveryRule
from domain.setup.resources import MOST_RESOURCE

MOST_GROWTH = 16.0


@dataclass(frozen=True, slots=True)
class RecoveryTurn:
    """Which entry of the list, and which round of it."""

    position: int
    round: int


class RecoveryDecision(StrEnum):
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


def decide_recovery(rule: RecoveryRule, taken: int, everything: int) -> RecoveryDecision:
    """Whether that many of so many files (of a generator: units) are worth this recovery."""
    if not taken:
        return RecoveryDecision.NOTHING
    if taken * 100 < rule.least_share * everything:
        return RecoveryDecision.TOO_LITTLE
    if taken * 100 > rule.most_share * everything:
        return RecoveryDecision.TOO_MUCH
    return RecoveryDecision.LAUNCH


def multiply_resources(
    given: Mapping[str, int], factors: Mapping[str, float], round_: int
) -> dict[str, int]:
    """Resources times their factors, once more in each round; at most 16 times what they were."""

    def times(name: str, value: int) -> int:
        factor = min(factors.get(name, 1.0) ** (round_ + 1), MOST_GROWTH)
        return min(max(math.ceil(value * factor), 1), MOST_RESOURCE)

    return {name: times(name, value) for name, value in given.items()}
