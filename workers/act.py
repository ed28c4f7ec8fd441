"""Carry out what people asked: remove, hold and release jobs where they run."""

from batch import BatchRefused, BatchUnavailable
from db import actions, endings, launches
from db import submissions as rows
from db.actions import Action
from db.submissions import Submission
from domain.jobs import Verb
from domain.submissions import AT_BATCH, SubmissionState
from workers.points import around
from workers.tools import Tools

NOT_LAUNCHED = [SubmissionState.QUEUED, SubmissionState.NEW]
LAUNCHING = (SubmissionState.SUBMITTING, SubmissionState.UNCERTAIN)
RETRY_S = 2.0


async def step(tools: Tools) -> bool:
    """Carry out one action; false when there is none."""
    async with around("act.take"):
        action = await actions.take(tools.db)
    if action is None:
        return False
    try:
        said = await _do(tools, action)
    except BatchUnavailable as e:
        await actions.later(tools.db, action.id, RETRY_S * min(action.tries, 30), str(e))
        return True
    if said is None:
        await actions.later(tools.db, action.id, RETRY_S, "It is being launched: waiting for that.")
        return False
    async with around("act.done"):
        await actions.done(tools.db, action.id, said)
    await tools.ring()
    return True


async def _do(tools: Tools, action: Action) -> str | None:
    """Do it, and say what came of it; None when it has to wait."""
    submission = await rows.by_id(tools.db, action.submission_id)
    if submission is None or not submission.state.is_live:
        return "There was nothing left to do it to."
    if submission.state in LAUNCHING:
        return None
    if submission.state in AT_BATCH:
        return await _at_batch(tools, action, submission)
    if action.verb is not Verb.REMOVE:
        return "It has not been launched, so that there is nothing to hold or release."
    async with around("act.cancel"), tools.db.acquire() as conn, conn.transaction():
        ended = await endings.discard(
            conn, submission.id, NOT_LAUNCHED, SubmissionState.CANCELLED, action.reason
        )
    return "Cancelled before it was launched." if ended else None


async def _at_batch(tools: Tools, action: Action, submission: Submission) -> str:
    attempt = await launches.current(tools.db, submission.id)
    system = tools.systems.get(submission.batch_system)
    if attempt is None or attempt.native_id is None or system is None:
        return "Its batch system is not known here."
    try:
        async with around("act.batch"):
            await system.act(action.verb, attempt.native_id, action.reason)
    except BatchRefused as e:
        return f"{system.name} refused: {e}"
    return f"Asked of {system.name}, cluster {attempt.native_id}."
