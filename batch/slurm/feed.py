"""One query for all launches that are followed; what it shows anew goes into their journals, and is read there."""

import json
import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from batch import (
    BatchRefused,
    BatchUnavailable,
    EventBatch,
    JobEvent,
    MarkAbsent,
    MarkFound,
    MarkUnknown,
    Sighting,
)
from batch.journal import order_events
from batch.journals import JournalFolder, parse_places
from batch.slurm import vanished
from batch.slurm.configuration import SlurmConfiguration
from batch.slurm.entry import SlurmEntry
from batch.slurm.order import locate_task_log
from batch.slurm.programs import SlurmPrograms
from batch.slurm.queue import TASKS, ArrayTask, parse_queue_tasks
from batch.slurm.record import JobRecord
from batch.slurm.record_queries import RecordAnswer, RecordQueries
from batch.slurm.transitions import ObservedJob, derive_job_events
from domain.submissions.jobs import JobState

MOST_RESTARTS = 20
"""So often a job is put back whose log can't be opened though its launch directory is here: nodes may not see that."""
_log = logging.getLogger(__name__)


class SlurmFeed:
    """The journals of one batch system, and what tells them."""

    def __init__(self, folder: Path, programs: SlurmPrograms, interval_s: float) -> None:
        self.journals = JournalFolder(folder, SlurmEntry)
        self._programs, self._interval_s = programs, interval_s
        self._asked_at = -interval_s
        self._lines: dict[str, ArrayTask] = {}
        self._asking = RecordQueries(interval_s)

    def read(self, read_to: str | None, bound: int, configured: SlurmConfiguration) -> EventBatch:
        """Ask if it is time to, then read up to `bound` events past the places."""
        committed = parse_places(json.loads(read_to or "{}"))
        with self.journals.alone():
            entries = self.journals.live(committed)
            if time.monotonic() - self._asked_at >= self._interval_s:
                self._ask(entries, configured.record)
                self._asked_at = time.monotonic()
        events, places = self.journals.read(committed, entries, bound)
        text = json.dumps(places, separators=(",", ":"), sort_keys=True)
        return EventBatch(events, text, behind=len(events) >= bound)

    def recheck(
        self, native_ids: Sequence[str], configured: SlurmConfiguration
    ) -> Mapping[str, Sighting]:
        """Compare these with all there is, whatever was compared before; the rest is told by who reads next."""
        with self.journals.alone():
            entries = {native_id: self.journals.take_up(native_id) for native_id in native_ids}
            self._asking.forget(native_ids)
            there, answers = self._ask(entries, configured.record)
        return {
            native_id: self._sight(entry, there.get(native_id), answers.get(native_id), configured)
            for native_id, entry in entries.items()
        }

    def _sight(
        self,
        entry: SlurmEntry,
        there: Mapping[int, ArrayTask] | None,
        answer: RecordAnswer | None,
        configured: SlurmConfiguration,
    ) -> Sighting:
        left = self._list_unfinished(entry)
        if not left or (there and not left.isdisjoint(there)):
            return MarkFound([entry.native_id])
        if answer is None or not answer.is_told:
            return MarkUnknown(
                (answer and answer.why_not) or "what the cluster keeps of it can't be asked now"
            )
        said = f"{len(left)} of its jobs are neither in the queue nor is an end of them told"
        return MarkAbsent(f"{said}: {configured.proof()}")

    def _ask(
        self, entries: Mapping[str, SlurmEntry], record: JobRecord
    ) -> tuple[Mapping[str, Mapping[int, ArrayTask]], Mapping[str, RecordAnswer]]:
        """Tell what is new of these; what the queue shows of each, and what the record says of what it doesn't."""
        for native_id in entries:
            self.journals.journal(native_id).catch_up()
        live = {k: e for k, e in entries.items() if not self.journals.journal(k).is_over}
        if not live:
            return {}, {}
        # Before the query: what is seen closed by it was closed after the gate had been opened.
        are_open = {name for name in live if self.journals.journal(name).is_open}
        arrays = {array for entry in live.values() for array in entry.bases}
        try:
            text = self._programs.run(*TASKS, SLURM_TIME_FORMAT="%s")
        except BatchRefused as wrong:
            raise BatchUnavailable(f"Slurm does not show its queue: {wrong}") from wrong
        shown: dict[int, list[ArrayTask]] = {}
        for task in self._parse_new_tasks(text, arrays):
            shown.setdefault(task.array, []).append(task)
        there = {name: _select_launch_tasks(entry, shown) for name, entry in live.items()}
        gone = {
            name: self._list_unfinished(entry) - there[name].keys() for name, entry in live.items()
        }
        answers = self._asking.answers({k: n for k, n in gone.items() if n}, live, record)
        for name, entry in live.items():
            self._compare(entry, there[name], answers.get(name), is_open=name in are_open)
        return there, answers

    def _list_unfinished(self, entry: SlurmEntry) -> set[int]:
        """The jobs of which the end is not known."""
        known = self.journals.journal(entry.native_id).known
        return {n for n in entry.numbers if n not in known or not known[n].state.is_over}

    def _parse_new_tasks(self, text: str, arrays: Collection[int]) -> Iterable[ArrayTask]:
        """The tasks shown; a line that was there the last time is the same task still."""
        lines, before = text.splitlines(), self._lines
        fresh = parse_queue_tasks([line for line in lines if line not in before], arrays)
        self._lines = {line: before[line] for line in lines if line in before} | dict(fresh)
        return self._lines.values()

    def _compare(
        self,
        entry: SlurmEntry,
        there: Mapping[int, ArrayTask],
        answer: RecordAnswer | None,
        *,
        is_open: bool,
    ) -> None:
        journal = self.journals.journal(entry.native_id)
        asked, now, known = journal.list_requests(), time.time(), journal.known
        left = sorted(self._list_unfinished(entry))
        gone = [number for number in left if number not in there]
        found = vanished.judge_vanished_jobs(entry, gone, known, asked, answer) if answer else {}
        if not journal.is_opening:
            # What nobody has opened and nothing tells of is for who opens it to find out.
            found = {n: told for n, told in found.items() if not _is_unknown(told)}
        for number in left:
            task = there.get(number)
            if task and task.never_began and self._will_begin(entry, number, task, asked):
                continue
            if task and journal.looked.get(number) != (task, is_open):
                log = locate_task_log(entry.directory, entry.bases[task.array], task.task)
                reasons = vanished.list_action_reasons(asked, number)
                look = ObservedJob(number, task, now, reasons, log, is_open=is_open)
                found[number] = list(derive_job_events(look, known.get(number)))
        journal.tell(order_events({number: events for number, events in found.items() if events}))
        # Only what was written down need not be looked at again.
        journal.looked.update((n, (task, is_open)) for n, task in there.items())

    def _will_begin(
        self, entry: SlurmEntry, number: int, task: ArrayTask, asked: Sequence[Mapping[str, Any]]
    ) -> bool:
        """Whether it begins again, or will where its launch directory comes back; what is to be removed does not."""
        if "remove" in vanished.list_action_reasons(asked, number):
            return False
        return not entry.directory.is_dir() or self._put_back(task)

    def _put_back(self, task: ArrayTask) -> bool:
        """Let a job begin again that never began, as when its launch directory was away; False: it stays failed."""
        if task.restarts >= MOST_RESTARTS:
            return False
        try:
            self._programs.run("scontrol", "requeue", f"{task.array}_{task.task}")
        except BatchRefused as wrong:
            _log.warning("job %s_%s can't be put back: %s", task.array, task.task, wrong)
            return False
        return True


def _select_launch_tasks(
    entry: SlurmEntry, shown: Mapping[int, Sequence[ArrayTask]]
) -> dict[int, ArrayTask]:
    """The tasks shown that are a launch's, by their jobs' numbers."""
    return {
        base + task.task: task
        for array, base in entry.bases.items()
        for task in shown.get(array, ())
        if task.set == entry.set
    }


def _is_unknown(told: Sequence[JobEvent]) -> bool:
    return bool(told) and told[-1].state is JobState.UNKNOWN
