"""The batch system itself: what POMS asks, in Slurm's words."""

import asyncio
import re
import secrets
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from batch import (
    Absent,
    Batch,
    BatchForgot,
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
from batch.slurm import order, queue
from batch.slurm.access import Access
from batch.slurm.configuration import Configuration, configuration
from batch.slurm.entry import Entry, Journal
from batch.slurm.feed import Feed
from batch.slurm.order import Name, NativeId, native
from batch.slurm.programs import Programs
from batch.slurm.queue import Array
from domain.discrepancies import Cluster
from domain.jobs import Verb

_T = TypeVar("_T")
_REASON = 1000
_COUNT = re.compile(r"^Jobs (pending|running):\s*(\d+)", re.MULTILINE)


class Slurm:
    """Jobs in the queue of one cluster, which sees the launch directories as we do."""

    def __init__(self, access: Access, spool: Path, name: str = "slurm") -> None:
        self.name, self._access, self._spool = name, access, spool
        self._programs, self._lock = Programs(access), threading.Lock()
        self._feed = Feed(spool.absolute() / name, self._programs, access.interval_s)
        self._configured: Configuration | None = None

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over, held, as so many arrays as they need. Returns their ids and their set: 7+8@ab12cd34."""
        return await self._call(lambda: self._submit(launch))

    async def find(self, mark: str) -> Sighting:
        """Look into the queue, our own record and what the cluster keeps of jobs that are gone.

        A set of arrays that was not submitted whole never ran: it is removed here, and counts as absent. So does
        one that was acknowledged to us and forgotten, as a controller that is killed forgets its last seconds.
        """
        try:
            return await self._call(lambda: self._find(mark))
        except (BatchUnavailable, BatchRefused) as wrong:
            return Unknown(str(wrong))

    async def marked(self, prefixes: Sequence[str]) -> Sequence[Cluster]:
        """What the queue shows, which has what ended lately, too."""
        return await self._call(lambda: self._marked(tuple(prefixes)))

    async def open(self, native_id: str) -> None:
        """Let the arrays' jobs start; once more changes nothing.

        Raises BatchForgot for arrays that a controller has forgotten before anybody opened them.
        """
        await self._call(lambda: self._open(native_id))

    async def act(
        self, verb: Verb, native_id: str, reason: str, numbers: Sequence[int] | None = None
    ) -> None:
        """Remove, hold or release; what is held while it runs is stopped, and begins anew when released."""
        await self._call(lambda: self._act(verb, native_id, reason[:_REASON], numbers))

    async def follow(self, cluster: Followed) -> Sequence[int]:
        """Refused: an array is known by its name, which is ours."""
        raise BatchRefused(
            "Slurm follows only what POMS submits itself: launch scripts that submit need HTCondor."
        )

    async def read(self, read_to: str | None, bound: int) -> Batch:
        """Read up to `bound` events past the place that was committed last."""
        return await self._call(lambda: self._read(read_to, bound))

    async def look_back(self) -> None:
        """Tell of launches again that were over."""
        await self._call(self._feed.journals.look_back)

    async def reports(self, wanted: Sequence[ReportKey]) -> Mapping[ReportKey, Mapping[str, Any]]:
        """The payloads' reports that are there."""
        return await self._call(lambda: directory.reports(wanted))

    async def health(self) -> Health:
        """Whether the controller answers, and what it has in its hands; never raises."""
        try:
            return await self._call(self._health)
        except (BatchUnavailable, BatchRefused) as wrong:
            return Health(reachable=False, text=str(wrong))

    async def _call(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.wait_for(asyncio.to_thread(work), 2 * self._access.call_s)
        except (OSError, TimeoutError) as wrong:
            raise BatchUnavailable(f"Slurm: {str(wrong) or 'no answer in time'}") from wrong

    def _configuration(self) -> Configuration:
        if self._configured is None:
            self._configured = configuration(self._programs)
        return self._configured

    def _submit(self, launch: Launch) -> str:
        numbers = [*launch.jobs]
        if not numbers or len(set(numbers)) < len(numbers) or min(numbers) < 0:
            raise BatchRefused("a launch needs jobs, each with a number of its own")
        order.put_script(launch.directory)
        blocks = order.blocks(numbers, self._configuration().most_tasks)
        which, bases = secrets.token_hex(4), dict[int, int]()
        for block in blocks:
            name = Name(launch.mark, which, block.base, len(blocks))
            said = self._programs.run(*order.command(launch, self._access, name, block.tasks))
            bases[int(said.strip().partition(";")[0])] = block.base
        if len(bases) > 1:
            there = self._in_queue(lambda name: name.set == which)
            if not all(array in there and there[array].left for array in bases):
                raise BatchUnavailable("an array of it is gone, taken for a part that was left")
        native_id = str(NativeId(tuple(sorted(bases)), which))
        entry = Entry(native_id, launch.mark, launch.directory.absolute(), numbers, bases)
        self._feed.journals.journal(native_id).make(entry)
        return native_id

    def _in_queue(self, wanted: Callable[[Name], bool], *narrowed: str) -> dict[int, Array]:
        """The arrays in the queue whose names are wanted."""
        there = queue.arrays(self._programs.run(*queue.NAMES, *narrowed, passing=True))
        return {array: each for array, each in there.items() if wanted(each.name)}

    def _there(self, id: NativeId) -> set[int]:
        """The arrays that are in the queue and still this submission's: nothing is asked of others by their ids."""
        narrowed = f"--jobs={','.join(map(str, id.arrays))}"
        return {*self._in_queue(lambda name: name.set == id.set, narrowed)} & {*id.arrays}

    def _find(self, mark: str) -> Sighting:
        there = self._in_queue(lambda name: name.mark == mark)
        # After the queue; and anew, as it says how long the controller has been there.
        self._configured = configuration(self._programs)
        kept = self._configured.kept(mark, _began(self._spool, mark))
        names = {**kept.names, **{array: each.name for array, each in there.items()}}
        sets, proof = order.sets(names), kept.proof
        alive = {a for a, shown in there.items() if shown.left or shown.has_started}
        # Of one that lost an array before it ran, the others can only be removed.
        whole = {
            order.called(each)
            for each in sets.values()
            if order.is_whole(each) and each.keys() & alive in (each.keys(), set())
        }
        whole |= self._acknowledged(mark, sets if proof else None)
        if whole:
            return Found(sorted(whole, key=_first))
        if rest := [array for each in sets.values() for array in each if array in there]:
            return self._remove_rest(rest, there)
        return Absent(proof) if proof else Unknown(kept.doubt)

    def _acknowledged(self, mark: str, shown: Collection[str] | None) -> set[str]:
        """What we were told of; of what could still be seen only what is (in part), and may have run."""
        journals = self._feed.journals
        return {
            native_id
            for native_id, entry in journals.entries().items()
            if entry.mark == mark
            and (shown is None or (entry.set in shown and journals.journal(native_id).is_opening))
        }

    def _remove_rest(self, rest: Sequence[int], there: Mapping[int, Array]) -> Sighting:
        words = ", ".join(map(str, rest))
        if any(there[array].has_started for array in rest):
            return Unknown(f"some of its arrays have run, and others are gone: {words}")
        self._programs.run("scancel", *map(str, rest), passing=True)
        return Absent(f"{words} were only a part of what it needs: they never ran, and are removed")

    def _marked(self, prefixes: tuple[str, ...]) -> list[Cluster]:
        there = self._in_queue(lambda name: name.mark.startswith(prefixes))
        # Of a set that is followed the queue may have forgotten some arrays already.
        followed = {entry.set: k for k, entry in self._feed.journals.entries().items()}
        found = []
        for set_, each in order.sets({array: shown.name for array, shown in there.items()}).items():
            left = sum(there[array].left for array in each)
            if set_ in followed or left or order.is_whole(each):
                name = next(iter(each.values()))
                has_started = any(there[array].has_started for array in each)
                told = (followed.get(set_) or order.called(each), name.mark, left, has_started)
                found.append(Cluster(*told))
        return found

    def _open(self, native_id: str) -> None:
        id = _native(native_id)
        journal = self._followed(id)
        if journal.is_open:
            return
        there, entry = self._there(id), journal.entry()
        if entry and not journal.is_opening and there != {*id.arrays}:
            sighting = self._find(entry.mark)
            if isinstance(sighting, Absent):
                raise BatchForgot(sighting.proof)
        journal.opening()
        if there:
            self._programs.run("scontrol", "release", ",".join(map(str, there)), passing=True)
        journal.opened()

    def _followed(self, id: NativeId) -> Journal:
        """The journal of a launch; one that was found by its mark is followed from here on."""
        journal = self._feed.journals.journal(str(id))
        over = self._feed.journals.laid_aside(str(id))
        if journal.entry() is None and over.entry():
            return over
        if journal.entry() is None:
            there = self._in_queue(lambda name: name.set == id.set)
            if there.keys() != {*id.arrays}:
                raise BatchRefused(f"Slurm does not know {id}, or it is not ours")
            bases = {array: there[array].name.base for array in id.arrays}
            mark = there[id.arrays[0]].name.mark
            place = directory.directory_of(self._spool, mark).absolute()
            numbers = sorted(int(path.stem) for path in (place / "units").glob("*.json"))
            journal.make(Entry(str(id), mark, place, numbers, bases))
        return journal

    def _act(self, verb: Verb, native_id: str, reason: str, numbers: Sequence[int] | None) -> None:
        id = _native(native_id)
        journal = self._followed(id)
        entry = journal.entry()
        assert entry is not None  # noqa: S101 - `_followed` has seen to it
        if not entry.jobs(entry.bases, numbers):
            return
        journal.ask(str(verb), reason, numbers)
        jobs = entry.jobs(self._there(id), numbers)
        if not jobs:
            return
        if verb is Verb.REMOVE:
            self._programs.run("scancel", *jobs, passing=True)
            return
        self._programs.run("scontrol", str(verb), ",".join(jobs), passing=True)
        if verb is Verb.HOLD:
            # None of those that wait can start any more; those that run are stopped and put back.
            self._stop(entry, numbers)

    def _stop(self, entry: Entry, numbers: Sequence[int] | None) -> None:
        wanted = {entry.place(number) for number in (entry.numbers if numbers is None else numbers)}
        text = self._programs.run(*queue.TASKS, SLURM_TIME_FORMAT="%s")
        running = [
            f"{each.array}_{each.task}"
            for _, each in queue.tasks(text.splitlines(), entry.bases)
            if each.word == "RUNNING"
            and each.set == entry.set
            and (each.array, each.task) in wanted
        ]
        if running:
            self._programs.run("scontrol", "requeuehold", ",".join(running), passing=True)

    def _read(self, read_to: str | None, bound: int) -> Batch:
        with self._lock:
            return self._feed.read(read_to, bound, self._configuration().record)

    def _health(self) -> Health:
        self._configured = configuration(self._programs)
        cores = self._programs.run("sinfo", "--noheader", "--format=%C").split("/")
        counts = dict(_COUNT.findall(self._programs.run("sdiag")))
        return Health(
            reachable=True,
            text=f"Slurm {self._configured.version} of {self._configured.name} answers",
            slots=int(cores[-1]),
            running=int(counts.get("running", 0)),
            queued=int(counts.get("pending", 0)),
            proof_of_absence=self._configured.proof(),
        )


def _native(text: str) -> NativeId:
    known = native(text)
    if known is None:
        raise BatchRefused(f"not a submission to Slurm: {text!r}")
    return known


def _first(native_id: str) -> int:
    return _native(native_id).arrays[0]


def _began(spool: Path, mark: str) -> float | None:
    """When the launch directory of a mark was made, which is just before it is submitted."""
    try:
        return (directory.directory_of(spool, mark) / "digest").stat().st_mtime
    except OSError:
        return None
