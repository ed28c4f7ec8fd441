"""The batch system itself: what POMS asks, in HTCondor's words."""

import asyncio
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
from batch.htcondor.porter import Porter
from batch.htcondor.queries import Entry, Queries
from domain.discrepancies import Cluster
from domain.jobs import Verb

_T = TypeVar("_T")
_REASON, _PULSE_S = 1000, 3.0
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class HTCondor:
    """Jobs in the queue of one schedd, which sees the launch directories as we do, or is sent all (`spools`)."""

    def __init__(self, access: Access, spool: Path, name: str = "htcondor") -> None:
        self.name, self._access, self._spool = name, access, spool.absolute()
        self._child, self._feed = Child(access), Feed(self._spool / name)
        # Looking at many jobs and bringing back what they made takes a while, for which nothing else shall wait.
        self._looks, self._carries = Child(access), Child(access)
        self._porter = Porter(self._carries, access.spooling_s)
        folder = self._spool / name / ".queries"
        self._queries = Queries(folder, self._looks, self._porter, access.interval_s)
        self._feeds = Feeds(self._feed, self._queries, needs_queries=access.spools)
        # Asked between two readings of the logs, which must not wait for a schedd that doesn't answer.
        self._pulse = Child(access, _PULSE_S)

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over as one cluster, gated. Returns its number."""
        more_s = self._access.spooling_s(len(launch.jobs)) if self._access.spools else 0.0
        return await self._call(lambda: self._submit(launch, more_s), more_s)

    async def find(self, mark: str) -> Sighting:
        """Look into the queue, the history and the launch's own log."""
        try:
            found = await self._call(lambda: self._find(mark))
        except BatchUnavailable as wrong:
            return Unknown(str(wrong))
        if found:
            return Found([str(cluster) for cluster in found])
        return Absent(
            f"neither the queue nor the history of the schedd at {self._access.collector} nor our"
            " own record has it"
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
        text = _UNPRINTABLE.sub(" ", reason)[:_REASON]
        told = await self._call(lambda: self._act(verb, native_id, text, numbers))
        if told.get("denied"):
            raise BatchRefused(f"the schedd does not let us {verb} jobs of cluster {native_id}")
        if told.get("waiting"):
            raise BatchUnavailable(f"{told['waiting']} of these jobs are not in the queue yet")

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
        return Health(
            reachable=True,
            text=text,
            running=told["running"],
            queued=told["queued"],
            schedd=told["name"],
        )

    def close(self) -> None:
        """End the children in which the bindings work; a later call starts others."""
        for thread in (self._queries, self._porter):
            thread.close()
        for child in (self._child, self._pulse, self._looks, self._carries):
            child.close()

    async def _call(self, work: Callable[[], _T], more_s: float = 0.0) -> _T:
        within_s = self._access.call_s + more_s + 10
        try:
            return await asyncio.wait_for(asyncio.to_thread(work), within_s)
        except (OSError, TimeoutError) as wrong:
            said = str(wrong) or "no answer in time"
            raise BatchUnavailable(f"HTCondor at {self._access.collector}: {said}") from wrong

    def _submit(self, launch: Launch, more_s: float) -> str:
        order, spools = description(launch, self._access), self._access.spools
        asked: dict[str, Any] = {"description": order, "wanted": expressions(launch)}
        travels = spools or self._access.carries
        put_script(launch.directory, travels=travels)
        if not spools:
            self._feed.enter(launch)
        asked["jobs"] = [*launch.jobs]
        asked["inputs"] = carried.inputs(launch, only_present=spools) if travels else None
        if launch.credential is None and not spools:
            return str(self._child.call("submit", **asked))
        native_id = str(self._submit_apart(launch.credential, more_s, asked | {"spools": spools}))
        if spools:
            self._keep(Entry(native_id, launch.mark, launch.directory.absolute(), [*launch.jobs]))
        return native_id

    def _submit_apart(self, token: Path | None, more_s: float, asked: Mapping[str, Any]) -> Any:
        """By a child of its own: as somebody else, or since it takes long."""
        with tempfile.TemporaryDirectory() as folder:
            more = tokens.environment(token, Path(folder)) if token else None
            child = Child(self._access, more=more)
            try:
                return child.call("submit", more_s, **asked)
            finally:
                child.close()

    def _keep(self, entry: Entry) -> Entry:
        return self._queries.follow(replace(entry, is_spooled=True))

    def _act(self, verb: Verb, native_id: str, reason: str, numbers: Sequence[int] | None) -> Any:
        entry, some = self._entry(native_id), None if numbers is None else [*numbers]
        what: dict[str, Any] = {"verb": str(verb), "cluster": _cluster(native_id), "reason": reason}
        if entry is not None and some is not None:
            wanted = {*some}  # by place: HTCondor may not know our numbers
            procs = [proc for proc, number in enumerate(entry.numbers) if number in wanted]
            return self._child.call("act", **what, numbers=None, procs=procs)
        return self._child.call("act", **what, numbers=some)

    def _reports(self, wanted: Sequence[ReportKey]) -> Mapping[ReportKey, Mapping[str, Any]]:
        found = directory.reports(wanted)
        return {
            key: carried.brought(key, report) if carried.is_carried(key.directory) else report
            for key, report in found.items()
        }

    def _follow(self, cluster: Followed) -> Sequence[int]:
        if (before := self._queries.journals.entry(str(_cluster(cluster.native_id)))) is not None:
            return before.numbers
        told = self._child.call("census", cluster=_cluster(cluster.native_id))["numbers"]
        others = self._queries.marked(cluster.mark).values()
        taken = {number for entry in others for number in entry.numbers}
        mine, place = numbers(told, cluster.first, taken), cluster.directory.absolute()
        return self._queries.follow(Entry(cluster.native_id, cluster.mark, place, mine)).numbers

    def _entry(self, native_id: str) -> Entry | None:
        """What a cluster is that is followed by query; one that was found by its mark is followed from here on."""
        cluster = _cluster(native_id)
        entry = self._queries.journals.entry(native_id)
        if entry is None and self._access.spools:
            told = self._child.call("census", cluster=cluster)
            if told["is_spooled"]:
                place = directory.directory_of(self._spool, told["mark"])
                mine = numbers(told["numbers"], 1, ())
                entry = self._keep(Entry(native_id, told["mark"], place, mine))
        return entry

    def _open(self, cluster: int) -> None:
        entry = self._entry(str(cluster))
        if entry is None:
            self._open_logged(cluster)
        elif entry.is_spooled and self._child.call("queued", cluster=cluster):
            self._child.call("open_spooled", cluster=cluster)

    def _open_logged(self, cluster: int) -> None:
        log = self._child.call("log", cluster=cluster)
        if log is None:
            return
        if not is_told_of(Path(log), cluster):
            # HTCondor would run the jobs all the same, and we would never hear of them.
            reason = f"the schedd can't write the log {log}: may who runs the jobs write there?"
            self._act(Verb.REMOVE, str(cluster), reason[:_REASON], None)
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
