"""Decides whether a launch waits, and why: who has to agree, holds, limits, and those before it.

Nothing in its way: it begins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_PRIORITY = 1000


def check_priority(priority: int | None) -> str | None:
    """What is wrong with a priority, or nothing."""
    if priority is None or abs(priority) <= MOST_PRIORITY:
        return None
    return f"A priority is a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}."


class LaunchScope(StrEnum):
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


class LaunchWaitKind(StrEnum):
    """What a launch waits for."""

    INACTIVE = "inactive"
    """Its stage or campaign launches nothing, until it is activated or the launch cancelled."""
    RIGHTS = "rights"
    """In whose name it would run may not launch it any more: it begins once they may, or it is handed over."""
    APPROVAL = "approval"
    """Somebody has still to agree to it; it begins once they have."""
    LAUNCH_HOLD = "launch_hold"
    """Somebody holds launches; it begins once they are released."""
    LIMIT = "limit"
    """As many submissions or jobs as there may be are not over yet."""
    TURN = "turn"
    """Others are before it, or it is next."""


class LimitUnit(StrEnum):
    """What a limit counts."""

    SUBMISSIONS = "submissions"
    """Submissions that are launched and not over."""
    JOBS = "jobs"
    """Their jobs that are not over."""


@dataclass(frozen=True, slots=True)
class ActiveHold:
    """Somebody holds launches."""

    id: int
    scope: LaunchScope
    name: str
    by: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ReachedLimit:
    """How many there may be at once, and how many there are."""

    scope: LaunchScope
    name: str
    counts: LimitUnit
    most: int
    used: int


@dataclass(frozen=True, slots=True)
class UnauthorisedLauncher:
    """In whose name something would run, who may not launch it."""

    username: str
    active: bool
    experiment_active: bool
    campaign: str

    @property
    def reason(self) -> str:
        """What is missing, and what to do."""
        if not self.experiment_active:
            return f"The experiment of {self.campaign} is inactive: a service admin activates it."
        lack = "may not sign in any more" if not self.active else f"may not launch {self.campaign}"
        return (
            f"It is in the name of {self.username}, who {lack}: "
            "a superuser hands it over (`handOver`) or gives them their rights back."
        )


@dataclass(frozen=True, slots=True)
class MissingApproval:
    """Who has still to agree, in words."""

    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """All that can be in the way of the launches of a stage."""

    active: bool = True
    launcher: UnauthorisedLauncher | None = None
    """Who may not launch it, in whose name it would run."""
    approval: MissingApproval | None = None
    """Who has still to agree to it."""
    holds: Sequence[ActiveHold] = ()
    limits: Sequence[ReachedLimit] = ()
    waiting: int = 0
    """How many launches of the stage wait."""
    before: int = 0
    """How many launches wait that come first."""


@dataclass(frozen=True, slots=True)
class LaunchBlocker:
    """One thing that is in the way."""

    kind: LaunchWaitKind
    reason: str
    hold: ActiveHold | None = None
    limit: ReachedLimit | None = None


NEXT = LaunchBlocker(LaunchWaitKind.TURN, "It is next.")
"""What is said of a launch that nothing is in the way of any more."""


def list_blockers(facts: QueueFacts, jobs: int) -> list[LaunchBlocker]:
    """All that is in the way of a launch with so many jobs, what a person can change first."""
    return [
        *_check_activity(facts),
        *_check_rights(facts),
        *_check_approval(facts),
        *_check_holds(facts),
        *_check_limits(facts, jobs),
        *_check_turn(facts),
    ]


def _check_activity(facts: QueueFacts) -> Iterator[LaunchBlocker]:
    if not facts.active:
        yield LaunchBlocker(
            LaunchWaitKind.INACTIVE,
            "The stage or its campaign is inactive: it begins once that is activated.",
        )


def _check_rights(facts: QueueFacts) -> Iterator[LaunchBlocker]:
    if facts.launcher:
        yield LaunchBlocker(LaunchWaitKind.RIGHTS, facts.launcher.reason)


def _check_approval(facts: QueueFacts) -> Iterator[LaunchBlocker]:
    for reason in facts.approval.reasons if facts.approval else ():
        yield LaunchBlocker(LaunchWaitKind.APPROVAL, reason)


def _check_holds(facts: QueueFacts) -> Iterator[LaunchBlocker]:
    for hold in facts.holds:
        of = f"{hold.scope} {hold.name}".strip()
        said = f"{hold.by} holds launches of {of}: {hold.reason}"
        yield LaunchBlocker(LaunchWaitKind.LAUNCH_HOLD, said, hold=hold)


def _check_limits(facts: QueueFacts, jobs: int) -> Iterator[LaunchBlocker]:
    for limit in facts.limits:
        more = jobs if limit.counts is LimitUnit.JOBS else 1
        if limit.used + more > limit.most:
            of = f"{limit.scope} {limit.name}"
            said = f"{of} has {limit.used} of at most {limit.most} {limit.counts} that are not over"
            needs = f", and this needs {more}." if limit.counts is LimitUnit.JOBS else "."
            yield LaunchBlocker(LaunchWaitKind.LIMIT, said + needs, limit=limit)


def _check_turn(facts: QueueFacts) -> Iterator[LaunchBlocker]:
    if facts.before:
        said = "1 launch comes" if facts.before == 1 else f"{facts.before} launches come"
        yield LaunchBlocker(LaunchWaitKind.TURN, f"{said} before it.")
