"""Carry out what people asked: remove, hold and release jobs where they run."""

from collections.abc import Sequence
from functools import partial

from batch import BatchRefused, BatchSystem, BatchUnavailable, ClusterRef, MarkFound, MarkUnknown
from db.launching import launches
from db.submissions import actions, clusters, job_driven_transitions
from db.submissions import submissions as rows
from db.submissions.actions import Action, TakenAction
from db.submissions.clusters import Cluster
from db.submissions.submissions import Submission
from domain.changes import Actor, ServicePart, make_service_actor
from domain.launching.launches import ScriptEnd
from domain.submissions.jobs import JobActionVerb
from domain.submissions.submissions import AT_BATCH, LAUNCHING, SubmissionState
from workers.dispatch import Dispatcher, TaskPool
from workers.failpoints import wrap_failpoints
from workers.leases import keep_lease
from workers.setbacks import hold_thing
from workers.tools import WorkerTools

NOT_LAUNCHED = [SubmissionState.QUEUED, SubmissionState.NEW]
RETRY_S, LEASE_S = 2.0, 30.0
OF_EACH, MOST = 4, 64
"""Actions carried out at once at each batch system, and at all."""


def make_dispatcher() -> Dispatcher[TakenAction, str]:
    """Hand actions out by their batch systems."""
    pool = TaskPool[str]("act", OF_EACH, MOST)
    return Dispatcher(pool, _claim_action, _carry_out, lambda action: action.batch_system)


async def _claim_action(tools: WorkerTools, full: Sequence[str]) -> TakenAction | None:
    async with wrap_failpoints("act.take"):
        return await actions.claim_action(tools.db, LEASE_S, full)


async def _carry_out(tools: WorkerTools, action: TakenAction) -> None:
    async def renew(tries: int) -> int | None:
        return await actions.renew_lease(tools.db, action.id, tries, LEASE_S)

    async with (
        hold_thing(tools, "act") as thing,
        keep_lease(f"action {action.id}", action.attempts, renew, LEASE_S / 3),
    ):
        thing.name(f"action:{action.id}", submission_id=action.submission_id)
        thing.let_go = partial(actions.postpone_action, tools.db, action, 0)
        await _try_action(tools, action)


async def _try_action(tools: WorkerTools, action: TakenAction) -> None:
    try:
        said = await _do_action(tools, action)
    except BatchUnavailable as e:
        await actions.postpone_action(tools.db, action, RETRY_S * min(action.attempts, 30), str(e))
        return
    if said is None:
        waits = "It is being launched: waiting for that."
        await actions.postpone_action(tools.db, action, RETRY_S, waits)
        return
    async with wrap_failpoints("act.done"):
        await actions.finish_action(tools.db, action, said)
    await tools.ring()


async def _do_action(tools: WorkerTools, action: Action) -> str | None:
    """Do it, and say what came of it; None when it has to wait."""
    submission = await rows.find_by_id(tools.db, action.submission_id)
    if submission is None or not submission.state.is_live:
        return "There was nothing left to do it to."
    if submission.state in LAUNCHING:
        return await _act_while_launching(tools, action, submission)
    if submission.state in AT_BATCH:
        return await _act_at_batch(tools, action, submission)
    if action.verb is not JobActionVerb.REMOVE:
        return "It has not been launched, so that there is nothing to hold or release."
    async with wrap_failpoints("act.cancel"), tools.db.acquire() as conn, conn.transaction():
        ended = await job_driven_transitions.discard_launch(
            conn, submission.id, NOT_LAUNCHED, SubmissionState.CANCELLED, _make_actor(action)
        )
    return "Cancelled before it was launched." if ended else None


async def _act_while_launching(
    tools: WorkerTools, action: Action, submission: Submission
) -> str | None:
    """Give up a launch script that was cut off and of which nothing is known; all else is waited for."""
    attempt = await launches.find_current_attempt(tools.db, submission.id)
    is_cut_off = attempt is not None and attempt.script_end is ScriptEnd.CUT_OFF
    if not is_cut_off or action.verb is not JobActionVerb.REMOVE or submission.lease_holder:
        return None
    if await clusters.list_by_submissions(tools.db, [submission.id]):
        return None
    async with wrap_failpoints("script.give_up"), tools.db.acquire() as conn, conn.transaction():
        ended = await job_driven_transitions.discard_launch(
            conn,
            submission.id,
            [SubmissionState.UNCERTAIN],
            SubmissionState.CANCELLED,
            _make_actor(action),
        )
    return "Cancelled: nothing is known that its launch script has submitted." if ended else None


async def _act_at_batch(tools: WorkerTools, action: Action, submission: Submission) -> str:
    attempt = await launches.find_current_attempt(tools.db, submission.id)
    if attempt is None or attempt.native_id is None:
        return "Its batch system is not known here."
    found = await clusters.list_by_submissions(tools.db, [submission.id])
    said = [
        await _act_on_cluster(tools, action, one) for one in found if one.attempt == attempt.attempt
    ]
    return " ".join(said)


async def _act_on_cluster(tools: WorkerTools, action: Action, cluster: Cluster) -> str:
    system = tools.systems.get(cluster.batch_system)
    if system is None:
        return f"{cluster.batch_system} is not known here."
    ref = ClusterRef(cluster.native_id, cluster.mark)
    try:
        async with wrap_failpoints("act.batch"):
            await system.act(action.verb, ref, action.reason)
    except BatchRefused as e:
        if action.verb is JobActionVerb.REMOVE and cluster.first is None:
            return await _cancel_lost(tools, action, system, ref) or f"{system.name} refused: {e}"
        return f"{system.name} refused: {e}"
    return f"Asked of {system.name}, cluster {cluster.native_id}."


async def _cancel_lost(
    tools: WorkerTools, action: Action, system: BatchSystem, cluster: ClusterRef
) -> str | None:
    """End a submission whose batch system has lost it: there is nothing that could be removed there."""
    sighting = (await system.recheck([cluster]))[cluster]
    if isinstance(sighting, MarkUnknown):
        raise BatchUnavailable(sighting.why)
    if isinstance(sighting, MarkFound):
        return None
    async with wrap_failpoints("act.cancel_lost"), tools.db.acquire() as conn, conn.transaction():
        await job_driven_transitions.discard_launch(
            conn,
            action.submission_id,
            list(AT_BATCH),
            SubmissionState.CANCELLED,
            _make_actor(action),
        )
    return f"Cancelled: {sighting.proof}."


def _make_actor(action: Action) -> Actor:
    return make_service_actor(ServicePart.ACT, action.reason)
