"""Carry out the proposed repair of a discrepancy, once somebody has asked for it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from batch import BatchRefused, BatchSystem, BatchUnavailable, ClusterRef, MarkFound, MarkUnknown
from db import setbacks
from db.batch import discrepancies
from db.batch.discrepancies import Discrepancy
from db.launching import launch_scripts
from db.submissions import job_driven_transitions, submissions
from domain.changes import ServicePart, make_service_actor
from domain.discrepancies import Repair
from domain.submissions.jobs import JobActionVerb
from domain.submissions.submissions import AT_BATCH, SubmissionState
from workers.dispatch import Dispatcher, TaskPool
from workers.failpoints import wrap_failpoints
from workers.leases import keep_lease
from workers.setbacks import hold_thing
from workers.tools import WorkerTools

RETRY_S, LEASE_S = 5.0, 30.0
OF_EACH, MOST = 2, 32
"""Repairs done at once at each batch system, and at all."""


def make_dispatcher() -> Dispatcher[Discrepancy, str]:
    """Hand repairs out by their batch systems."""
    pool = TaskPool[str]("repair", OF_EACH, MOST)
    return Dispatcher(pool, _claim_repair, _repair_discrepancy, lambda row: row.batch_system)


async def _claim_repair(tools: WorkerTools, full: Sequence[str]) -> Discrepancy | None:
    async with wrap_failpoints("repair.take"):
        return await discrepancies.claim_repair(tools.db, LEASE_S, full)


async def _repair_discrepancy(tools: WorkerTools, row: Discrepancy) -> None:
    assert row.repair_at is not None  # noqa: S101 - it was just set

    async def renew(until: datetime) -> datetime | None:
        return await discrepancies.renew_repair(tools.db, row.id, until, LEASE_S)

    async with (
        hold_thing(tools, "repair") as thing,
        keep_lease(f"discrepancy {row.id}", row.repair_at, renew, LEASE_S / 3),
    ):
        thing.name(f"discrepancy:{row.id}", submission_id=row.submission_id)
        thing.let_go = partial(discrepancies.record_repair, tools.db, row.id, again_s=0)
        await _try_repair(tools, row)


async def _try_repair(tools: WorkerTools, row: Discrepancy) -> None:
    try:
        async with wrap_failpoints("repair.do"):
            said = await _do_repair(tools, row)
    except BatchUnavailable as e:
        await discrepancies.record_repair(tools.db, row.id, str(e), RETRY_S)
        return
    except BatchRefused as e:
        said = f"{row.batch_system} refused: {e}"
    async with wrap_failpoints("repair.done"):
        await discrepancies.record_repair(tools.db, row.id, said)


async def _do_repair(tools: WorkerTools, row: Discrepancy) -> str:
    """Do exactly what was proposed, if that is still right; says what came of it."""
    if row.repair is Repair.RETRY:
        is_there = await setbacks.retry_at_once(tools.db, row.native_id)
        return "It is tried again." if is_there else "It has been done."
    system = tools.systems.get(row.batch_system)
    if system is None:
        return "There is no such batch system here."
    adopted = await discrepancies.is_adopted(tools.db, row.batch_system, row.native_id)
    match row.repair:
        case Repair.REMOVE:
            return await _remove_cluster(system, row, adopted=adopted)
        case Repair.OPEN:
            return await _open_cluster(system, row, adopted=adopted)
        case Repair.CLOSE:
            return await _close_jobs(tools, system, row)
        case Repair.RELAUNCH:
            return await _relaunch_submission(tools, system, row)
        case _:
            return "There is nothing that POMS could do."


async def _remove_cluster(system: BatchSystem, row: Discrepancy, *, adopted: bool) -> str:
    if adopted:
        return "Nothing was removed: the cluster is a live submission's own by now."
    if not row.jobs:
        return f"Nothing was left of cluster {row.native_id} to be removed."
    cluster = ClusterRef(row.native_id, row.mark)
    await system.act(JobActionVerb.REMOVE, cluster, f"POMS: {row.kind}, repair was asked for")
    return f"Cluster {row.native_id}: its removal was asked of {system.name}."


async def _open_cluster(system: BatchSystem, row: Discrepancy, *, adopted: bool) -> str:
    if not adopted:
        return "Nothing was opened: the cluster is no live submission's own."
    await system.open(ClusterRef(row.native_id, row.mark))
    return f"Cluster {row.native_id} is open: its jobs may run."


async def _relaunch_submission(tools: WorkerTools, system: BatchSystem, row: Discrepancy) -> str:
    sighting = await system.find(row.mark)
    if isinstance(sighting, MarkUnknown):
        raise BatchUnavailable(sighting.why)
    if isinstance(sighting, MarkFound):
        return "Nothing was launched: the batch system knows the launch by now, and it is adopted."
    if await launch_scripts.restart_launch(
        tools.db, row.mark, "Given up: it was asked to be run again."
    ):
        await tools.ring()
        return "The launch script is run again."
    submission = await submissions.find_by_id(tools.db, row.submission_id or 0)
    if submission is not None and submission.state is SubmissionState.UNCERTAIN:
        raise BatchUnavailable("The launch is being looked at.")
    return "Nothing was launched: the launch is not undecided any more."


async def _close_jobs(tools: WorkerTools, system: BatchSystem, row: Discrepancy) -> str:
    cluster = ClusterRef(row.native_id, row.mark)
    sighting = (await system.recheck([cluster]))[cluster]
    if isinstance(sighting, MarkUnknown):
        raise BatchUnavailable(sighting.why)
    if isinstance(sighting, MarkFound) or row.submission_id is None:
        return "Nothing was closed: the batch system knows the launch."
    said = f"Its jobs have vanished from {system.name}: {sighting.proof}"
    async with tools.db.acquire() as conn, conn.transaction():
        await job_driven_transitions.discard_launch(
            conn,
            row.submission_id,
            list(AT_BATCH),
            SubmissionState.REMOVED,
            make_service_actor(ServicePart.REPAIR, said),
        )
    with suppress(BatchRefused, BatchUnavailable):
        # What follows its jobs there has nothing to wait for any more.
        await system.act(JobActionVerb.REMOVE, cluster, said)
    return "Its jobs are called removed."
