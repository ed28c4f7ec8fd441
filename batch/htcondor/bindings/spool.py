"""Jobs whose files go to the schedd and come back from it, in the child that speaks with HTCondor."""

import fcntl
from collections.abc import Mapping
from typing import Any

import htcondor2

from .schedd import opened, these, these_of

NOT_WHOLE = "POMS_WHOLE =?= false"
"""Of a cluster whose files were not handed over whole: none of its jobs can ever run."""


def submit(schedd: str, order: Any, queue: str) -> int:
    """One cluster of jobs that are in the queue at once, each with its files; whole, or not to be found."""
    there = opened(schedd)
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


def open_(schedd: str, cluster: int) -> None:
    """Change the gate of all jobs that are not over; once more changes nothing."""
    there, closed = opened(schedd), f"ClusterId == {cluster} && ProcId >= 0 && POMS_GO =!= true"
    if there.query(closed, projection=["ProcId"], limit=1):
        there.edit(closed, "POMS_GO", "true")
        there.reschedule()


def retrieve(schedd: str, cluster: int, procs: list[int], lock: str) -> None:
    """Bring back what some jobs have made, into the folder from which they were submitted."""
    with open(lock, "a") as alone:
        # The child of a worker that died may still be at it.
        fcntl.flock(alone, fcntl.LOCK_EX)
        opened(schedd).retrieve(these(cluster, procs))


def let_go(schedd: str, jobs: Mapping[str, list[int]]) -> None:
    """Let jobs leave the queue that are over, and of which nothing is wanted any more: one edit for all."""
    there = opened(schedd)
    try:
        there.edit(these_of(jobs), "POMS_TOLD", "true")
    except htcondor2.HTCondorException:
        # Where none of them is there any more, nothing is wrong.
        if there.query(these_of(jobs), projection=["ProcId"], limit=1):
            raise
