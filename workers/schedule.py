"""Launch stages by the clock: each due time once, whatever dies when."""

from datetime import UTC, datetime

from db import schedules, slices
from db.slices import Refusal
from db.taking import Asked
from domain.queue import IfBusy
from domain.schedules import next_time
from workers.points import around
from workers.tools import Tools


async def step(tools: Tools) -> bool:
    """Take one turn that is due; false when none is.

    The launch and the schedule's move to its next time are one transaction. Turns that were missed
    while nothing ran are taken once, not once each. Of a stage whose launches wait, one waits for the clock.
    """
    async with (
        around("schedule.turn"),
        tools.db.acquire() as conn,
        conn.transaction(),
    ):
        due = await schedules.due(conn)
        if due is None:
            return False
        outcome = await slices.launch_next(
            conn, due.stage_id, Asked(due.person_id, if_busy=IfBusy.QUEUE_ONE)
        )
        said = "Launched." if outcome.submission else outcome.why
        later = next_time(due.cron, due.zone, datetime.now(UTC))
        active = outcome.refusal is not Refusal.EXHAUSTED
        await schedules.done(conn, due.stage_id, later, said, active=active)
    await tools.tell([outcome.submission] if outcome.submission else [])
    return True
