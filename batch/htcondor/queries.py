"""One query for all clusters that are followed so; what it shows anew goes into their journals, and is read there.

The query waits for the schedd in a thread of its own: a reader finds what has been told by then.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batch import BatchUnavailable, JobEvent, journal
from batch.htcondor.ads import WANTED, Ad, news
from batch.htcondor.child import Child
from batch.htcondor.porter import Porter
from batch.journal import Journal, Known, in_order
from batch.journals import Journals, Places
from domain.jobs import JobState

LEFT_S = 40 * 86400.0
"""Who left the queue before this had ended longer ago than anybody keeps jobs there that are over."""
_MOST_PAUSE_S = 3600.0
_LET_GO = 1000
"""How many jobs leave the queue at once: the schedd removes their files meanwhile, and answers nobody."""
_NOTHING = "the schedd does not know it any more, neither in the queue nor in the history"
_NEVER = "removed before it was in the queue"


@dataclass(frozen=True, slots=True)
class Entry(journal.Entry):
    """A cluster that is followed: its job `proc` has the number `numbers[proc]`."""

    since: float = 0.0
    """When it began to be followed."""
    is_spooled: bool = False
    """Its jobs' sandboxes are to be brought back, and the schedd keeps the jobs until their ends are written down."""


class Queries:
    """The journals of one schedd, and what tells them."""

    def __init__(self, folder: Path, child: Child, porter: Porter, interval_s: float) -> None:
        self.journals = Journals(folder, Entry)
        self._child, self._porter, self._interval_s = child, porter, interval_s
        self._thread: ThreadPoolExecutor | None = None
        self._asking: Future[None] | None = None
        self._asked_at, self._is_well = -interval_s, True
        self._patience: dict[str, tuple[float, float]] = {}
        """Of clusters with jobs that nothing tells of: when to look again, and how long to wait after that."""
        self._gone: dict[str, set[int]] = {}
        """The jobs that were let go."""

    def read(self, committed: Places, bound: int) -> tuple[Sequence[JobEvent], Places]:
        """Up to `bound` events past the places, and the places after them."""
        if not self.journals.exist:
            return [], {}
        with self.journals.alone():
            entries = self.journals.live(committed)
        return self.journals.read(committed, entries, bound)

    def ask_in_time(self) -> None:
        """Begin to ask if it is time to and there is something to ask for; raises what the last query met."""
        if self._asking is not None and self._asking.done():
            asked, self._asking = self._asking, None
            self._judge(asked)
        if self._asking is None and time.monotonic() - self._asked_at >= self._interval_s:
            self._asked_at = time.monotonic()
            if entries := self.journals.entries():
                self._thread = self._thread or ThreadPoolExecutor(1, "queries")
                self._asking = self._thread.submit(self._ask, entries)

    def _judge(self, asked: Future[None]) -> None:
        # The first question to a schedd that was restarted is refused: it does not know our session any more.
        was_well, self._is_well = self._is_well, asked.exception() is None
        if not was_well or not isinstance(asked.exception(), BatchUnavailable):
            asked.result()

    def marked(self, mark: str) -> dict[str, Entry]:
        """The clusters of a mark that are followed."""
        return {k: e for k, e in self.journals.entries().items() if e.mark == mark}

    def follow(self, entry: Entry) -> Entry:
        """Begin to follow a cluster; once more changes nothing. Returns what is followed."""
        if (before := self.journals.entry(entry.native_id)) is not None:
            return before
        entry = replace(entry, since=time.time())
        self.journals.journal(entry.native_id).make(entry, is_kept=entry.is_spooled)
        return self.journals.entry(entry.native_id) or entry

    def close(self) -> None:
        """Let the thread end; whose child is gone does not wait any longer."""
        thread, self._thread, self._asking = self._thread, None, None
        if thread is not None:
            thread.shutdown(wait=False, cancel_futures=True)

    def _ask(self, entries: Mapping[str, Entry]) -> None:
        """Look at all jobs that are not over, and tell what is new."""
        for native_id in entries:
            self.journals.journal(native_id).catch_up()
        live = {k: e for k, e in entries.items() if not self.journals.journal(k).is_over}
        if not live:
            return
        told = self._child.call("jobs", clusters=[*map(int, live)], wanted=WANTED)
        looks = {native_id: _Look(entry, told["next"]) for native_id, entry in live.items()}
        for row in told["rows"]:
            looks[str(row[0])].rows[row[1]] = row
        self._seek(looks)
        with self.journals.alone():
            for native_id, look in looks.items():
                journal = self.journals.journal(native_id)
                # Else somebody else has looked, perhaps later, or it is not followed any more.
                if journal.is_caught_up and journal.entry() is not None:
                    self._compare(journal, look)
        self._porter.carry({k: (i.entry.directory, i.ready) for k, i in looks.items() if i.ready})
        self._let_go(looks)

    def _let_go(self, looks: Mapping[str, "_Look"]) -> None:
        """Let leave the queue, some at a time, what is over and written down."""
        over, room = dict[str, list[int]](), _LET_GO
        for native_id, look in looks.items():
            known, gone = self.journals.journal(native_id).known, self._gone.get(native_id, set())
            if look.entry.is_spooled and (procs := look.over(known, gone)[:room]):
                over[native_id] = procs
                room -= len(procs)
        if over:
            self._child.call("let_go", jobs=over)
        for native_id, procs in over.items():
            self._gone.setdefault(native_id, set()).update(procs)
        for native_id, look in looks.items():
            journal, gone = self.journals.journal(native_id), self._gone.get(native_id, set())
            if journal.is_told and not look.over(journal.known, gone):
                self._gone.pop(native_id, None)
                journal.released()

    def _seek(self, looks: Mapping[str, "_Look"]) -> None:
        """Look into the history for jobs that have left the queue."""
        now, missing = time.monotonic(), dict[str, list[int]]()
        for native_id, look in looks.items():
            gone = look.gone(self.journals.journal(native_id).known)
            again_at, _ = self._patience.get(native_id, (0.0, 0.0))
            if gone and now >= again_at:
                missing[native_id] = gone
        if not missing:
            return
        since = min(looks[native_id].entry.since for native_id in missing) - LEFT_S
        for row in self._child.call("ended", missing=missing, since=since, wanted=WANTED):
            looks[str(row[0])].ended[row[1]] = row
        for native_id, procs in missing.items():
            look = looks[native_id]
            look.lost = [proc for proc in procs if proc not in look.ended]
            self._wait(native_id, now, is_long=bool(look.lost))

    def _wait(self, native_id: str, now: float, *, is_long: bool) -> None:
        _, pause = self._patience.pop(native_id, (0.0, 0.0))
        if is_long:
            pause = min(max(self._interval_s, 2 * pause), _MOST_PAUSE_S)
            self._patience[native_id] = (now + pause, pause)

    def _compare(self, journal: Journal[Entry], look: "_Look") -> None:
        found: dict[int, list[JobEvent]] = {}
        for proc, row in look.rows.items():
            number = look.entry.numbers[proc]
            if journal.looked.get(number) != row:
                found[number] = self._shown(journal, look, proc, Ad.of(row))
        for proc, row in look.ended.items():
            number, ad = look.entry.numbers[proc], Ad.of(row)
            ad = ad._replace(host=None, last_host=ad.host or ad.last_host)
            found[number] = list(news(number, ad, journal.known.get(number)))
        last = look.last(journal.known)
        for proc in look.lost:
            number = look.entry.numbers[proc]
            found[number] = _lost(number, journal.known.get(number), was_queued=proc <= last)
        journal.tell(in_order({number: events for number, events in found.items() if events}))
        # Only what was written down need not be looked at again.
        told = [proc for proc in look.rows if proc not in look.ready]
        journal.looked.update((look.entry.numbers[proc], look.rows[proc]) for proc in told)
        self._porter.forget(look.entry.native_id, told)

    def _shown(self, journal: Journal[Entry], look: "_Look", proc: int, ad: Ad) -> list[JobEvent]:
        """What the queue tells of a job; the end of one that is spooled only when its sandbox is here."""
        number = look.entry.numbers[proc]
        known = journal.known.get(number)
        if not (look.entry.is_spooled and ad.has_completed) or (known and known.state.is_over):
            return list(news(number, ad, known))
        reported = self._porter.brought(look.entry.native_id, proc)
        if reported is not None:
            return list(news(number, ad, known, reported))
        look.ready[proc] = number
        return [event for event in news(number, ad, known) if not event.state.is_over]


