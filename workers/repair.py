"""Carry out the proposed repair of a discrepancy, once somebody has asked for it."""

from batch import Absent, BatchRefused, BatchSystem, BatchUnavailable, Found, Unknown
from db import discrepancies, endings, scripts, submissions
from db.discrepancies import Discrepancy
from domain.discrepancies import Repair
from domain.jobs import Verb
from domain.submissions import AT_BATCH, SubmissionState
from workers.points import around
from workers.tools import Tools

RETRY_S = 5.0


async def step(tools: Tools) -> bool:
    """Carry out one repair; false when none is asked for."""
    async with around("repair.take"):
        row = await discrepancies.take(tools.db)
    if row is None:
        return False
    try:
        async with around("repair.do"):
            said = await _do(tools, row)
    except BatchUnavailable as e:
        await discrepancies.tried(tools.db, row.id, str(e), RETRY_S)
        return True
    except BatchRefused as e:
        said = f"{row.batch_system} refused: {e}"
    async with around("repair.done"):
        await discrepancies.tried(tools.db, row.id, said)
    return True


async def _do(tools: Tools, row: Discrepancy) -> str:
    """Do exactly what was proposed, if that is still right; says what came of it."""
    system = tools.systems.get(row.batch_system)
    if system is None:
        return "There is no such batch system here."
    adopted = await discrepancies.is_adopted(tools.db, row.batch_system, row.native_id)
    match row.repair:
        case Repair.REMOVE:
            return await _remove(system, row, adopted=adopted)
        case Repair.OPEN:
            return await _open(system, row, adopted=adopted)
        case Repair.CLOSE:
            return await _close(tools, system, row)
        case Repair.RELAUNCH:
            return await _relaunch(tools, system, row)
        case Repair.LOOK:
            return "There is nothing that POMS could do."


async def _remove(system: BatchSystem, row: Discrepancy, *, adopted: bool) -> str:
    if adopted:
        return "Nothing was removed: the cluster is a live submission's own by now."
    await system.act(Verb.REMOVE, row.native_id, f"POMS: {row.kind}, repair was asked for")
    return f"Cluster {row.native_id}: its removal was asked of {system.name}."


async def _open(system: BatchSystem, row: Discrepancy, *, adopted: bool) -> str:
    if not adopted:
        return "Nothing was opened: the cluster is no live submission's own."
    await system.open(row.native_id)
    return f"Cluster {row.native_id} is open: its jobs may run."


async def _relaunch(tools: Tools, system: BatchSystem, row: Discrepancy) -> str:
    sighting = await system.find(row.mark)
    if isinstance(sighting, Unknown):
        raise BatchUnavailable(sighting.why)
    if isinstance(sighting, Found):
        return "Nothing was launched: the batch system knows the launch by now, and it is adopted."
    if await scripts.again(tools.db, row.mark, "Given up: it was asked to be run again."):
        await tools.ring()
        return "The launch script is run again."
    submission = await submissions.by_id(tools.db, row.submission_id or 0)
    if submission is not None and submission.state is SubmissionState.UNCERTAIN:
        raise BatchUnavailable("The launch is being looked at.")
    return "Nothing was launched: the launch is not undecided any more."


async def _close(tools: Tools, system: BatchSystem, row: Discrepancy) -> str:
    sighting = await system.find(row.mark)
    if not isinstance(sighting, Absent) or row.submission_id is None:
        return "Nothing was closed: the batch system knows the launch."
    said = f"Its jobs have vanished from {system.name}: {sighting.proof}"
    async with tools.db.acquire() as conn, conn.transaction():
        await endings.discard(
            conn, row.submission_id, list(AT_BATCH), SubmissionState.REMOVED, said
        )
    return "Its jobs are called removed."
