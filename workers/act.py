"""Carry out what people asked: remove, hold and release jobs where they run."""

from batch import BatchRefused, BatchUnavailable, Found, Unknown
from db import actions, clusters, endings, launches
from db import submissions as rows
from db.actions import Action
from db.clusters import Cluster
from db.submissions import Submission
from domain.jobs import Verb
from domain.launches import ScriptEnd
from domain.submissions import AT_BATCH, LAUNCHING, SubmissionState
from workers.points import around
from workers.tools import Tools

NOT_LAUNCHED = [SubmissionState.QUEUED, SubmissionState.NEW]
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
        return await _while_launching(tools, action, submission)
    if submission.state in AT_BATCH:
        return await _at_batch(tools, action, submission)
    if action.verb is not Verb.REMOVE:
        return "It has not been launched, so that there is nothing to hold or release."
    async with around("act.cancel"), tools.db.acquire() as conn, conn.transaction():
        ended = await endings.discard(
            conn, submission.id, NOT_LAUNCHED, SubmissionState.CANCELLED, action.reason
        )
    return "Cancelled before it was launched." if ended else None


async def _while_launching(tools: Tools, action: Action, submission: Submission) -> str | None:
    """Give up a launch script that was cut off and of which nothing is known; all else is waited for."""
    attempt = await launches.current(tools.db, submission.id)
    is_cut_off = attempt is not None and attempt.script_end is ScriptEnd.CUT_OFF
    if not is_cut_off or action.verb is not Verb.REMOVE or submission.lease_holder:
        return None
    if await clusters.by_submissions(tools.db, [submission.id]):
        return None
    async with around("script.give_up"), tools.db.acquire() as conn, conn.transaction():
        ended = await endings.discard(
            conn,
            submission.id,
            [SubmissionState.UNCERTAIN],
            SubmissionState.CANCELLED,
            action.reason,
        )
    return "Cancelled: nothing is known that its launch script has submitted." if ended else None


async def _at_batch(tools: Tools, action: Action, submission: Submission) -> str:
    attempt = await launches.current(tools.db, submission.id)
    if attempt is None or attempt.native_id is None:
        return "Its batch system is not known here."
    found = await clusters.by_submissions(tools.db, [submission.id])
    said = [await _on(tools, action, one) for one in found if one.attempt == attempt.attempt]
    return " ".join(said)


async def _on(tools: Tools, action: Action, cluster: Cluster) -> str:
    system = tools.systems.get(cluster.batch_system)
    if system is None:
        return f"{cluster.batch_system} is not known here."
    if cluster.first is not None:
        # A script may say that it submitted what is somebody else's.
        sighting = await system.find(cluster.mark)
        if isinstance(sighting, Unknown):
            raise BatchUnavailable(sighting.why)
        if not isinstance(sighting, Found) or cluster.native_id not in sighting.native_ids:
            return (
                f"Cluster {cluster.native_id} does not carry the launch's mark: it is not touched."
            )
    try:
        async with around("act.batch"):
            await system.act(action.verb, cluster.native_id, action.reason)
    except BatchRefused as e:
        return f"{system.name} refused: {e}"
    return f"Asked of {system.name}, cluster {cluster.native_id}."
