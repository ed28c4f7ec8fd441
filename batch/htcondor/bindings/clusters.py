"""Clusters: submitted, found by their marks, opened and acted on."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import classad2
import htcondor2
from htcondor2.htcondor2_impl import _schedd_edit_job_ids

from . import spool
from .schedd import (
    SIZE,
    ScheddRefused,
    constrain_cluster,
    constrain_jobs,
    count_cluster_jobs,
    format_list,
    locate_schedd,
    open_schedd,
)

_FOUND, _REMEMBERED = 1_000, 10_000
_OVER = (3, 4)
GATE = "(MY.POMS_GO =?= true)"
VERBS = {
    "remove": htcondor2.JobAction.Remove,
    "hold": htcondor2.JobAction.Hold,
    "release": htcondor2.JobAction.Release,
}


def _find_cluster_ad(schedd: Any, cluster: str, *names: str) -> Any:
    """What a cluster's own ad says; None: it is not in the queue, or was put there without a factory."""
    which, opts = f"{cluster} && ProcId =?= undefined", htcondor2.QueryOpt.IncludeClusterAd
    return next(iter(schedd.query(which, projection=[*names], opts=opts, limit=1)), None)


def _list_cluster_ids(schedd: Any, constraint: str) -> list[int]:
    # The factory of a cluster none of whose jobs is in the queue has only its own ad.
    ads = schedd.query(
        constraint, projection=["ClusterId"], opts=htcondor2.QueryOpt.IncludeClusterAd
    )
    return sorted({int(ad["ClusterId"]) for ad in ads})


def _list_past_cluster_ids(schedd: Any, constraint: str) -> list[int]:
    ads = schedd.history(constraint, projection=["ClusterId"], match=_FOUND)
    return sorted({int(ad["ClusterId"]) for ad in ads})


def submit_factory(
    schedd: str,
    description: Mapping[str, str],
    wanted: Mapping[str, str],
    jobs: list[int],
    inputs: list[str] | None,
    *,
    spools: bool = False,
) -> int:
    """One cluster, gated, an item for each job."""
    try:
        order = htcondor2.Submit({**description, **_parse_expressions(wanted)})
    except (ValueError, TypeError) as wrong:
        raise ScheddRefused(str(wrong)) from wrong
    try:
        with _write_item_queue(jobs, inputs) as queue:
            if spools:
                return spool.submit_spooled(schedd, order, queue)
            cluster: int = open_schedd(schedd).submit(order, queue=queue).cluster()
    except htcondor2.HTCondorException as wrong:
        # Said before anything was sent; whatever else it says may change by itself.
        if "Failed to create job ad" in str(wrong):
            raise ScheddRefused(str(wrong)) from wrong
        raise
    return cluster


@contextmanager
def _write_item_queue(jobs: list[int], inputs: list[str] | None) -> Iterator[str]:
    """The queue statement for an item of each job.

    From a file: items that are given one by one the bindings add to a text that they copy for each of them.
    """
    names = "POMS_NUMBER" if inputs is None else "POMS_NUMBER,POMS_INPUTS"
    columns = [[str(number) for number in jobs], *([] if inputs is None else [inputs])]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.writelines("\x1f".join(item) + "\n" for item in zip(*columns, strict=True))
        file.flush()
        yield f"{names} from {file.name}"


def _parse_expressions(wanted: Mapping[str, str]) -> dict[str, str]:
    """The gate, and what a stage wants: read alone and written anew, so that none gets out of its brackets."""
    read = {}
    for name, text in wanted.items():
        try:
            read[name] = str(classad2.ExprTree(text)).replace("$", "$(DOLLAR)")
        except (ValueError, SyntaxError, classad2.ClassAdException) as wrong:
            raise ScheddRefused(f"not a ClassAd expression, {name}: {text}") from wrong
    # Inert until the cluster's POMS_GO is changed; a hold would not reach later jobs.
    requirements = f"{GATE} && ({read.pop('requirements', 'true')})"
    return {"requirements": requirements, **{f"My.{name}": text for name, text in read.items()}}


def find_clusters(schedd: str, mark: str) -> list[int]:
    """The clusters that carry a mark, in the queue or in the history; what is half of one is removed."""
    there, constraint = open_schedd(schedd), f"POMS_MARK =?= {classad2.quote(mark)}"
    spool.remove_rest(there, constraint)
    whole = f"{constraint} && !({spool.NOT_WHOLE})"
    # Some may be over, and others not: the history is told of by each cluster's first job.
    return sorted(
        {
            *_list_cluster_ids(there, whole),
            *_list_past_cluster_ids(there, f"{whole} && ProcId == 0"),
        }
    )


def list_marked_clusters(schedd: str, prefixes: list[str]) -> list[tuple[int, str, int, bool]]:
    """Every cluster whose mark begins so: its number, mark, jobs that are not over, whether any was started.

    The queue tells of each cluster by its own ad and of the jobs that have started, of one that was spooled by
    its jobs; the history, which may be long, only by each cluster's first job.
    """
    there, begins = open_schedd(schedd), f'regexp("^({"|".join(prefixes)})", POMS_MARK)'
    wanted = ["ClusterId", "ProcId", "POMS_MARK", "POMS_WHOLE", "NumShadowStarts", "JobStatus"]
    known: dict[int, list[Any]] = {}
    for ad in there.history(f"{begins} && ProcId == 0", projection=wanted, match=_REMEMBERED):
        _tally_marked_ad(known, ad, left=0)
    jobs = "ProcId =?= undefined || NumShadowStarts > 0"
    which = f"{begins} && (POMS_WHOLE =?= undefined ? {jobs} : ProcId =!= undefined)"
    opts = htcondor2.QueryOpt.IncludeClusterAd
    for ad in there.query(which, [*wanted, *SIZE], opts=opts):
        if "POMS_WHOLE" in ad:
            before = known.get(int(ad["ClusterId"]), ["", 0])[1]
            _tally_marked_ad(known, ad, left=before + (ad["JobStatus"] not in _OVER))
        else:
            # What has left the queue is not counted there: some of these may be over.
            _tally_marked_ad(known, ad, left=count_cluster_jobs(ad) or 1)
    return [(cluster, *told) for cluster, told in sorted(known.items())]


