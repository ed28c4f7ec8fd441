"""The batch system itself: what POMS asks, in Slurm's words."""

import asyncio
import re
import secrets
import threading
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
from batch.slurm import completions, order, queue
from batch.slurm.access import Access
from batch.slurm.configuration import COMMAND, Configuration, configuration
from batch.slurm.entry import Entry, Journal
from batch.slurm.feed import Feed
from batch.slurm.order import Name
from batch.slurm.programs import Programs
from batch.slurm.queue import Array
from domain.discrepancies import Cluster
from domain.jobs import Verb

_T = TypeVar("_T")
_REASON = 1000
_COUNT = re.compile(r"^Jobs (pending|running):\s*(\d+)", re.MULTILINE)
_NATIVE_ID = re.compile(r"\d{1,10}(\+\d{1,10})*", re.ASCII)


class Slurm:
    """Jobs in the queue of one cluster, which sees the launch directories as we do."""

    def __init__(self, access: Access, spool: Path, name: str = "slurm") -> None:
        self.name, self._access, self._spool = name, access, spool
        self._programs, self._lock = Programs(access), threading.Lock()
        self._feed = Feed(spool.absolute() / name, self._programs, access.interval_s)
        self._configured: Configuration | None = None

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over, held, as so many arrays as they need. Returns the arrays' ids: 7 or 7+8."""
        return await self._call(lambda: self._submit(launch))

    async def find(self, mark: str) -> Sighting:
        """Look into the queue, our own record and what the cluster keeps of jobs that are gone.

        A set of arrays that was not submitted whole never ran: it is removed here, and counts as absent.
        """
        try:
            return await self._call(lambda: self._find(mark))
        except (BatchUnavailable, BatchRefused) as wrong:
            return Unknown(str(wrong))

    async def marked(self, prefixes: Sequence[str]) -> Sequence[Cluster]:
        """What the queue shows, which has what ended lately, too."""
        return await self._call(lambda: self._marked(tuple(prefixes)))

    async def open(self, native_id: str) -> None:
        """Let the arrays' jobs start; once more changes nothing."""
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
            self._configured = configuration(self._programs.run(*COMMAND))
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
            there = self._in_queue(launch.mark.__eq__)
            if not all(array in there and there[array].left for array in bases):
                raise BatchUnavailable(
                    "an array of it is gone: it was taken for a part that was left"
                )
        native_id = _joined(bases)
        entry = Entry(native_id, launch.mark, launch.directory.absolute(), numbers, bases)
        self._feed.journals.journal(native_id).make(entry)
        return native_id

    def _in_queue(self, marks: Callable[[str], bool]) -> dict[int, Array]:
        """The arrays in the queue whose marks are wanted."""
        there = queue.arrays(self._programs.run(*queue.NAMES))
        return {array: each for array, each in there.items() if marks(each.name.mark)}

    def _find(self, mark: str) -> Sighting:
        known = self._configuration()
        there = self._in_queue(mark.__eq__)
        names = {array: each.name for array, each in there.items()}
        if known.completions:
            names = completions.names(known.completions, mark) | names
        entries = {k for k, entry in self._feed.journals.entries().items() if entry.mark == mark}
        sets = _sets(names)
        alive = {a for a, shown in there.items() if shown.left or shown.has_started}
        # Of one that lost an array before it ran, the others can only be removed.
        whole = entries | {
            _joined(each)
            for each in sets
            if _is_whole(each) and each.keys() & alive in (each.keys(), set())
        }
        if whole:
            return Found(sorted(whole, key=_first))
        if rest := [array for each in sets for array in each if array in there]:
            return self._remove_rest(rest, there)
        proof = known.is_absent(_began(self._spool, mark))
        return Absent(proof) if proof else Unknown(known.proof())

    def _remove_rest(self, rest: Sequence[int], there: Mapping[int, Array]) -> Sighting:
        words = ", ".join(map(str, rest))
        if any(there[array].has_started for array in rest):
            return Unknown(f"some of its arrays have run, and others are gone: {words}")
        self._programs.run("scancel", *map(str, rest), passing=True)
        return Absent(f"{words} were only a part of what it needs: they never ran, and are removed")

    def _marked(self, prefixes: tuple[str, ...]) -> list[Cluster]:
        there = self._in_queue(lambda mark: mark.startswith(prefixes))
        followed = {frozenset(entry.bases): k for k, entry in self._feed.journals.entries().items()}
        found = []
        for each in _sets({array: shown.name for array, shown in there.items()}):
            # Of a set that is followed the queue may have forgotten some arrays already.
            native_id = next((k for all_, k in followed.items() if all_ >= each.keys()), None)
            left = sum(there[array].left for array in each)
            if native_id or left or _is_whole(each):
                name = next(iter(each.values()))
                has_started = any(there[array].has_started for array in each)
                told = (native_id or _joined(each), name.mark, left, has_started)
                found.append(Cluster(*told))
        return found

    def _open(self, native_id: str) -> None:
        journal = self._followed(native_id)
        if not journal.is_open:
            self._programs.run("scontrol", "release", native_id.replace("+", ","), passing=True)
            journal.opened()

    def _followed(self, native_id: str) -> Journal:
        """The journal of a launch; one that was found by its mark is followed from here on."""
        if not _NATIVE_ID.fullmatch(native_id):
            raise BatchRefused(f"not an array of Slurm: {native_id!r}")
        journal = self._feed.journals.journal(native_id)
        over = self._feed.journals.laid_aside(native_id)
        if journal.entry() is None and over.entry():
            return over
        if journal.entry() is None:
            wanted = {int(array) for array in native_id.split("+")}
            there = self._in_queue(lambda _: True)
            names = {array: there[array].name for array in wanted & there.keys()}
            if names.keys() != wanted:
                raise BatchRefused(f"Slurm does not know {native_id}, or it is not ours")
            mark = next(iter(names.values())).mark
            place = directory.directory_of(self._spool, mark).absolute()
            numbers = sorted(int(path.stem) for path in (place / "units").glob("*.json"))
            bases = {array: names[array].base for array in sorted(names)}
            journal.make(Entry(native_id, mark, place, numbers, bases))
        return journal

    def _act(self, verb: Verb, native_id: str, reason: str, numbers: Sequence[int] | None) -> None:
        journal = self._followed(native_id)
        entry = journal.entry()
        assert entry is not None  # noqa: S101 - `_followed` has seen to it
        jobs = _jobs(entry, numbers)
        if not jobs:
            return
        journal.ask(str(verb), reason, numbers)
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
            if each.word == "RUNNING" and (each.array, each.task) in wanted
        ]
        if running:
            self._programs.run("scontrol", "requeuehold", ",".join(running), passing=True)

    def _read(self, read_to: str | None, bound: int) -> Batch:
        with self._lock:
            return self._feed.read(read_to, bound, self._configuration())

    def _health(self) -> Health:
        self._configured = configuration(self._programs.run(*COMMAND))
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


