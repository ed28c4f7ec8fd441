"""What the queue and the history show of clusters: one question to each, whatever the number of clusters."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from batch import journal
from batch.htcondor.ads import WANTED, JobAd, count_starts
from batch.htcondor.child import BindingsChild
from batch.journal import KnownJob
from domain.submissions.jobs import JobState

LEFT_S = 40 * 86400.0
"""Who left the queue before this had ended longer ago than anybody keeps jobs there that are over."""
KnownJobs = Mapping[int, KnownJob]
"""By number, how the jobs of one cluster were told last."""


@dataclass(frozen=True, slots=True)
class HTCondorEntry(journal.JournalEntry):
    """A cluster that is followed: its job `proc` has the number `numbers[proc]`."""

    since: float = 0.0
    """When it began to be followed."""
    is_spooled: bool = False
    """Its jobs' sandboxes are to be brought back, and the schedd keeps the jobs until their ends are written down."""
    is_marked: bool = True
    """Its jobs' ads carry the mark; what a launch script submits in other ways has none."""

    @property
    def carried(self) -> str | None:
        """The mark in its jobs' ads."""
        return self.mark if self.is_marked else None


class ClusterSnapshot:
    """All that the queue and the history show of one cluster at one moment."""

    def __init__(self, entry: HTCondorEntry, next_: Mapping[str, int]) -> None:
        self.entry = entry
        self.has_factory = entry.native_id in next_
        self._next = next_.get(entry.native_id, len(entry.numbers))
        self.rows: dict[int, list[Any]] = {}
        self.ended: dict[int, list[Any]] = {}
        self.is_sought = False
        """Whether the history was asked for the jobs that are not in the queue."""
        self.lost: list[int] = []
        """Jobs that are neither in the queue nor in the history."""
        self.ready: dict[int, int] = {}
        """The jobs, with their numbers, that have ended and whose sandboxes are to be brought back."""

    def over(self, known: Mapping[int, KnownJob], gone: Collection[int]) -> list[int]:
        """The jobs in the queue of which the end has been told, those apart that were let go."""
        numbers = self.entry.numbers
        return [
            proc
            for proc in self.rows
            if proc not in gone
            and numbers[proc] in known and known[numbers[proc]].state.is_over
        ]  # fmt: skip

    def gone(self, known: Mapping[int, KnownJob]) -> list[int]:
        """The jobs that have been in the queue, are not there now and are not known to be over."""
        return [
            proc
            for proc, number in enumerate(self.entry.numbers)
            if proc not in self.rows and proc < self._next
            and not (number in known and known[number].state.is_over)
        ]  # fmt: skip

    def last(self, known: Mapping[int, KnownJob]) -> int:
        """The last of its jobs that was ever seen; all of them, where none was."""
        numbers = self.entry.numbers
        seen = {*self.rows, *self.ended, *(p for p, n in enumerate(numbers) if n in known)}
        return max(seen, default=len(numbers))

    def is_live(self, known: KnownJobs) -> bool:
        """Whether anything in the queue may still run."""
        numbers = self.entry.numbers
        over = {n for n, job in known.items() if job.state.is_over}
        return self._factory_waits or any(numbers[proc] not in over for proc in self.rows)

    @property
    def _factory_waits(self) -> bool:
        return self.has_factory and self._next < len(self.entry.numbers)

    def differs(self, known: KnownJobs) -> bool:
        """Whether it shows of any job what is not known: then something was lost on the way."""
        shown = {self.entry.numbers[proc]: JobAd.of(row) for proc, row in self.rows.items()}
        return bool(self.ended) or any(_is_news(ad, known.get(n)) for n, ad in shown.items())


def _is_news(ad: JobAd, known: KnownJob | None) -> bool:
    if known is None:
        return True
    if known.state.is_over or ad.is_stopping:
        return False
    if ad.state is not known.state:
        return True
    return ad.state is JobState.RUNNING and count_starts(ad) > known.attempt


def take_snapshots(
    child: BindingsChild,
    entries: Mapping[str, HTCondorEntry],
    known: Mapping[str, KnownJobs],
    is_patient: Callable[[str], bool] = lambda _: False,
) -> dict[str, ClusterSnapshot]:
    """Look at all jobs of some clusters that are not over; `is_patient`: the history is not asked again yet."""
    marks = {native_id: entry.carried for native_id, entry in entries.items()}
    told = child.call("jobs", clusters=marks, wanted=WANTED)
    found = {k: ClusterSnapshot(entry, told["next"]) for k, entry in entries.items()}
    for row in told["rows"]:
        found[str(row[0])].rows[row[1]] = row
    gone = {k: each.gone(known[k]) for k, each in found.items()}
    missing = {k: procs for k, procs in gone.items() if procs and not is_patient(k)}
    if missing:
        _search_history(child, found, missing, marks)
    return found


def _search_history(
    child: BindingsChild,
    found: Mapping[str, ClusterSnapshot],
    missing: Mapping[str, list[int]],
    marks: Mapping[str, str | None],
) -> None:
    """Look into the history for jobs that have left the queue."""
    since = min(found[native_id].entry.since for native_id in missing) - LEFT_S
    asked: dict[str, Any] = {"missing": missing, "since": since, "wanted": WANTED}
    for row in child.call("ended", **asked, clusters={k: marks[k] for k in missing}):
        found[str(row[0])].ended[row[1]] = row
    for native_id, procs in missing.items():
        each = found[native_id]
        each.is_sought, each.lost = True, [proc for proc in procs if proc not in each.ended]
