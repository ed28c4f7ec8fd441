"""Launch what a submission left undone, by its stage's ordered recoveries."""

from collections.abc import Sequence

from db import recoveries, tries
from db.pool import Connection
from db.recoveries import Ready
from db.submissions import Submission
from db.tries import Made
from domain.advances import RECOVERABLE, turns
from domain.recovery import Entry, Turn, Worth, entries, worth
from workers.points import around


async def launch(
    conn: Connection, submission: Submission, family: Sequence[Submission]
) -> Submission | None:
    """Queue the next recovery that finds something to do; None when there is none.

    Runs in the transaction that notes that the submission has been advanced: both happen, or neither. Where
    a recovery would take more than it may by itself, a person is asked, and nothing follows.
    """
    if submission.state not in RECOVERABLE:
        return None
    last = _turn(submission)
    if submission.origin_id is not None and last is None:
        return None
    for entry, turn in turns(entries(submission.configuration["recoveries"]), last):
        async with around("recover.launch"):
            made, recovery = await _try(conn, family, entry, turn)
            place = turn.position, turn.round
            await tries.note(conn, family[0].id, entry.kind, place, made)
        if made.result is Worth.TOO_MUCH:
            await tries.ask(conn, family[0].id, _question(entry, made))
        if made.result in (Worth.TOO_MUCH, Worth.LAUNCH):
            return recovery
    return None


async def _try(
    conn: Connection, family: Sequence[Submission], entry: Entry, turn: Turn
) -> tuple[Made, Submission | None]:
    ready = await recoveries.prepare(conn, family, entry, turn.round)
    if not isinstance(ready, Ready):
        return Made(Worth.NOT_LAUNCHABLE), None
    plan = await recoveries.plan(conn, ready)
    result = worth(entry, plan.taken, plan.everything)
    recovery = await recoveries.launch(conn, ready, turn) if result is Worth.LAUNCH else None
    made = Made(result, plan.taken, plan.everything, recovery.id if recovery else None)
    return made, recovery


def _question(entry: Entry, made: Made) -> str:
    return (
        f"{entry.kind} would do {made.taken} of {made.everything} again, and by itself at most "
        f"{entry.most_share} %: launch a recovery by hand, or let it be."
    )


def _turn(submission: Submission) -> Turn | None:
    if submission.recovery_position is None or submission.round is None:
        return None
    return Turn(submission.recovery_position, submission.round)