def _tally_marked_ad(known: dict[int, list[Any]], ad: Any, left: int) -> None:
    told = known.setdefault(int(ad["ClusterId"]), [str(ad["POMS_MARK"]), 0, False])
    told[1] = max(told[1], left)
    told[2] = told[2] or int(ad.get("NumShadowStarts", 0)) > 0


def find_event_log(schedd: str, cluster: int, mark: str) -> str | None:
    """Where the schedd writes what happens to a cluster; None: it is not in the queue any more."""
    there, which = open_schedd(schedd), constrain_cluster(cluster, mark)
    own = _find_cluster_ad(there, which, "UserLog")
    if own is None and not _is_queued(there, which):
        return None
    return None if own is None else str(own["UserLog"])


def open_gate(schedd: str, cluster: int, mark: str) -> None:
    """Change the gate where jobs that are not in the queue yet will find it: in their cluster's own ad."""
    where, which = locate_schedd(schedd), constrain_cluster(cluster, mark)
    there = htcondor2.Schedd(where)
    if not _is_queued(there, which):
        return
    # The public `edit` would change only the jobs that are in the queue now; the cluster's own ad alone
    # leaves those among the closed ones with which HTCondor has sorted them, so that they may never match.
    try:
        _schedd_edit_job_ids(where["MyAddress"], str(cluster), "POMS_GO", "true", 0)
        if there.query(which, projection=["ProcId"], limit=1):
            there.edit(which, "POMS_GO", "true")
    except htcondor2.HTCondorException:
        # One that was opened before may leave the queue meanwhile.
        if _is_queued(there, which):
            raise
        return
    if _list_cluster_ids(there, f"{which} && POMS_GO =!= true"):
        raise OSError(f"the gate of cluster {cluster} did not open")
    there.reschedule()


def act_on_jobs(
    schedd: str,
    verb: str,
    cluster: int,
    mark: str,
    reason: str,
    numbers: list[int] | None,
    procs: list[int] | None = None,
) -> dict[str, int]:
    """Remove, hold or release; what HTCondor counted, and what is not in the queue yet.

    Jobs are named by their numbers, or by their places where they may have no numbers.
    """
    there, own = open_schedd(schedd), constrain_cluster(cluster, mark)
    if not _is_queued(there, own):
        return {}
    which = own
    if numbers is not None:
        # The cluster's own ad has a number, too: that of its first job.
        which += f" && ProcId =!= undefined && member(POMS_NUMBER, {{{format_list(numbers)}}})"
    if procs is not None:
        which += f" && ({constrain_jobs(cluster, procs)})"
    # What is over and waits for its sandbox to be brought back stays as it ended.
    which += " && JobStatus =!= 4"
    # A reason that is no pair is lost on the way.
    told = there.act(VERBS[verb], which, reason=(reason, 0))
    waiting = _count_unmaterialized(there, own, numbers) if numbers else 0
    return {"denied": int(told["TotalPermissionDenied"]), "waiting": waiting}


def _count_unmaterialized(schedd: Any, which: str, numbers: list[int]) -> int:
    # Jobs get their places in the order of their numbers in the description.
    wanted = ["ProcId", "POMS_NUMBER", "JobMaterializeItemCount", "JobMaterializeNextProcId"]
    opts = htcondor2.QueryOpt.IncludeClusterAd
    ads = schedd.query(f"{which} && ProcId =?= undefined", wanted, opts=opts)
    if not ads:
        return 0
    seen = {int(ad["POMS_NUMBER"]) for ad in schedd.query(which, wanted)}
    next_ = int(ads[0].get("JobMaterializeNextProcId", 0))
    return sum(number not in seen and number > next_ for number in numbers)


def is_cluster_queued(schedd: str, cluster: int, mark: str) -> bool:
    """Whether anything of a cluster is in the queue; refused if the history doesn't know it either."""
    return _is_queued(open_schedd(schedd), constrain_cluster(cluster, mark))


def _is_queued(schedd: Any, which: str) -> bool:
    if _find_cluster_ad(schedd, which, "ClusterId") is not None or _list_cluster_ids(schedd, which):
        return True
    if not _list_past_cluster_ids(schedd, which):
        raise ScheddRefused(f"there is none in the queue or in the history with {which}")
    return False


def query_health(schedd: str) -> dict[str, Any]:
    """What the schedd itself says that it has in its hands."""
    where = locate_schedd(schedd)
    (told,) = htcondor2.Schedd(where).query(opts=htcondor2.QueryOpt.SummaryOnly)
    counts = {"running": told.get("AllusersRunning", 0), "queued": told.get("AllusersIdle", 0)}
    return {"name": str(where["Name"]), **{name: int(count) for name, count in counts.items()}}
