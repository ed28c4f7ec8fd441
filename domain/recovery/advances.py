"""What follows when a submission is over: recovery, dependents, or another look later."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.recovery.recovery_decisions import RecoveryTurn
from domain.setup.recovery_rules import RecoveryRule
from domain.submissions.submissions import SubmissionState

RECOVERABLE = frozenset(
    {
        SubmissionState.COMPLETED,
        SubmissionState.LOCATED,
        SubmissionState.FAILED,
        SubmissionState.LAUNCH_FAILED,
    }
)
"""What somebody cancelled or removed is not done again by itself."""

MADE_UP_FOR = frozenset(
    {
        SubmissionState.FAILED,
        SubmissionState.LAUNCH_FAILED,
        SubmissionState.CANCELLED,
        SubmissionState.REMOVED,
    }
)
"""An origin that ended so becomes located when its recoveries have made up for it."""


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """What is asked of each submission of a family."""

    state: SubmissionState
    advanced: bool
    is_recovery: bool = False
    missing: int = 0
    """Outputs that were declared and not seen."""
    left: int = 0
    """Inputs that are not done."""


def may_become_located(member: FamilyMember, family: Sequence[FamilyMember]) -> bool:
    """What completed, and an origin that didn't but was recovered, or left nothing to recover."""
    if member.state is SubmissionState.COMPLETED:
        return True
    if member.is_recovery:
        return False
    return member.state in MADE_UP_FOR and (len(family) > 1 or has_failed_done(member, family))


def has_failed_done(member: FamilyMember, family: Sequence[FamilyMember]) -> bool:
    """Its jobs failed once all was done, over their walltime in the last second, say: no recovery finds anything.

    All of its results have to be there then, not only as many as suffice.
    """
    return member.state is SubmissionState.FAILED and len(family) == 1 and member.left == 0


def is_compensated(member: FamilyMember, origin: FamilyMember) -> bool:
    """What a recovery left undone itself was done by later ones, when its origin is located after all."""
    return (
        member.is_recovery
        and not member.missing
        and member.state is SubmissionState.COMPLETED
        and origin.state is SubmissionState.LOCATED
    )


def list_turns(
    given: Sequence[RecoveryRule], last: RecoveryTurn | None
) -> list[tuple[RecoveryRule, RecoveryTurn]]:
    """The recoveries to try next, in their order; one that finds nothing to do gives way to the next."""
    found: list[tuple[RecoveryRule, RecoveryTurn]] = []
    position = -1 if last is None else last.position
    if last is not None and position < len(given) and last.round + 1 < given[position].rounds:
        found.append((given[position], RecoveryTurn(position, last.round + 1)))
    found += [(entry, RecoveryTurn(n, 0)) for n, entry in enumerate(given) if n > position]
    return found


def may_fire(origin: FamilyMember, family: Sequence[FamilyMember]) -> bool:
    """Dependents are launched once the origin is located and no recovery may add to what they get."""
    return origin.state is SubmissionState.LOCATED and all(
        m.advanced and not m.state.is_live for m in family
    )


FIRST_LOOK_S, LAST_LOOK_S, GIVE_UP_S = 1.0, 3600.0, 14 * 86400.0


def look_again_s(age_s: float) -> float | None:
    """How long until declared outputs are looked for again: ever less often, for two weeks."""
    if age_s > GIVE_UP_S:
        return None
    return min(max(FIRST_LOOK_S, age_s / 4), LAST_LOOK_S)
