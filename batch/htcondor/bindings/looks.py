"""Looking at jobs, in the child that speaks with HTCondor: one query for all that are followed."""

import time
from collections.abc import Mapping
from typing import Any

import htcondor2

from .schedd import SIZE, Refused, opened, plain, size_of, these_of, words

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
        elif _NEXT in ad:
            next_[str(ad["ClusterId"])] = int(ad[_NEXT])
    return {"rows": rows, "next": next_}


def ended(
    schedd: str, missing: Mapping[str, list[int]], since: float, wanted: list[str]
) -> list[list[Any]]:
    """What the history has of jobs that are not in the queue; it is read backwards, to a moment long enough ago."""
    ads = opened(schedd).history(
        these_of(missing),
        projection=[*wanted, "ResidentSetSize"],
        match=sum(map(len, missing.values())),
        since=f"EnteredCurrentStatus < {since:.0f}",
    )
    return [plain(ad, wanted) for ad in ads]


def census(schedd: str, cluster: int) -> dict[str, Any]:
    """Of a cluster its mark, if it has one, and the POMS_NUMBER of each job, whether or not the queue has it yet.

    `is_spooled`: its jobs' files were handed over, and what they make is to be brought back.
    """
    ads = _ads(schedd, cluster)
    if not ads:
        time.sleep(1)  # what has just left the queue may not be in the history yet
        ads = _ads(schedd, cluster)
    if not ads:
        raise Refused(f"no cluster {cluster}, in the queue or in the history")
    told = dict(plain(ad, ["ProcId", "POMS_NUMBER"]) for ad in ads)
    told.pop(None, None)
    count = max([*map(size_of, ads), *(proc + 1 for proc in told)])
    numbers = [told.get(proc) for proc in range(count)]
    # The cluster's own ad is not changed when its jobs are.
    is_spooled = any(ad.get("POMS_WHOLE") is True for ad in ads)
    return {"mark": ads[0].get("POMS_MARK"), "is_spooled": is_spooled, "numbers": numbers}


def _ads(schedd: str, cluster: int) -> list[Any]:
    there, which = opened(schedd), f"ClusterId == {cluster}"
    wanted = ["ProcId", "POMS_NUMBER", "POMS_MARK", "POMS_WHOLE", *SIZE]
    return [
        *there.query(which, projection=wanted, opts=htcondor2.QueryOpt.IncludeClusterAd),
        *there.history(which, projection=wanted),
    ]
