"""Looking at jobs, in the child that speaks with HTCondor: one query for all that are followed."""

import time
from collections.abc import Mapping
from typing import Any

import htcondor2

from .schedd import (
    SIZE,
    ScheddRefused,
    constrain_jobs_of_clusters,
    constrain_marks,
    count_cluster_jobs,
    extract_values,
    format_list,
    open_schedd,
)

_NEXT = "JobMaterializeNextProcId"


def query_jobs(
    schedd: str, clusters: Mapping[str, str | None], wanted: list[str]
) -> dict[str, Any]:
    """What the queue shows of the jobs of some clusters, each with the mark that it carries, in rows.

    `next`: for each cluster that brings its jobs into the queue by and by, which of them is the next.
    """
    ads = open_schedd(schedd).query(
        f"member(ClusterId, {{{format_list([*map(int, clusters)])}}}) && {constrain_marks({*clusters.values()})}",
        projection=[*wanted, "ResidentSetSize", "POMS_MARK", _NEXT],
        opts=htcondor2.QueryOpt.IncludeClusterAd,
    )
    rows, next_ = [], dict[str, int]()
    for ad in ads:
        if not _is_of(clusters, ad):
            continue
        if "ProcId" in ad:
            rows.append(extract_values(ad, wanted))
        elif _NEXT in ad:
            next_[str(ad["ClusterId"])] = int(ad[_NEXT])
    return {"rows": rows, "next": next_}


def query_job_history(
    schedd: str,
    missing: Mapping[str, list[int]],
    clusters: Mapping[str, str | None],
    since: float,
    wanted: list[str],
) -> list[list[Any]]:
    """What the history has of jobs that are not in the queue; it is read backwards, to a moment long enough ago."""
    ads = open_schedd(schedd).history(
        f"({constrain_jobs_of_clusters(missing)}) && {constrain_marks({clusters[native_id] for native_id in missing})}",
        projection=[*wanted, "ResidentSetSize", "POMS_MARK"],
        match=sum(map(len, missing.values())),
        since=f"EnteredCurrentStatus < {since:.0f}",
    )
    return [extract_values(ad, wanted) for ad in ads if _is_of(clusters, ad)]


def _is_of(clusters: Mapping[str, str | None], ad: Any) -> bool:
    """Whether an ad carries the mark of its cluster: a queue that was lost gives numbers to others."""
    return bool(clusters.get(str(ad["ClusterId"]), "") == ad.get("POMS_MARK"))


def query_job_numbers(schedd: str, cluster: int, mark: str) -> dict[str, Any]:
    """Of a cluster its mark, if it has one, and the POMS_NUMBER of each job, whether or not the queue has it yet.

    Refused if it carries another mark. `is_spooled`: its jobs' files were handed over, and what they make is to be
    brought back.
    """
    ads = _query_marked_ads(schedd, cluster, mark)
    if not ads:
        time.sleep(1)  # what has just left the queue may not be in the history yet
        ads = _query_marked_ads(schedd, cluster, mark)
    if not ads:
        raise ScheddRefused(f"no cluster {cluster} of {mark}, in the queue or in the history")
    told = dict(extract_values(ad, ["ProcId", "POMS_NUMBER"]) for ad in ads)
    told.pop(None, None)
    count = max([*map(count_cluster_jobs, ads), *(proc + 1 for proc in told)])
    numbers = [told.get(proc) for proc in range(count)]
    # The cluster's own ad is not changed when its jobs are.
    is_spooled = any(ad.get("POMS_WHOLE") is True for ad in ads)
    return {"mark": ads[0].get("POMS_MARK"), "is_spooled": is_spooled, "numbers": numbers}


def _query_marked_ads(schedd: str, cluster: int, mark: str) -> list[Any]:
    there, which = open_schedd(schedd), f"ClusterId == {cluster}"
    wanted = ["ProcId", "POMS_NUMBER", "POMS_MARK", "POMS_WHOLE", *SIZE]
    ads = [
        *there.query(which, projection=wanted, opts=htcondor2.QueryOpt.IncludeClusterAd),
        *there.history(which, projection=wanted),
    ]
    return [ad for ad in ads if ad.get("POMS_MARK") == mark] or [
        ad for ad in ads if "POMS_MARK" not in ad
    ]
