"""The batch system itself: what POMS asks, in HTCondor's words."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from batch import (
    BatchForgot,
    BatchHealth,
    BatchRefused,
    BatchUnavailable,
    ClusterRef,
    EventBatch,
    FollowedCluster,
    Launch,
    MarkAbsent,
    MarkFound,
    MarkUnknown,
    ReportBatch,
    ReportKey,
    Sighting,
    directory,
)
from batch.calls import BatchLanes
from batch.htcondor import carried_inputs, file_transfer, tokens
from batch.htcondor.access import HTCondorAccess
from batch.htcondor.child import BindingsChild
from batch.htcondor.feed import HTCondorFeed, is_told_of
from batch.htcondor.feeds import CombinedFeeds
from batch.htcondor.followed import number_jobs
from batch.htcondor.order import describe_submission, list_expressions, put_script
from batch.htcondor.queries import QueryFeed
from batch.htcondor.recheck import HTCondorRecheck
from batch.htcondor.sandbox_transfer import SandboxTransfer
from batch.htcondor.snapshots import HTCondorEntry
from domain.batch.reconciliation import ReportedCluster
from domain.submissions.jobs import JobActionVerb

_REASON, _PULSE_S = 1000, 3.0
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class HTCondor:
    """Jobs in the queue of one schedd, which sees the launch directories as we do, or is sent all (`spools`)."""

    def __init__(self, access: HTCondorAccess, spool: Path, name: str = "htcondor") -> None:
        self.name, self._access, self._spool = name, access, spool.absolute()
        self._lanes = BatchLanes(name, f"HTCondor at {access.collector}", access.call_s + 10)
        self._child, self._feed = BindingsChild(access), HTCondorFeed(self._spool / name)
        # Each answers one question after the other, and those of another lane shall not wait for them.
        self._submits, self._finds = BindingsChild(access), BindingsChild(access)
        # Looking at many jobs and bringing back what they made takes a while, for which nothing else shall wait.
        self._looks, self._carries = BindingsChild(access), BindingsChild(access)
        self._porter = SandboxTransfer(self._carries, access.spooling_s, name)
        folder = self._spool / name / ".queries"
        self._queries = QueryFeed(folder, self._looks, self._porter, access.interval_s, name)
        self._recheck = HTCondorRecheck(self._feed, self._queries, self._looks, self._spool, name)
        self._feeds = CombinedFeeds(
            self._feed, self._queries, self._recheck, needs_queries=access.spools
        )
        # Asked between two readings of the logs, which must not wait for a schedd that doesn't answer.
        self._pulse = BindingsChild(access, _PULSE_S)

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over as one cluster, gated. Returns its number."""
        more_s = self._access.spooling_s(len(launch.jobs)) if self._access.spools else 0.0
        if self._access.carries or self._access.spools:
            more_s += self._access.copies_mb * 1e6 / carried_inputs.COPIED_PER_S
        return await self._lanes.call(
            self._lanes.submit, lambda: self._submit(launch, more_s), more_s
        )

    async def find(self, mark: str) -> Sighting:
        """Look into the queue, the history and the launch's own log."""
        try:
            found = await self._lanes.look(lambda: self._find(mark))
        except BatchUnavailable as wrong:
            return MarkUnknown(str(wrong))
        if found:
            return MarkFound([str(cluster) for cluster in found])
        return MarkAbsent(
            f"neither the queue nor the history of the schedd at {self._access.collector} nor our"
            " own record has it"
        )

    async def list_marked(self, prefixes: Sequence[str]) -> Sequence[ReportedCluster]:
        """Ask the queue and the history, once each."""
        told = await self._lanes.look(lambda: self._finds.call("marked", prefixes=[*prefixes]))
        return [ReportedCluster(str(cluster), *rest) for cluster, *rest in told]

    async def recheck(self, clusters: Sequence[ClusterRef]) -> Mapping[ClusterRef, Sighting]:
        """Ask the queue and the history, once each for all."""
        for cluster in clusters:
            _parse_cluster_number(cluster.native_id)
        try:
            return await self._lanes.call(self._lanes.act, lambda: self._recheck.settle(clusters))
        except BatchUnavailable as wrong:
            return dict.fromkeys(clusters, MarkUnknown(str(wrong)))

    async def open(self, cluster: ClusterRef) -> None:
        """Let the cluster's jobs start, those too that are not in the queue yet."""
        _parse_cluster_number(cluster.native_id)
        await self._lanes.call(self._lanes.act, lambda: self._open(cluster))

    async def act(
        self,
        verb: JobActionVerb,
        cluster: ClusterRef,
        reason: str,
        numbers: Sequence[int] | None = None,
    ) -> None:
        """Remove, hold or release; jobs that are named and not in the queue yet are asked for again."""
        text = _UNPRINTABLE.sub(" ", reason)[:_REASON]
        told = await self._lanes.call(
            self._lanes.act, lambda: self._act(verb, cluster, text, numbers)
        )
        if told.get("denied"):
            raise BatchRefused(
                f"the schedd does not let us {verb} jobs of cluster {cluster.native_id}"
            )
        if told.get("waiting"):
            raise BatchUnavailable(f"{told['waiting']} of these jobs are not in the queue yet")

    async def follow(self, cluster: FollowedCluster) -> Sequence[int]:
        """Follow a cluster by query; refused if neither the queue nor the history has it."""
        return await self._lanes.call(self._lanes.act, lambda: self._follow(cluster))

    async def read(self, read_to: str | None, bound: int) -> EventBatch:
        """Read up to `bound` events past the place that was committed last."""
        return await self._lanes.call(self._lanes.read, lambda: self._feeds.read(read_to, bound))

    async def look_back(self) -> None:
        """Tell of launches again that were over."""
        await self._lanes.call(self._lanes.act, self._feeds.look_back)

    async def reports(self, wanted: Sequence[ReportKey]) -> ReportBatch:
        """The payloads' reports that are there."""
        return await self._lanes.call(self._lanes.reports, lambda: self._reports(wanted))

    async def health(self) -> BatchHealth:
        """Whether the schedd answers, and what it has in its hands; never raises."""
        try:
            told = await self._lanes.call(self._lanes.health, lambda: self._pulse.call("health"))
        except (BatchUnavailable, BatchRefused) as wrong:
            return BatchHealth(reachable=False, text=str(wrong))
        text = f"the schedd {told['name']} answers"
        return BatchHealth(
            reachable=True,
            text=text,
            running=told["running"],
            queued=told["queued"],
            schedd=told["name"],
        )

    def close(self) -> None:
        """End the children in which the bindings work; a later call starts others."""
        looking = (self._finds, self._pulse, self._looks)
        for child in (self._child, self._submits, self._carries, *looking):
            child.close()

    def _submit(self, launch: Launch, more_s: float) -> str:
        order, spools = describe_submission(launch, self._access), self._access.spools
        asked: dict[str, Any] = {"description": order, "wanted": list_expressions(launch)}
        travels = spools or self._access.carries
        put_script(launch.directory, travels=travels)
        if not spools:
            self._feed.enter(launch)
        asked["jobs"] = [*launch.jobs]
        asked["inputs"] = self._put_inputs(launch) if travels else None
        if launch.credential is None and not spools:
            return str(self._submits.call("submit", **asked))
        if not spools:
            return str(self._submit_apart(launch.credential, more_s, asked))
        return self._spool_out(launch, more_s, asked)

    def _spool_out(self, launch: Launch, more_s: float, asked: Mapping[str, Any]) -> str:
        try:
            told = self._submit_apart(launch.credential, more_s, {**asked, "spools": True})
        finally:
            carried_inputs.drop_inputs(launch.directory)
        entry = HTCondorEntry(str(told), launch.mark, launch.directory.absolute(), [*launch.jobs])
        return self._keep(entry).native_id

    def _put_inputs(self, launch: Launch) -> list[str]:
        return carried_inputs.put_inputs(
            launch, copies_mb=self._access.copies_mb, only_ours=self._access.spools
        )

    def _submit_apart(self, token: Path | None, more_s: float, asked: Mapping[str, Any]) -> Any:
        """By a child of its own: as somebody else, or since it takes long."""
        with tempfile.TemporaryDirectory() as folder:
            more = tokens.build_token_environment(token, Path(folder)) if token else None
            child = BindingsChild(self._access, more=more)
            try:
                return child.call("submit", more_s, **asked)
            except BatchUnavailable as wrong:
                if token is None:
                    raise
                # HTCondor itself says only that it got no answer.
                said = f"{wrong} It was asked with the launch's own credential {token.name}, which may be refused."
                raise BatchUnavailable(said) from wrong
            finally:
                child.close()

    def _keep(self, entry: HTCondorEntry) -> HTCondorEntry:
        return self._queries.follow(replace(entry, is_spooled=True))

    def _act(
        self, verb: JobActionVerb, cluster: ClusterRef, reason: str, numbers: Sequence[int] | None
    ) -> Any:
        entry, some = self._entry(cluster), None if numbers is None else [*numbers]
        what: dict[str, Any] = {"verb": str(verb), "reason": reason, **_name_cluster(cluster)}
        is_whole = verb is JobActionVerb.REMOVE and numbers is None
        if entry is not None and some is not None:
            wanted = {*some}  # by place: HTCondor may not know our numbers
            procs = [proc for proc, number in enumerate(entry.numbers) if number in wanted]
            what |= {"procs": procs}
            some = None
        try:
            told = self._child.call("act", **what, numbers=some)
        except BatchRefused:
            if is_whole and self._recheck.remove_lost(cluster, reason):
                return {}
            raise
        if is_whole and not told:
            self._recheck.remove_lost(cluster, reason)
        return told

    def _reports(self, wanted: Sequence[ReportKey]) -> ReportBatch:
        found = directory.read_reports(wanted)
        for key, report in found.items():
            found[key] = file_transfer.collect_transferred_outputs(key, report)
        return found

    def _follow(self, cluster: FollowedCluster) -> Sequence[int]:
        number, ref = (
            _parse_cluster_number(cluster.native_id),
            ClusterRef(cluster.native_id, cluster.mark),
        )
        if (before := self._queries.entry(ref)) is not None:
            return before.numbers
        told = self._child.call("census", cluster=number, mark=cluster.mark)
        others = self._queries.find_marked(cluster.mark).values()
        taken = {number for entry in others for number in entry.numbers}
        mine, place = (
            number_jobs(told["numbers"], cluster.first, taken),
            cluster.directory.absolute(),
        )
        is_marked = told["mark"] == cluster.mark
        entry = HTCondorEntry(cluster.native_id, cluster.mark, place, mine, is_marked=is_marked)
        return self._queries.follow(entry).numbers

    def _entry(self, cluster: ClusterRef) -> HTCondorEntry | None:
        """What a cluster is that is followed by query; one that was found by its mark is followed from here on."""
        number = _parse_cluster_number(cluster.native_id)
        entry = self._queries.entry(cluster)
        if entry is None and self._access.spools:
            told = self._child.call("census", cluster=number, mark=cluster.mark)
            if told["is_spooled"] and told["mark"] == cluster.mark:
                place = directory.locate_launch_directory(self._spool, cluster.mark)
                mine = number_jobs(told["numbers"], 1, ())
                entry = self._keep(HTCondorEntry(cluster.native_id, cluster.mark, place, mine))
        return entry

    def _open(self, cluster: ClusterRef) -> None:
        entry = self._entry(cluster)
        if entry is None:
            self._open_logged(cluster)
        elif not entry.is_spooled:
            self._child.call("open", **_name_cluster(cluster))
        elif self._child.call("queued", **_name_cluster(cluster)):
            self._child.call("open_spooled", **_name_cluster(cluster))

    def _open_logged(self, cluster: ClusterRef) -> None:
        try:
            log = self._child.call("log", **_name_cluster(cluster))
        except BatchRefused as gone:
            if self._feed.has_never_run(cluster.mark, _parse_cluster_number(cluster.native_id)):
                raise BatchForgot(f"{gone}; its log tells of no start") from gone
            raise
        if log is None:
            return
        if not is_told_of(Path(log), _parse_cluster_number(cluster.native_id)):
            # HTCondor would run the jobs all the same, and we would never hear of them.
            reason = f"the schedd can't write the log {log}: may who runs the jobs write there?"
            self._act(JobActionVerb.REMOVE, cluster, reason[:_REASON], None)
            raise BatchRefused(reason)
        self._child.call("open", **_name_cluster(cluster))

    def _find(self, mark: str) -> list[int]:
        found = {*self._finds.call("find", mark=mark), *map(int, self._queries.find_marked(mark))}
        where = self._feed.entry(mark)
        if where is not None:
            # What the schedd wrote there it has accepted, also if all of it has been removed since.
            found |= set(self._feed.clusters_of(where))
        return sorted(found)


def _name_cluster(cluster: ClusterRef) -> dict[str, Any]:
    return {"cluster": _parse_cluster_number(cluster.native_id), "mark": cluster.mark}


def _parse_cluster_number(native_id: str) -> int:
    if not native_id.isdecimal() or not native_id.isascii():
        raise BatchRefused(f"not a cluster of HTCondor: {native_id!r}")
    return int(native_id)
