"""What all questions to a schedd need; loaded only in the child that speaks with HTCondor."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import classad2
import htcondor2

SIZE = ("JobMaterializeItemCount", "TotalSubmitProcs")
"""What tells of how many jobs a cluster is."""


class ScheddRefused(Exception):
    """HTCondor understood, and said no."""


def locate_schedd(schedd: str) -> Any:
    """The ad of a schedd, by its name; without one, of the only one that the collector knows."""
    collector = htcondor2.Collector(htcondor2.param["COLLECTOR_HOST"])
    if schedd:
        return collector.locate(htcondor2.DaemonType.Schedd, schedd)
    found = collector.locateAll(htcondor2.DaemonType.Schedd)
    if len(found) != 1:
        raise LookupError(f"the collector knows {len(found)} schedds: name one")
    return found[0]


def open_schedd(schedd: str) -> Any:
    """The schedd itself, to be asked."""
    return htcondor2.Schedd(locate_schedd(schedd))


def count_cluster_jobs(ad: Any) -> int:
    """Of how many jobs the cluster of an ad is, with those that are not in the queue yet."""
    return max(int(ad.get(name, 0)) for name in SIZE)


def constrain_cluster(cluster: int, mark: str) -> str:
    """The constraint for a cluster with its mark: a schedd that lost its queue gives its number to another."""
    return f"ClusterId == {cluster} && POMS_MARK =?= {classad2.quote(mark)}"


def constrain_marks(marks: Collection[str | None]) -> str:
    """The constraint for what carries one of these marks (None: for what carries none)."""
    listed = ", ".join(classad2.quote(mark) for mark in marks if mark is not None)
    none = "POMS_MARK =?= undefined || " if None in marks else ""
    return f"({none}member(POMS_MARK, {{{listed}}}) =?= true)"


def format_list(numbers: Sequence[int]) -> str:
    """Numbers in a ClassAd list."""
    return ", ".join(map(str, numbers))


def constrain_jobs(cluster: int, procs: Sequence[int]) -> str:
    """The constraint for some jobs of a cluster: those side by side as a range, since there may be very many."""
    ranges = list[list[int]]()
    for proc in sorted(procs):
        if ranges and ranges[-1][1] == proc - 1:
            ranges[-1][1] = proc
        else:
            ranges.append([proc, proc])
    some = [f"ProcId >= {a} && ProcId <= {b}" for a, b in ranges if a < b]
    single = [a for a, b in ranges if a == b]
    either = [*some, *([f"member(ProcId, {{{format_list(single)}}})"] if single else [])]
    return f"ClusterId == {cluster} && ({' || '.join(either)})"


def constrain_jobs_of_clusters(jobs: Mapping[str, Sequence[int]]) -> str:
    """The constraint for some jobs of each of some clusters."""
    return " || ".join(
        f"({constrain_jobs(int(cluster), procs)})" for cluster, procs in jobs.items()
    )


def extract_values(ad: Any, wanted: Sequence[str]) -> list[Any]:
    """The values of an ad that JSON can carry, None for what it doesn't say."""
    return [_extract_value(ad, name) for name in wanted]


def _extract_value(ad: Any, name: str) -> Any:
    value = ad.eval(name) if name in ad else None
    return None if isinstance(value, classad2.Value) else value
