"""Why a launch waits: holds, limits, and those before it. Nothing in its way: it begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_PRIORITY = 1000


def wrong_priority(priority: int | None) -> str | None:
    """What is wrong with a priority, or nothing."""
    if priority is None or abs(priority) <= MOST_PRIORITY:
        return None
    return f"A priority is a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}."


class Scope(StrEnum):
    """Of how much something holds."""

    STAGE = "stage"
    CAMPAIGN = "campaign"
    EXPERIMENT = "experiment"
    EVERYTHING = "everything"


class IfBusy(StrEnum):
    """What becomes of a launch that can't begin at once."""

    QUEUE = "queue"
    """It waits, with its slice, exactly as it was asked for."""
    QUEUE_ONE = "queue_one"
    """It waits, unless another launch of the stage waits already: then nothing is launched."""
    REFUSE = "refuse"
    """Nothing is launched."""


class WaitingKind(StrEnum):
    """What a launch waits for."""

    INACTIVE = "inactive"
    """Its stage or campaign launches nothing any more, until it is activated or the launch cancelled."""
    LAUNCH_HOLD = "launch_hold"
    """Somebody holds launches; it begins once they are released."""
    LIMIT = "limit"
    """As many submissions or jobs as there may be are not over yet."""
    TURN = "turn"
    """Others are before it, or it is next."""


class Counted(StrEnum):
    """What a limit counts."""

    SUBMISSIONS = "submissions"
    """Submissions that are launched and not over."""
    JOBS = "jobs"
    """Their jobs that are not over."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody holds launches."""

    id: int
    scope: Scope
    name: str
    by: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Limit:
    """How many there may be at once, and how many there are."""

    scope: Scope
    name: str
    counts: Counted
    most: int
    used: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that can be in the way of the launches of a stage."""

    active: bool = True
    holds: Sequence[Hold] = ()
    limits: Sequence[Limit] = ()
    waiting: int = 0
    """How many launches of the stage wait."""
    before: int = 0
    """How many launches wait that come first."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that is in the way."""

    kind: WaitingKind
    reason: str
    hold: Hold | None = None
    limit: Limit | None = None


NEXT = Blocker(WaitingKind.TURN, "It is next.")
"""What is said of a launch that nothing is in the way of any more."""


def blockers(facts: Facts, jobs: int) -> list[Blocker]:
    """All that is in the way of a launch with so many jobs, what a person can change first."""
    return [*_inactive(facts), *_holds(facts), *_limits(facts, jobs), *_turn(facts)]


def _inactive(facts: Facts) -> Iterator[Blocker]:
    if not facts.active:
        yield Blocker(WaitingKind.INACTIVE, "The stage or its campaign is inactive.")


def _holds(facts: Facts) -> Iterator[Blocker]:
    for hold in facts.holds:
        of = f"{hold.scope} {hold.name}".strip()
        said = f"{hold.by} holds launches of {of}: {hold.reason}"
        yield Blocker(WaitingKind.LAUNCH_HOLD, said, hold=hold)


def _limits(facts: Facts, jobs: int) -> Iterator[Blocker]:
    for limit in facts.limits:
        more = jobs if limit.counts is Counted.JOBS else 1
        if limit.used + more > limit.most:
            of = f"{limit.scope} {limit.name}"
            said = f"{of} has {limit.used} of at most {limit.most} {limit.counts} that are not over"
            needs = f", and this needs {more}." if limit.counts is Counted.JOBS else "."
            yield Blocker(WaitingKind.LIMIT, said + needs, limit=limit)


def _turn(facts: Facts) -> Iterator[Blocker]:
    if facts.before:
        said = "1 launch comes" if facts.before == 1 else f"{facts.before} launches come"
        yield Blocker(WaitingKind.TURN, f"{said} before it.")
