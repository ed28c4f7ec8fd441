"""Jobs whose files go to the schedd and come back from it, in the child that speaks with HTCondor."""

import fcntl
from collections.abc import Mapping
from typing import Any

import htcondor2

from .schedd import (
    constrain_cluster,
    constrain_jobs,
    constrain_jobs_of_clusters,
    constrain_marks,
    open_schedd,
)

NOT_WHOLE = "POMS_WHOLE =?= false"
"""Of a cluster whose files were not handed over whole: none of its jobs can ever run."""


def submit_spooled(schedd: str, order: Any, queue: str) -> int:
    """One cluster of jobs that are in the queue at once, each with its files; whole, or not to be found."""
    there = open_schedd(schedd)
    result = there.submit(order, spool=True, queue=queue)
    there.spool(result)
    cluster: int = result.cluster()
    which = f"ClusterId == {cluster} && {NOT_WHOLE} && JobStatus =!= 3"
    if not there.edit(which, "POMS_WHOLE", "true"):
        raise OSError(f"cluster {cluster} was removed before its files were handed over")
    return cluster


def remove_rest(there: Any, marked: str) -> None:
    """Remove the clusters of a mark that were not handed over whole."""
    which = f"{marked} && {NOT_WHOLE}"
    if there.query(which, projection=["ProcId"], limit=1):
        there.act(htcondor2.JobAction.Remove, which, reason=("not handed over whole", 0))


def open_spooled_gate(schedd: str, cluster: int, mark: str) -> None:
    """Change the gate of all jobs that are not over; once more changes nothing."""
    there = open_schedd(schedd)
    closed = f"{constrain_cluster(cluster, mark)} && ProcId >= 0 && POMS_GO =!= true"
    if there.query(closed, projection=["ProcId"], limit=1):
        there.edit(closed, "POMS_GO", "true")
        there.reschedule()


def retrieve_sandboxes(schedd: str, cluster: int, mark: str, procs: list[int], lock: str) -> None:
    """Bring back what some jobs have made, into the folder from which they were submitted."""
    with open(lock, "a") as alone:
        # The child of a worker that died may still be at it.
        fcntl.flock(alone, fcntl.LOCK_EX)
        open_schedd(schedd).retrieve(
            f"{constrain_cluster(cluster, mark)} && {constrain_jobs(cluster, procs)}"
        )


def release_jobs(schedd: str, jobs: Mapping[str, list[int]], marks: list[str]) -> None:
    """Let jobs leave the queue that are over, and of which nothing is wanted any more: one edit for all."""
    there, which = (
        open_schedd(schedd),
        f"({constrain_jobs_of_clusters(jobs)}) && {constrain_marks(marks)}",
    )
    try:
        there.edit(which, "POMS_TOLD", "true")
    except htcondor2.HTCondorException:
        # Where none of them is there any more, nothing is wrong.
        if there.query(which, projection=["ProcId"], limit=1):
            raise
