"""Launch what a submission left undone, by its stage's ordered recoveries."""

from collections.abc import Sequence

from db.pool import Connection
from db.recovery import recoveries, recovery_attempts
from db.recovery.recoveries import PreparedRecovery
from db.recovery.recovery_attempts import RecoveryOutcome
from db.submissions import decisions
from db.submissions.submissions import Submission
from domain.changes import ServicePart, make_service_actor
from domain.recovery.advances import RECOVERABLE, list_turns
from domain.recovery.recovery_decisions import RecoveryDecision, RecoveryTurn, decide_recovery
from domain.setup.recovery_rules import RecoveryRule, read_recovery_rules
from workers.failpoints import wrap_failpoints


async def launch_next_recovery(
    conn: Connection, submission: Submission, family: Sequence[Submission]
) -> Submission | None:
    """Queue the next recovery that finds something to do; None when there is none.

    Runs in the transaction that notes that the submission has been advanced: both happen, or neither. Where
    a recovery would take more than it may by itself, a person is asked, and nothing follows.
    """
    if submission.state not in RECOVERABLE:
        return None
    last = _read_turn(submission)
    if submission.origin_id is not None and last is None:
        return None
    for entry, turn in list_turns(read_recovery_rules(submission.runs_with.recoveries), last):
        async with wrap_failpoints("recover.launch"):
            outcome, recovery = await _launch_if_decided(conn, family, entry, turn)
            place = turn.position, turn.round
            await recovery_attempts.record(conn, family[0].id, entry.kind, place, outcome)
        if outcome.decision is RecoveryDecision.TOO_MUCH:
            await decisions.ask_person(
                conn,
                family[0].id,
                _format_question(entry, outcome),
                make_service_actor(ServicePart.ADVANCE),
            )
        if outcome.decision in (RecoveryDecision.TOO_MUCH, RecoveryDecision.LAUNCH):
            return recovery
    return None


async def _launch_if_decided(
    conn: Connection, family: Sequence[Submission], entry: RecoveryRule, turn: RecoveryTurn
) -> tuple[RecoveryOutcome, Submission | None]:
    ready = await recoveries.prepare_recovery(conn, family, entry, turn.round)
    if not isinstance(ready, PreparedRecovery):
        return RecoveryOutcome(RecoveryDecision.NOT_LAUNCHABLE), None
    plan = await recoveries.plan_recovery(conn, ready)
    result = decide_recovery(entry, plan.files_taken, plan.everything)
    recovery = (
        await recoveries.launch_recovery(conn, ready, turn)
        if result is RecoveryDecision.LAUNCH
        else None
    )
    outcome = RecoveryOutcome(
        result, plan.files_taken, plan.everything, recovery.id if recovery else None
    )
    return outcome, recovery


def _format_question(entry: RecoveryRule, outcome: RecoveryOutcome) -> str:
    return (
        f"{entry.kind} would do {outcome.taken_count} of {outcome.total_count} again, and by itself at most "
        f"{entry.most_share} %: launch a recovery by hand, or let it be."
    )


def _read_turn(submission: Submission) -> RecoveryTurn | None:
    if submission.recovery_position is None or submission.round is None:
        return None
    return RecoveryTurn(submission.recovery_position, submission.round)
