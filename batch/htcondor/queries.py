"""One query for all clusters that are followed so; what it shows anew goes into their journals, and is read there.

The query waits for the schedd in a thread of its own: a reader finds what has been told by then.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from batch import BatchUnavailable, ClusterRef, JobEvent
from batch.htcondor.ads import JobAd, derive_job_events
from batch.htcondor.child import BindingsChild
from batch.htcondor.sandbox_transfer import SandboxTransfer
from batch.htcondor.snapshots import ClusterSnapshot, HTCondorEntry, take_snapshots
from batch.journal import KnownJob, LaunchJournal, order_events
from batch.journals import JournalFolder, Places
from domain.submissions.jobs import JobState
from lanes import Lane, LaneCall

_MOST_PAUSE_S = 3600.0
_ASKING_S = 240.0
"""How long a query may take: it is three questions to the schedd, each with a bound of its own."""
_LET_GO = 1000
"""How many jobs leave the queue at once: the schedd removes their files meanwhile, and answers nobody."""
_NOTHING = "the schedd does not know it any more, neither in the queue nor in the history"
_NEVER = "removed before it was in the queue"


Snapshots = Mapping[str, ClusterSnapshot]


class QueryFeed:
    """The journals of one schedd, and what tells them."""

    def __init__(
        self,
        folder: Path,
        child: BindingsChild,
        porter: SandboxTransfer,
        interval_s: float,
        name: str,
    ) -> None:
        self.journals = JournalFolder(folder, HTCondorEntry)
        self._child, self._porter, self._interval_s = child, porter, interval_s
        self._lane = Lane(f"{name}:queries", _ASKING_S, at_once=1, most_hung=1)
        self._asking: LaneCall | None = None
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
        if self._asking is not None and self._asking.future.done():
            asked, self._asking = self._asking, None
            self._judge(asked.future)
        is_busy = self._asking is not None and not self._lane.state().hung
        if is_busy or time.monotonic() - self._asked_at < self._interval_s:
            return
        self._asked_at = time.monotonic()
        if self._asking is not None:
            raise BatchUnavailable("a query hangs")
        if entries := self.journals.entries():
            self._asking = self._begin(entries)

    def ask_now(self, native_ids: Collection[str]) -> Snapshots:
        """Ask for some at once, the history too, and wait for what is shown of those that are not over."""
        entries = {k: e for k, e in self.journals.entries().items() if k in native_ids}
        for native_id in entries:
            self._patience.pop(native_id, None)
        try:
            shown: Snapshots = self._begin(entries).future.result(_ASKING_S)
        except TimeoutError as late:
            raise BatchUnavailable(f"a query takes longer than {_ASKING_S:.0f} s") from late
        return shown

    def _begin(self, entries: Mapping[str, HTCondorEntry]) -> LaneCall:
        return self._lane.start(lambda: self._ask(entries), _ASKING_S)

    def _judge(self, asked: "Future[Snapshots]") -> None:
        # The first question to a schedd that was restarted is refused: it does not know our session any more.
        was_well, self._is_well = self._is_well, asked.exception() is None
        if not was_well or not isinstance(asked.exception(), BatchUnavailable):
            asked.result()

    def find_marked(self, mark: str) -> dict[str, HTCondorEntry]:
        """The clusters of a mark that are followed."""
        return {k: e for k, e in self.journals.entries().items() if e.mark == mark}

    def follow(self, entry: HTCondorEntry) -> HTCondorEntry:
        """Begin to follow a cluster; once more changes nothing. Returns what is followed."""
        if (before := self.entry(entry)) is not None:
            return before
        with self.journals.alone():
            entry = replace(entry, since=time.time())
            self.journals.make(entry, is_kept=entry.is_spooled)
        return self.journals.entry(entry.native_id) or entry

    def entry(self, cluster: ClusterRef | HTCondorEntry) -> HTCondorEntry | None:
        """What is followed, or was, of this id and mark."""
        found = self.journals.entry(cluster.native_id)
        return found if found is not None and found.mark == cluster.mark else None

    def tells_of(self, cluster: ClusterRef) -> bool:
        """Whether a cluster is followed, or was until all its ends were told."""
        entry = self.journals.journal(cluster.native_id).entry()
        if entry is not None and entry.mark == cluster.mark:
            return True
        aside = self.journals.laid_aside(cluster.native_id)
        entry = aside.entry()
        if entry is None or entry.mark != cluster.mark:
            return False
        aside.catch_up()
        return aside.is_told

    def _ask(self, entries: Mapping[str, HTCondorEntry]) -> Snapshots:
        """Look at all jobs that are not over, and tell what is new."""
        for native_id in entries:
            self.journals.journal(native_id).catch_up()
        live = {k: e for k, e in entries.items() if not self.journals.journal(k).is_over}
        if not live:
            return {}
        known = {native_id: self.journals.journal(native_id).known for native_id in live}
        looks = take_snapshots(self._child, live, known, self._is_patient)
        for native_id, look in looks.items():
            if look.is_sought:
                self._wait(native_id, is_long=bool(look.lost))
        with self.journals.alone():
            for native_id, look in looks.items():
                journal = self.journals.journal(native_id)
                # Else somebody else has looked, perhaps later, or it is not followed any more.
                if journal.is_caught_up and journal.entry() == look.entry:
                    self._compare(journal, look)
        self._porter.carry({k: (i.entry.directory, i.ready) for k, i in looks.items() if i.ready})
        self._let_go(looks)
        return looks

    def _let_go(self, looks: Mapping[str, ClusterSnapshot]) -> None:
        """Let leave the queue, some at a time, what is over and written down."""
        over, room = dict[str, list[int]](), _LET_GO
        for native_id, look in looks.items():
            known, gone = self.journals.journal(native_id).known, self._gone.get(native_id, set())
            if look.entry.is_spooled and (procs := look.over(known, gone)[:room]):
                over[native_id] = procs
                room -= len(procs)
        if over:
            marks = [looks[native_id].entry.mark for native_id in over]
            self._child.call("let_go", jobs=over, marks=marks)
        for native_id, procs in over.items():
            self._gone.setdefault(native_id, set()).update(procs)
        for native_id, look in looks.items():
            journal, gone = self.journals.journal(native_id), self._gone.get(native_id, set())
            if journal.is_told and not look.over(journal.known, gone):
                self._gone.pop(native_id, None)
                journal.record_release()

    def _is_patient(self, native_id: str) -> bool:
        again_at, _ = self._patience.get(native_id, (0.0, 0.0))
        return time.monotonic() < again_at

    def _wait(self, native_id: str, *, is_long: bool) -> None:
        _, pause = self._patience.pop(native_id, (0.0, 0.0))
        if is_long:
            pause = min(max(self._interval_s, 2 * pause), _MOST_PAUSE_S)
            self._patience[native_id] = (time.monotonic() + pause, pause)

    def _compare(self, journal: LaunchJournal[HTCondorEntry], look: ClusterSnapshot) -> None:
        found: dict[int, list[JobEvent]] = {}
        for proc, row in look.rows.items():
            number = look.entry.numbers[proc]
            if journal.looked.get(number) != row:
                found[number] = self._derive_events(journal, look, proc, JobAd.of(row))
        for proc, row in look.ended.items():
            number, ad = look.entry.numbers[proc], JobAd.of(row)
            ad = ad._replace(host=None, last_host=ad.host or ad.last_host)
            found[number] = list(derive_job_events(number, ad, journal.known.get(number)))
        last = look.last(journal.known)
        for proc in look.lost:
            number = look.entry.numbers[proc]
            found[number] = _report_lost_job(
                number, journal.known.get(number), was_queued=proc <= last
            )
        journal.tell(order_events({number: events for number, events in found.items() if events}))
        # Only what was written down need not be looked at again.
        told = [proc for proc in look.rows if proc not in look.ready]
        journal.looked.update((look.entry.numbers[proc], look.rows[proc]) for proc in told)
        self._porter.forget(look.entry.native_id, told)

    def _derive_events(
        self, journal: LaunchJournal[HTCondorEntry], look: ClusterSnapshot, proc: int, ad: JobAd
    ) -> list[JobEvent]:
        """What the queue tells of a job; the end of one that is spooled only when its sandbox is here."""
        number = look.entry.numbers[proc]
        known = journal.known.get(number)
        if not (look.entry.is_spooled and ad.has_completed) or (known and known.state.is_over):
            return list(derive_job_events(number, ad, known))
        reported = self._porter.brought(look.entry.native_id, proc)
        if reported is not None:
            return list(derive_job_events(number, ad, known, reported))
        look.ready[proc] = number
        return [event for event in derive_job_events(number, ad, known) if not event.state.is_over]


def _report_lost_job(number: int, known: KnownJob | None, *, was_queued: bool) -> list[JobEvent]:
    state, text = (JobState.UNKNOWN, _NOTHING) if was_queued else (JobState.REMOVED, _NEVER)
    if known is not None and known.state is state:
        return []
    code = None if was_queued else 1
    attempt, now = known.attempt if known else 0, datetime.now(UTC)
    return [JobEvent("", number, attempt, state, now, 0, code=code, text=text)]
