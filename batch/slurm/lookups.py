"""What of ours is in the cluster: by marks in the queue, in our own journals, and in what the cluster keeps."""

import os
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from batch import (
    BatchRefused,
    BatchUnavailable,
    ClusterRef,
    MarkAbsent,
    MarkFound,
    MarkUnknown,
    Sighting,
    directory,
)
from batch.journals import JournalFolder
from batch.slurm import order, queue
from batch.slurm.configuration import SlurmConfiguration
from batch.slurm.entry import Journal, SlurmEntry
from batch.slurm.order import ArrayName, NativeId, parse_slurm_id
from batch.slurm.programs import SlurmPrograms
from batch.slurm.queue import QueuedArray
from batch.slurm.record import LaunchTraces
from domain.batch.reconciliation import ReportedCluster


class SlurmLookups:
    """Questions that change nothing, but for what was only a part of a launch."""

    def __init__(
        self, programs: SlurmPrograms, journals: JournalFolder[SlurmEntry], spool: Path
    ) -> None:
        self._programs, self._journals, self._spool = programs, journals, spool

    def in_queue(
        self, wanted: Callable[[ArrayName], bool], *narrowed: str
    ) -> dict[int, QueuedArray]:
        """The arrays in the queue whose names are wanted."""
        there = queue.parse_arrays(self._programs.run(*queue.NAMES, *narrowed, passing=True))
        return {array: each for array, each in there.items() if wanted(each.name)}

    def there(self, id: NativeId) -> set[int]:
        """The arrays that are in the queue and still this submission's: nothing is asked of others by their ids."""
        narrowed = f"--jobs={','.join(map(str, id.arrays))}"
        return {*self.in_queue(lambda name: name.set == id.set, narrowed)} & {*id.arrays}

    def find(self, mark: str, ask: Callable[[], SlurmConfiguration]) -> Sighting:
        """The submissions that carry a mark; `ask` asks the cluster for its configuration."""
        there = self.in_queue(lambda name: name.mark == mark)
        # After the queue; and anew, as it says how long the controller has been there.
        kept = ask().read_mark(mark, _read_traces(self._spool, mark))
        names = {**kept.names, **{array: each.name for array, each in there.items()}}
        sets, proof = order.group_by_submission(names), kept.proof
        alive = {a for a, shown in there.items() if shown.unfinished_jobs or shown.has_started}
        # Of one that lost an array before it ran, the others can only be removed.
        whole = {
            order.format_slurm_id(each)
            for each in sets.values()
            if order.is_whole(each) and each.keys() & alive in (each.keys(), set())
        }
        whole |= self._list_acknowledged(mark, sets if proof else None)
        if whole:
            return MarkFound(sorted(whole, key=lambda each: parse_native_id(each).arrays[0]))
        if any(array in there for each in sets.values() for array in each):
            return self._remove_rest(mark)
        return MarkAbsent(proof) if proof else MarkUnknown(kept.doubt)

    def _list_acknowledged(self, mark: str, shown: Collection[str] | None) -> set[str]:
        """What we were told of; of what could still be seen only what is (in part), and may have run."""
        return {
            native_id
            for native_id, entry in self._journals.entries().items()
            if entry.mark == mark
            and (
                shown is None
                or (entry.set in shown and self._journals.journal(native_id).is_opening)
            )
        }

    def _remove_rest(self, mark: str) -> Sighting:
        # As the queue is now: what else was asked took its time, and ids may have begun again.
        there = self.in_queue(lambda name: name.mark == mark)
        words = ", ".join(map(str, there))
        if any(shown.has_started for shown in there.values()):
            return MarkUnknown(f"some of its arrays have run, and others are gone: {words}")
        if there:
            self._programs.run("scancel", *map(str, there), passing=True)
        return MarkAbsent(
            f"{words} were only a part of what it needs: they never ran, and are removed"
        )

    def list_marked(self, prefixes: tuple[str, ...]) -> list[ReportedCluster]:
        """The submissions in the queue whose marks begin so."""
        there = self.in_queue(lambda name: name.mark.startswith(prefixes))
        # Of a set that is followed the queue may have forgotten some arrays already.
        followed = {entry.set: k for k, entry in self._journals.entries().items()}
        found = []
        for set_, each in order.group_by_submission(
            {array: shown.name for array, shown in there.items()}
        ).items():
            left = sum(there[array].unfinished_jobs for array in each)
            if set_ in followed or left or order.is_whole(each):
                name = next(iter(each.values()))
                has_started = any(there[array].has_started for array in each)
                told = (
                    followed.get(set_) or order.format_slurm_id(each),
                    name.mark,
                    left,
                    has_started,
                )
                found.append(ReportedCluster(*told))
        return found

    def follow(self, cluster: ClusterRef, most_tasks: int, *, is_open: bool) -> Journal:
        """The journal of a launch; one that was found by its mark, or whose journal was lost, is followed from now on.

        `is_open`: whether its gate has been opened, where nothing is written down. BatchRefused where nothing of this
        id carries the mark, in the queue or in what we wrote down.
        """
        id = parse_native_id(cluster.native_id)
        journal = self._journals.journal(str(id))
        entry = journal.entry()
        if entry is None and (over := self._journals.laid_aside(str(id)).entry()) is not None:
            journal, entry = self._journals.laid_aside(str(id)), over
        if entry is None:
            entry = self._made_again(cluster, id, most_tasks)
            journal.make(entry)
            if is_open:
                journal.record_open_gate()
        if entry.mark != cluster.mark:
            raise BatchRefused(f"{id} carries another mark than {cluster.mark}")
        return journal

    def _made_again(self, cluster: ClusterRef, id: NativeId, most_tasks: int) -> SlurmEntry:
        """By what the queue shows; of what it doesn't show, by how the launch directory would be submitted."""
        there = self.in_queue(lambda name: name.set == id.set)
        place = directory.locate_launch_directory(self._spool, cluster.mark).absolute()
        numbers = sorted(int(path.stem) for path in (place / "units").glob("*.json"))
        bases = [block.base for block in order.divide_into_blocks(numbers, most_tasks)]
        found = {array: each.name.base for array, each in there.items()}
        if there.keys() != {*id.arrays}:
            found = dict(zip(id.arrays, bases, strict=False))
        shown = {each.name.mark for each in there.values()} or {cluster.mark}
        if there and shown == {cluster.mark} and not numbers:
            raise BatchUnavailable(f"{place} is gone: the jobs of {id} can't be told apart")
        if len(found) != len(id.arrays) or not numbers or shown != {cluster.mark}:
            raise BatchRefused(f"Slurm does not know {id} with the mark {cluster.mark}")
        return SlurmEntry(str(id), cluster.mark, place, numbers, found)


def parse_native_id(text: str) -> NativeId:
    """What a native id stands for; BatchRefused where it is none of Slurm's."""
    if (known := parse_slurm_id(text)) is None:
        raise BatchRefused(f"not a submission to Slurm: {text!r}")
    return known


def _read_traces(spool: Path, mark: str) -> LaunchTraces:
    """Of a launch directory, which is made just before anything of it is submitted."""
    place, age, state = directory.locate_launch_directory(spool, mark), None, ""
    with suppress(OSError):
        # Both times are the file server's: its clock may not be ours.
        with tempfile.TemporaryFile(dir=place.parent) as now:
            age = os.fstat(now.fileno()).st_mtime - (place / "digest").stat().st_mtime
        state = order.read_record(place)
    return LaunchTraces(age, state)
