"""Launch stages by the clock: each due time once, whatever dies when."""

from datetime import UTC, datetime

from db import schedules, slices
from db.slices import Outcome, Refusal
from db.taking import Asked
from domain.queue import IfBusy
from domain.schedules import turn
from domain.submissions import SubmissionState
from workers.points import around
from workers.tools import Tools

SKIPPED = Outcome(why="Missed, and not launched afterwards.")


async def step(tools: Tools) -> bool:
    """Take one turn that is due; false when none is.

    The launch and the schedule's move to its next time are one transaction. Where a launch of the stage
    waits already, a turn launches nothing: one waits, not one for each turn.
    """
    async with (
        around("schedule.turn"),
        tools.db.acquire() as conn,
        conn.transaction(),
    ):
        due = await schedules.due(conn)
        if due is None:
            return False
        taken = turn(due.cron, due.zone, due.catch_up, due.next_at, datetime.now(UTC))
        asked = Asked(due.person_id, if_busy=IfBusy.QUEUE_ONE)
        outcome = await slices.launch_next(conn, due.stage_id, asked) if taken.launches else SKIPPED
        over = due.until_exhausted and outcome.refusal is Refusal.EXHAUSTED
        await schedules.done(conn, due.stage_id, taken.next_at, said(outcome), active=not over)
    await tools.tell([outcome.submission] if outcome.submission else [])
    return True


def said(outcome: Outcome) -> str:
    """What came of a turn, for people."""
    if outcome.submission is None:
        return outcome.why
    return "It waits." if outcome.submission.state is SubmissionState.QUEUED else "Launched."
