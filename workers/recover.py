"""Launch what a submission left undone, by its stage's ordered recoveries."""

from collections.abc import Sequence

from db import recoveries
from db.pool import Connection
from db.submissions import Submission
from domain.advances import RECOVERABLE, turns
from domain.recovery import Turn, entries
from workers.points import around


async def launch(
    conn: Connection, submission: Submission, family: Sequence[Submission]
) -> Submission | None:
    """Queue the next recovery that finds something to do; None when there is none.

    Runs in the transaction that notes that the submission has been advanced: both happen, or neither.
    """
    if submission.state not in RECOVERABLE:
        return None
    last = _turn(submission)
    for entry, turn in turns(entries(submission.configuration["recoveries"]), last):
        async with around("recover.launch"):
            made = await recoveries.launch(conn, submission, entry, turn, len(family))
        if made is not None:
            return made
    return None


def _turn(submission: Submission) -> Turn | None:
    if submission.recovery_position is None or submission.round is None:
        return None
    return Turn(submission.recovery_position, submission.round)
