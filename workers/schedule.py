"""Launch stages by the clock: each due time once, whatever dies when."""

from db.campaigns import schedules
from db.clock import read_time
from db.launching import launch_rights, slices
from db.launching.slice_claims import LaunchRequest
from db.launching.slices import LaunchOutcome, LaunchRefusal
from domain.campaigns.schedules import decide_turn
from domain.changes import ServicePart
from domain.launching.queue import IfBusy
from domain.submissions.submissions import SubmissionState
from workers.failpoints import wrap_failpoints
from workers.setbacks import hold_thing
from workers.tools import WorkerTools

SKIPPED = LaunchOutcome(why="Missed, and not launched afterwards.")


async def take_turn(tools: WorkerTools) -> bool:
    """Take one turn that is due; false when none is.

    The launch and the schedule's move to its next time are one transaction. Where a launch of the stage
    waits already, a turn launches nothing: one waits, not one for each turn.
    """
    outcome = SKIPPED
    async with (
        hold_thing(tools, "schedule") as thing,
        wrap_failpoints("schedule.turn"),
        tools.db.acquire() as conn,
        conn.transaction(),
    ):
        due = await schedules.lock_due_schedule(conn)
        if due is None:
            return False
        thing.name(f"stage:{due.stage_id}", stage_id=due.stage_id)
        taken = decide_turn(due.cron, due.zone, due.catch_up, due.next_at, await read_time(conn))
        if lack := await launch_rights.find_lack(conn, due.stage_id, due.person_id):
            await schedules.record_skipped_turn(
                conn, due, taken.next_at, f"Not launched. {lack.reason}"
            )
            return True
        asked = LaunchRequest(due.person_id, if_busy=IfBusy.QUEUE_ONE, part=ServicePart.SCHEDULE)
        outcome = await slices.launch_next(conn, due.stage_id, asked) if taken.launches else SKIPPED
        over = due.until_exhausted and outcome.refusal is LaunchRefusal.EXHAUSTED
        await schedules.record_turn(
            conn, due, taken.next_at, describe_outcome(outcome), active=not over
        )
    # What failed was rolled back.
    made = None if thing.has_failed else outcome.submission
    await tools.tell([made] if made else [])
    return True


def describe_outcome(outcome: LaunchOutcome) -> str:
    """What came of a turn, for people."""
    if outcome.submission is None:
        return outcome.why
    return "It waits." if outcome.submission.state is SubmissionState.QUEUED else "Launched."
