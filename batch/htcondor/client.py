"""The batch system itself: what POMS asks, in HTCondor's words."""

import asyncio
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from batch import (
    Absent,
    Batch,
    BatchRefused,
    BatchUnavailable,
    Followed,
    Found,
    Health,
    Launch,
    ReportKey,
    Sighting,
    Unknown,
    directory,
)
from batch.htcondor import carried, tokens
from batch.htcondor.access import Access
from batch.htcondor.child import Child
from batch.htcondor.feed import Feed, is_told_of
from batch.htcondor.feeds import Feeds
from batch.htcondor.followed import numbers
from batch.htcondor.order import description, expressions, put_script
from batch.htcondor.queries import Entry, Queries
from domain.discrepancies import Cluster
from domain.jobs import Verb

_T = TypeVar("_T")
_REASON, _PULSE_S = 1000, 3.0
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class HTCondor:
    """Jobs in the queue of one schedd, which sees the launch directories as we do."""

    def __init__(self, access: Access, spool: Path, name: str = "htcondor") -> None:
        self.name, self._access, folder = name, access, spool.absolute() / name
        self._child, self._feed = Child(access), Feed(folder)
        # Looking at many jobs takes a while, for which nothing else shall wait.
        self._looks = Child(access)
        self._queries = Queries(folder / ".queries", self._looks, access.interval_s)
        self._feeds = Feeds(self._feed, self._queries, needs_queries=False)
        # Asked between two readings of the logs, which must not wait for a schedd that doesn't answer.
        self._pulse = Child(access, _PULSE_S)

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over as one cluster, gated. Returns its number."""
        return await self._call(lambda: self._submit(launch))

    async def find(self, mark: str) -> Sighting:
        """Look into the queue, the history and the launch's own log."""
        try:
            found = await self._call(lambda: self._find(mark))
        except BatchUnavailable as wrong:
            return Unknown(str(wrong))
        if found:
            return Found([str(cluster) for cluster in found])
        return Absent(
            f"neither the queue nor the history of the schedd at {self._access.collector} nor the"
            " launch's own log has it"
        )

    async def marked(self, prefixes: Sequence[str]) -> Sequence[Cluster]:
        """Ask the queue and the history, once each."""
        told = await self._call(lambda: self._child.call("marked", prefixes=[*prefixes]))
        return [Cluster(str(cluster), *rest) for cluster, *rest in told]

    async def open(self, native_id: str) -> None:
        """Let the cluster's jobs start, those too that are not in the queue yet."""
        cluster = _cluster(native_id)
        await self._call(lambda: self._open(cluster))

    async def act(
        self, verb: Verb, native_id: str, reason: str, numbers: Sequence[int] | None = None
    ) -> None:
        """Remove, hold or release; jobs that are named and not in the queue yet are asked for again."""
        cluster, text = _cluster(native_id), _UNPRINTABLE.sub(" ", reason)[:_REASON]
        what = {"verb": str(verb), "cluster": cluster, "reason": text}
        what |= self._which(native_id, numbers)
        told = await self._call(lambda: self._child.call("act", **what))
        if told.get("denied"):
            raise BatchRefused(f"the schedd does not let us {verb} jobs of cluster {native_id}")
        if told.get("waiting"):
            raise BatchUnavailable(f"{told['waiting']} of these jobs are not in the queue yet")

    def _which(self, native_id: str, numbers: Sequence[int] | None) -> dict[str, list[int] | None]:
        """Some jobs as HTCondor is asked for them: by place where it may not know our numbers."""
        entry = self._queries.entry(native_id) if numbers is not None else None
        if entry is None or numbers is None:
            return {"numbers": None if numbers is None else [*numbers]}
        wanted = {*numbers}
        procs = [proc for proc, number in enumerate(entry.numbers) if number in wanted]
        return {"numbers": None, "procs": procs}

    async def follow(self, cluster: Followed) -> Sequence[int]:
        """Follow a cluster by query; refused if neither the queue nor the history has it."""
        return await self._call(lambda: self._follow(cluster))

    async def read(self, read_to: str | None, bound: int) -> Batch:
        """Read up to `bound` events past the place that was committed last."""
        return await self._call(lambda: self._feeds.read(read_to, bound))

    async def look_back(self) -> None:
        """Tell of launches again that were over."""
        await self._call(self._feeds.look_back)

    async def reports(self, wanted: Sequence[ReportKey]) -> Mapping[ReportKey, Mapping[str, Any]]:
        """The payloads' reports that are there."""
        return await self._call(lambda: self._reports(wanted))

    async def health(self) -> Health:
        """Whether the schedd answers, and what it has in its hands; never raises."""
        try:
            told = await self._call(lambda: self._pulse.call("health"))
        except (BatchUnavailable, BatchRefused) as wrong:
            return Health(reachable=False, text=str(wrong))
        text = f"the schedd {told['name']} answers"
        return Health(reachable=True, text=text, running=told["running"], queued=told["queued"])

    def close(self) -> None:
        """End the children in which the bindings work; a later call starts others."""
        self._queries.close()
        for child in (self._child, self._pulse, self._looks):
            child.close()

    async def _call(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.wait_for(asyncio.to_thread(work), self._access.call_s + 10)
        except (OSError, TimeoutError) as wrong:
            said = str(wrong) or "no answer in time"
            raise BatchUnavailable(f"HTCondor at {self._access.collector}: {said}") from wrong

    def _submit(self, launch: Launch) -> str:
        order = description(launch, self._access)
        wanted = expressions(launch)
        put_script(launch.directory)
        self._feed.enter(launch)
        inputs = carried.inputs(launch) if self._access.carries else None
        asked = {"description": order, "wanted": wanted, "jobs": [*launch.jobs], "inputs": inputs}
        if launch.credential is None:
            return str(self._child.call("submit", **asked))
        return str(self._submit_as(launch.credential, asked))

    def _submit_as(self, token: Path, asked: Mapping[str, object]) -> object:
        with tempfile.TemporaryDirectory() as folder:
            child = Child(self._access, more=tokens.environment(token, Path(folder)))
            try:
                return child.call("submit", **asked)
            finally:
                child.close()

    def _reports(self, wanted: Sequence[ReportKey]) -> Mapping[ReportKey, Mapping[str, Any]]:
        found = directory.reports(wanted)
        if self._access.carries:
            return {key: carried.brought(key, report) for key, report in found.items()}
        return found

    def _follow(self, cluster: Followed) -> Sequence[int]:
        if (before := self._queries.entry(str(_cluster(cluster.native_id)))) is not None:
            return before.numbers
        told = self._child.call("census", cluster=_cluster(cluster.native_id))
        others = self._queries.marked(cluster.mark).values()
        taken = {number for entry in others for number in entry.numbers}
        mine = numbers(told, cluster.first, taken)
        place = cluster.directory.absolute()
        return self._queries.follow(Entry(cluster.native_id, cluster.mark, place, mine)).numbers

    def _open(self, cluster: int) -> None:
        if self._queries.entry(str(cluster)) is not None:
            return  # it has no gate
        log = self._child.call("log", cluster=cluster)
        if log is None:
            return
        if not is_told_of(Path(log), cluster):
            # HTCondor would run the jobs all the same, and we would never hear of them.
            reason = f"the schedd can't write the log {log}: may who runs the jobs write there?"
            what = {"verb": str(Verb.REMOVE), "cluster": cluster, "reason": reason[:_REASON]}
            self._child.call("act", **what, numbers=None)
            raise BatchRefused(reason)
        self._child.call("open", cluster=cluster)

    def _find(self, mark: str) -> list[int]:
        found = {*self._child.call("find", mark=mark), *map(int, self._queries.marked(mark))}
        where = self._feed.entry(mark)
        if where is not None:
            # What the schedd wrote there it has accepted, also if all of it has been removed since.
            found |= set(self._feed.clusters_of(where))
        return sorted(found)


def _cluster(native_id: str) -> int:
    if not native_id.isdecimal() or not native_id.isascii():
        raise BatchRefused(f"not a cluster of HTCondor: {native_id!r}")
    return int(native_id)