class _Look:
    """All that is seen of one cluster at one moment."""

    def __init__(self, entry: Entry, next_: Mapping[str, int]) -> None:
        self.entry = entry
        self._next = next_.get(entry.native_id, len(entry.numbers))
        self.rows: dict[int, list[Any]] = {}
        self.ended: dict[int, list[Any]] = {}
        self.lost: list[int] = []
        self.ready: dict[int, int] = {}
        """The jobs, with their numbers, that have ended and whose sandboxes are to be brought back."""

    def over(self, known: Mapping[int, Known], gone: Collection[int]) -> list[int]:
        """The jobs in the queue of which the end has been told, those apart that were let go."""
        numbers = self.entry.numbers
        return [
            proc
            for proc in self.rows
            if proc not in gone
            and numbers[proc] in known and known[numbers[proc]].state.is_over
        ]  # fmt: skip

    def gone(self, known: Mapping[int, Known]) -> list[int]:
        """The jobs that have been in the queue, are not there now and are not known to be over."""
        return [
            proc
            for proc, number in enumerate(self.entry.numbers)
            if proc not in self.rows and proc < self._next
            and not (number in known and known[number].state.is_over)
        ]  # fmt: skip

    def last(self, known: Mapping[int, Known]) -> int:
        """The last of its jobs that was ever seen; all of them, where none was."""
        numbers = self.entry.numbers
        seen = {*self.rows, *self.ended, *(p for p, n in enumerate(numbers) if n in known)}
        return max(seen, default=len(numbers))


def _lost(number: int, known: Known | None, *, was_queued: bool) -> list[JobEvent]:
    state, text = (JobState.UNKNOWN, _NOTHING) if was_queued else (JobState.REMOVED, _NEVER)
    if known is not None and known.state is state:
        return []
    code = None if was_queued else 1
    attempt, now = known.attempt if known else 0, datetime.now(UTC)
    return [JobEvent("", number, attempt, state, now, 0, code=code, text=text)]
