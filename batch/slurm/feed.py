"""One query for all launches that are followed; what it shows anew goes into their journals, and is read there."""

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from batch import Batch, BatchRefused, BatchUnavailable, JobEvent
from batch.journal import in_order
from batch.journals import Journals, parsed
from batch.slurm import vanished
from batch.slurm.asking import Answer, Asking
from batch.slurm.entry import Entry
from batch.slurm.order import log_of
from batch.slurm.programs import Programs
from batch.slurm.queue import TASKS, Task, tasks
from batch.slurm.record import Record
from batch.slurm.story import Look, news
from domain.jobs import JobState


class Feed:
    """The journals of one batch system, and what tells them."""

    def __init__(self, folder: Path, programs: Programs, interval_s: float) -> None:
        self.journals = Journals(folder, Entry)
        self._programs, self._interval_s = programs, interval_s
        self._asked_at = -interval_s
        self._lines: dict[str, Task] = {}
        self._asking = Asking(interval_s)

    def read(self, read_to: str | None, bound: int, record: Record) -> Batch:
        """Ask if it is time to, then read up to `bound` events past the places."""
        committed = parsed(json.loads(read_to or "{}"))
        with self.journals.alone():
            entries = self.journals.live(committed)
            if time.monotonic() - self._asked_at >= self._interval_s:
                self._ask(entries, record)
                self._asked_at = time.monotonic()
        events, places = self.journals.read(committed, entries, bound)
        text = json.dumps(places, separators=(",", ":"), sort_keys=True)
        return Batch(events, text, behind=len(events) >= bound)

    def _ask(self, entries: Mapping[str, Entry], record: Record) -> None:
        for native_id in entries:
            self.journals.journal(native_id).catch_up()
        live = {k: e for k, e in entries.items() if not self.journals.journal(k).is_over}
        if not live:
            return
        # Before the query: what is seen closed by it was closed after the gate had been opened.
        are_open = {name for name in live if self.journals.journal(name).is_open}
        arrays = {array for entry in live.values() for array in entry.bases}
        try:
            text = self._programs.run(*TASKS, SLURM_TIME_FORMAT="%s")
        except BatchRefused as wrong:
            raise BatchUnavailable(f"Slurm does not show its queue: {wrong}") from wrong
        shown: dict[int, list[Task]] = {}
        for task in self._parsed(text, arrays):
            shown.setdefault(task.array, []).append(task)
        there = {name: _of(entry, shown) for name, entry in live.items()}
        gone = {name: self._left(entry) - there[name].keys() for name, entry in live.items()}
        answers = self._asking.answers({k: n for k, n in gone.items() if n}, live, record)
        for name, entry in live.items():
            self._compare(entry, there[name], answers.get(name), is_open=name in are_open)

    def _left(self, entry: Entry) -> set[int]:
        """The jobs of which the end is not known."""
        known = self.journals.journal(entry.native_id).known
        return {n for n in entry.numbers if n not in known or not known[n].state.is_over}

    def _parsed(self, text: str, arrays: Collection[int]) -> Iterable[Task]:
        """The tasks shown; a line that was there the last time is the same task still."""
        lines, before = text.splitlines(), self._lines
        fresh = tasks([line for line in lines if line not in before], arrays)
        self._lines = {line: before[line] for line in lines if line in before} | dict(fresh)
        return self._lines.values()

    def _compare(
        self, entry: Entry, there: Mapping[int, Task], answer: Answer | None, *, is_open: bool
    ) -> None:
        journal = self.journals.journal(entry.native_id)
        asked, now, known = journal.asked(), time.time(), journal.known
        left = sorted(self._left(entry))
        gone = [number for number in left if number not in there]
        found = vanished.judged(entry, gone, known, asked, answer) if answer else {}
        if not journal.is_opening:
            # What nobody has opened and nothing tells of is for who opens it to find out.
            found = {n: told for n, told in found.items() if not _is_unknown(told)}
        for number in left:
            task = there.get(number)
            if task and journal.looked.get(number) != (task, is_open):
                log = log_of(entry.directory, entry.bases[task.array], task.task)
                reasons = vanished.reasons(asked, number)
                look = Look(number, task, now, reasons, log, is_open=is_open)
                found[number] = list(news(look, known.get(number)))
        journal.tell(in_order({number: events for number, events in found.items() if events}))
        # Only what was written down need not be looked at again.
        journal.looked.update((n, (task, is_open)) for n, task in there.items())


def _of(entry: Entry, shown: Mapping[int, Sequence[Task]]) -> dict[int, Task]:
    """The tasks shown that are a launch's, by their jobs' numbers."""
    return {
        base + task.task: task
        for array, base in entry.bases.items()
        for task in shown.get(array, ())
        if task.set == entry.set
    }


def _is_unknown(told: Sequence[JobEvent]) -> bool:
    return bool(told) and told[-1].state is JobState.UNKNOWN
