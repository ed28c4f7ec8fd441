"""The batch system itself: what POMS asks, in Slurm's words."""

import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    MarkUnknown,
    ReportBatch,
    ReportKey,
    Sighting,
    directory,
)
from batch.calls import BatchLanes
from batch.slurm import order, queue
from batch.slurm.access import SlurmAccess
from batch.slurm.configuration import SlurmConfiguration, fetch_configuration
from batch.slurm.entry import Journal, SlurmEntry
from batch.slurm.feed import SlurmFeed
from batch.slurm.lookups import SlurmLookups, parse_native_id
from batch.slurm.order import ArrayName, NativeId
from batch.slurm.programs import SlurmPrograms
from domain.batch.reconciliation import ReportedCluster
from domain.submissions.jobs import JobActionVerb

_REASON = 1000
_WALL = "one user"
"""Whose all jobs are, of whatever experiment: docs/slurm.md, As whom jobs run."""
_COUNT = re.compile(r"^Jobs (pending|running):\s*(\d+)", re.MULTILINE)


class Slurm:
    """Jobs in the queue of one cluster, which sees the launch directories as we do."""

    def __init__(self, access: SlurmAccess, spool: Path, name: str = "slurm") -> None:
        self.name, self._access, self._spool = name, access, spool
        self._programs, self._lock = SlurmPrograms(access), threading.Lock()
        self._feed = SlurmFeed(spool.absolute() / name, self._programs, access.interval_s)
        self._lookups = SlurmLookups(self._programs, self._feed.journals, spool)
        self._configured: SlurmConfiguration | None = None
        self._lanes = BatchLanes(name, "Slurm", 2 * access.call_s)

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over, held, as so many arrays as they need. Returns their ids and their set: 7+8@ab12cd34."""
        return await self._lanes.call(self._lanes.submit, lambda: self._submit(launch))

    async def find(self, mark: str) -> Sighting:
        """Look into the queue, our own record and what the cluster keeps of jobs that are gone.

        A set of arrays that was not submitted whole never ran: it is removed here, and counts as absent. So does
        one that was acknowledged to us and forgotten, as a controller that is killed forgets its last seconds.
        """
        try:
            return await self._lanes.look(lambda: self._find(mark))
        except (BatchUnavailable, BatchRefused) as wrong:
            return MarkUnknown(str(wrong))

    async def list_marked(self, prefixes: Sequence[str]) -> Sequence[ReportedCluster]:
        """What the queue shows, which has what ended lately, too."""
        return await self._lanes.look(lambda: self._lookups.list_marked(tuple(prefixes)))

    async def recheck(self, clusters: Sequence[ClusterRef]) -> Mapping[ClusterRef, Sighting]:
        """Ask the queue, and of what it doesn't show what the cluster keeps: each once for all of them."""
        try:
            return await self._lanes.call(self._lanes.act, lambda: self._recheck(clusters))
        except (BatchUnavailable, BatchRefused) as wrong:
            return dict.fromkeys(clusters, MarkUnknown(str(wrong)))

    async def open(self, cluster: ClusterRef) -> None:
        """Let the arrays' jobs start; BatchForgot for those that a controller forgot before that."""
        await self._lanes.call(self._lanes.act, lambda: self._open(cluster))

    async def act(
        self,
        verb: JobActionVerb,
        cluster: ClusterRef,
        reason: str,
        numbers: Sequence[int] | None = None,
    ) -> None:
        """Remove, hold or release; what is held while it runs is stopped, and begins anew when released."""
        await self._lanes.call(
            self._lanes.act, lambda: self._act(verb, cluster, reason[:_REASON], numbers)
        )

    async def follow(self, cluster: FollowedCluster) -> Sequence[int]:
        """Refused: an array is known by its name, which is ours."""
        raise BatchRefused(
            "Slurm follows only what POMS submits itself: launch scripts that submit need HTCondor."
        )

    async def read(self, read_to: str | None, bound: int) -> EventBatch:
        """Read up to `bound` events past the place that was committed last."""
        return await self._lanes.call(self._lanes.read, lambda: self._read(read_to, bound))

    async def look_back(self) -> None:
        """Tell of launches again that were over."""
        await self._lanes.call(self._lanes.act, self._feed.journals.look_back)

    async def reports(self, wanted: Sequence[ReportKey]) -> ReportBatch:
        """The payloads' reports that are there."""
        return await self._lanes.call(self._lanes.reports, lambda: directory.read_reports(wanted))

    async def health(self) -> BatchHealth:
        """Whether the controller answers, and what it has in its hands; never raises."""
        try:
            return await self._lanes.call(self._lanes.health, self._health)
        except (BatchUnavailable, BatchRefused) as wrong:
            return BatchHealth(reachable=False, text=str(wrong))

    def _configuration(self) -> SlurmConfiguration:
        return self._configured or self._ask_configuration()

    def _ask_configuration(self) -> SlurmConfiguration:
        self._configured = fetch_configuration(self._programs)
        return self._configured

    def _submit(self, launch: Launch) -> str:
        numbers = [*launch.jobs]
        if not numbers or len(set(numbers)) < len(numbers) or min(numbers) < 0:
            raise BatchRefused("a launch needs jobs, each with a number of its own")
        order.put_script(launch.directory)
        configured = self._configuration()
        order.note_record(launch.directory, configured.record.state())
        blocks = order.divide_into_blocks(numbers, configured.most_tasks)
        which, bases = secrets.token_hex(4), dict[int, int]()
        for block in blocks:
            name = ArrayName(launch.mark, which, block.base, len(blocks))
            said = self._programs.run(
                *order.build_sbatch_command(launch, self._access, name, block.tasks)
            )
            bases[int(said.strip().partition(";")[0])] = block.base
        if len(blocks) > 1:
            there = self._lookups.in_queue(lambda name: name.set == which)
            # A controller that lost its last seconds may have given one id for two of them.
            is_whole = len(bases) == len(blocks)
            if not (is_whole and all(a in there and there[a].unfinished_jobs for a in bases)):
                raise BatchUnavailable("an array of it is gone, taken for a part that was left")
        native_id = str(NativeId(tuple(sorted(bases)), which))
        entry = SlurmEntry(native_id, launch.mark, launch.directory.absolute(), numbers, bases)
        self._feed.journals.journal(native_id).make(entry)
        return native_id

    def _find(self, mark: str) -> Sighting:
        return self._lookups.find(mark, self._ask_configuration)

    def _recheck(self, clusters: Sequence[ClusterRef]) -> dict[ClusterRef, Sighting]:
        configured, found = self._ask_configuration(), dict[ClusterRef, Sighting]()
        for cluster in clusters:
            try:
                # What is looked up so has been opened, whatever we have lost of that.
                self._follow(cluster, is_open=True)
            except BatchRefused as wrong:
                found[cluster] = MarkAbsent(str(wrong))
            except BatchUnavailable as wrong:
                found[cluster] = MarkUnknown(str(wrong))
        with self._lock:
            ids = [cluster.native_id for cluster in clusters if cluster not in found]
            sightings = self._feed.recheck(ids, configured)
        return found | {c: sightings[c.native_id] for c in clusters if c not in found}

    def _open(self, cluster: ClusterRef) -> None:
        id, journal = parse_native_id(cluster.native_id), self._follow(cluster, is_open=False)
        if journal.is_open:
            return
        there, entry = self._lookups.there(id), journal.entry()
        if entry and not journal.is_opening and there != {*id.arrays}:
            sighting = self._find(entry.mark)
            if isinstance(sighting, MarkAbsent):
                raise BatchForgot(sighting.proof)
            there = self._lookups.there(id)
        journal.opening()
        if there:
            self._programs.run("scontrol", "release", ",".join(map(str, there)), passing=True)
        journal.record_open_gate()

    def _follow(self, cluster: ClusterRef, *, is_open: bool) -> Journal:
        return self._lookups.follow(cluster, self._configuration().most_tasks, is_open=is_open)

    def _act(
        self, verb: JobActionVerb, cluster: ClusterRef, reason: str, numbers: Sequence[int] | None
    ) -> None:
        journal = self._follow(cluster, is_open=True)
        entry = journal.entry()
        assert entry is not None  # noqa: S101 - who follows it has seen to it
        if not entry.jobs(entry.bases, numbers):
            return
        journal.ask(str(verb), reason, numbers)
        jobs = entry.jobs(self._lookups.there(parse_native_id(cluster.native_id)), numbers)
        if not jobs:
            return
        if verb is JobActionVerb.REMOVE:
            self._programs.run("scancel", *jobs, passing=True)
            return
        self._programs.run("scontrol", str(verb), ",".join(jobs), passing=True)
        if verb is JobActionVerb.HOLD:
            # None of those that wait can start any more; those that run are stopped and put back.
            self._stop(entry, numbers)

    def _stop(self, entry: SlurmEntry, numbers: Sequence[int] | None) -> None:
        wanted = {entry.place(number) for number in (entry.numbers if numbers is None else numbers)}
        text = self._programs.run(*queue.TASKS, SLURM_TIME_FORMAT="%s")
        running = [
            f"{each.array}_{each.task}"
            for _, each in queue.parse_queue_tasks(text.splitlines(), entry.bases)
            if each.word == "RUNNING"
            and each.set == entry.set
            and (each.array, each.task) in wanted
        ]
        if running:
            self._programs.run("scontrol", "requeuehold", ",".join(running), passing=True)

    def _read(self, read_to: str | None, bound: int) -> EventBatch:
        with self._lock:
            return self._feed.read(read_to, bound, self._configuration())

    def _health(self) -> BatchHealth:
        configured = self._ask_configuration()
        counts = dict(_COUNT.findall(self._programs.run("sdiag")))
        return BatchHealth(
            reachable=True,
            text=f"Slurm {configured.version} of {configured.name} answers",
            slots=int(self._programs.run("sinfo", "--noheader", "--format=%C").split("/")[-1]),
            running=int(counts.get("running", 0)),
            queued=int(counts.get("pending", 0)),
            proof_of_absence=configured.proof(),
            wall=_WALL,
        )
