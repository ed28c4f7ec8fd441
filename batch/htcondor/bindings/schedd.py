"""What all questions to a schedd need; loaded only in the child that speaks with HTCondor."""

from collections.abc import Mapping, Sequence
from typing import Any

import classad2
import htcondor2

SIZE = ("JobMaterializeItemCount", "TotalSubmitProcs")
"""What tells of how many jobs a cluster is."""


class Refused(Exception):
    """HTCondor understood, and said no."""


def located(schedd: str) -> Any:
    """The ad of a schedd, by its name; without one, of the only one that the collector knows."""
    collector = htcondor2.Collector(htcondor2.param["COLLECTOR_HOST"])
    if schedd:
        return collector.locate(htcondor2.DaemonType.Schedd, schedd)
    found = collector.locateAll(htcondor2.DaemonType.Schedd)
    if len(found) != 1:
        raise LookupError(f"the collector knows {len(found)} schedds: name one")
    return found[0]


def opened(schedd: str) -> Any:
    """The schedd itself, to be asked."""
    return htcondor2.Schedd(located(schedd))


def size_of(ad: Any) -> int:
    """Of how many jobs the cluster of an ad is, with those that are not in the queue yet."""
    return max(int(ad.get(name, 0)) for name in SIZE)


def words(numbers: Sequence[int]) -> str:
    """Numbers in a ClassAd list."""
    return ", ".join(map(str, numbers))


def these(cluster: int, procs: Sequence[int]) -> str:
    """The constraint for some jobs of a cluster: those side by side as a range, since there may be very many."""
    ranges = list[list[int]]()
    for proc in sorted(procs):
        if ranges and ranges[-1][1] == proc - 1:
            ranges[-1][1] = proc
        else:
            ranges.append([proc, proc])
    some = [f"ProcId >= {a} && ProcId <= {b}" for a, b in ranges if a < b]
    single = [a for a, b in ranges if a == b]
    either = [*some, *([f"member(ProcId, {{{words(single)}}})"] if single else [])]
    return f"ClusterId == {cluster} && ({' || '.join(either)})"


def these_of(jobs: Mapping[str, Sequence[int]]) -> str:
    """The constraint for some jobs of each of some clusters."""
    return " || ".join(f"({these(int(cluster), procs)})" for cluster, procs in jobs.items())


def plain(ad: Any, wanted: Sequence[str]) -> list[Any]:
    """The values of an ad that JSON can carry, None for what it doesn't say."""
    return [_value(ad, name) for name in wanted]


def _value(ad: Any, name: str) -> Any:
    value = ad.eval(name) if name in ad else None
    return None if isinstance(value, classad2.Value) else value