def _jobs(entry: Entry, numbers: Sequence[int] | None) -> list[str]:
    """All arrays, or some tasks of them, as Slurm names them."""
    if numbers is None:
        return [str(array) for array in entry.bases]
    tasks: dict[int, list[int]] = {}
    for number in sorted({*numbers} & {*entry.numbers}):
        array, task = entry.place(number)
        tasks.setdefault(array, []).append(task)
    return [f"{array}_[{order.ranges(each)}]" for array, each in tasks.items()]


def _sets(names: Mapping[int, Name]) -> list[dict[int, Name]]:
    found: dict[str, dict[int, Name]] = {}
    for array, name in sorted(names.items()):
        found.setdefault(name.set, {})[array] = name
    return list(found.values())


def _is_whole(names: Mapping[int, Name]) -> bool:
    return len(names) == next(iter(names.values())).arrays


def _joined(arrays: Mapping[int, object]) -> str:
    return "+".join(map(str, sorted(arrays)))


def _first(native_id: str) -> int:
    return int(native_id.partition("+")[0])


def _began(spool: Path, mark: str) -> float | None:
    """When the launch directory of a mark was made, which is just before it is submitted."""
    try:
        return (directory.directory_of(spool, mark) / "digest").stat().st_mtime
    except OSError:
        return None
