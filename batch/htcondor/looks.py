"""Looking at jobs, in the child that speaks with HTCondor: one query for all that are followed."""

from collections.abc import Mapping
from typing import Any

import htcondor2

from batch.htcondor.schedd import SIZE, Refused, opened, plain, size_of, words

_NEXT = "JobMaterializeNextProcId"


def jobs(schedd: str, clusters: list[int], wanted: list[str]) -> dict[str, Any]:
    """What the queue shows of the jobs of some clusters, in rows.

    `next`: for each cluster that brings its jobs into the queue by and by, which of them is the next.
    """
    ads = opened(schedd).query(
        f"member(ClusterId, {{{words(clusters)}}})",
        projection=[*wanted, "ResidentSetSize", _NEXT],
        opts=htcondor2.QueryOpt.IncludeClusterAd,
    )
    rows, next_ = [], dict[str, int]()
    for ad in ads:
        if "ProcId" in ad:
            rows.append(plain(ad, wanted))
        else:
            next_[str(ad["ClusterId"])] = int(ad.get(_NEXT, 0))
    return {"rows": rows, "next": next_}


def ended(
    schedd: str, missing: Mapping[str, list[int]], since: float, wanted: list[str]
) -> list[list[Any]]:
    """What the history has of jobs that are not in the queue; it is read backwards, to a moment long enough ago."""
    some = [
        f"ClusterId == {cluster} && member(ProcId, {{{words(procs)}}})"
        for cluster, procs in missing.items()
    ]
    ads = opened(schedd).history(
        " || ".join(f"({each})" for each in some),
        projection=[*wanted, "ResidentSetSize"],
        match=sum(map(len, missing.values())),
        since=f"EnteredCurrentStatus < {since:.0f}",
    )
    return [plain(ad, wanted) for ad in ads]


def census(schedd: str, cluster: int) -> list[int | None]:
    """What is told of the number of each job of a cluster (its POMS_NUMBER), whether or not the queue has it yet."""
    there, which = opened(schedd), f"ClusterId == {cluster}"
    wanted = ["ProcId", "POMS_NUMBER", *SIZE]
    ads = [
        *there.query(which, projection=wanted, opts=htcondor2.QueryOpt.IncludeClusterAd),
        *there.history(which, projection=wanted),
    ]
    if not ads:
        raise Refused(f"no cluster {cluster}, in the queue or in the history")
    told = dict(plain(ad, ["ProcId", "POMS_NUMBER"]) for ad in ads)
    told.pop(None, None)
    return [
        told.get(proc) for proc in range(max([*map(size_of, ads), *(proc + 1 for proc in told)]))
    ]
