"""Clusters with a launch script's mark that nobody has adopted: what they do, nothing else may do meanwhile."""

from collections.abc import Sequence

from batch import BatchUnavailable
from db.batch import discrepancies
from db.launching import launches
from db.submissions import clusters, recovery_chain
from domain.batch.reconciliation import compare_clusters, explain_wait_for_late_cluster
from domain.discrepancies import DiscrepancyKind
from workers.failpoints import wrap_failpoints
from workers.tools import WorkerTools


async def find_reason_to_wait(tools: WorkerTools, family: int) -> str | None:
    """Why a family's recoveries and dependents have to wait, if they have.

    Asks the batch systems, and files what is there: reconciliation may not have seen it yet.
    """
    members = [
        m for m in await recovery_chain.list_members(tools.db, family) if m.runs_with.runs_script
    ]
    ids = [member.id for member in members]
    if not ids:
        return None
    marks = [attempt.mark for attempt in await launches.list_by_submissions(tools.db, ids)]
    try:
        for name in sorted(await _list_batch_systems(tools, ids)):
            await _file_late_clusters(tools, name, marks)
    except BatchUnavailable as error:
        return f"It waits: it can't be told whether launch scripts have submitted more: {error}"
    found = await discrepancies.list_open_late_clusters(tools.db, ids)
    if not found:
        return None
    return explain_wait_for_late_cluster(
        found[0].native_id, found[0].batch_system, found[0].submission_id
    )


async def _list_batch_systems(tools: WorkerTools, ids: Sequence[int]) -> set[str]:
    """The batch systems where jobs of these submissions are, or could be."""
    asked = {attempt.batch_system for attempt in await launches.list_by_submissions(tools.db, ids)}
    told = {each.batch_system for each in await clusters.list_by_submissions(tools.db, ids)}
    return (asked | told) & tools.systems.keys()


async def _file_late_clusters(tools: WorkerTools, name: str, marks: Sequence[str]) -> None:
    there = await tools.systems[name].list_marked(marks)
    attempts = {
        each.mark: each for each in await discrepancies.find_by_marks(tools.db, name, marks)
    }
    found = compare_clusters([c for c in there if c.mark in attempts], attempts, float("inf"))
    late = [each for each in found if each.kind is DiscrepancyKind.LATE_CLUSTER]
    if late:
        async with wrap_failpoints("script.late"):
            await discrepancies.file_discrepancies(tools.db, name, late)
