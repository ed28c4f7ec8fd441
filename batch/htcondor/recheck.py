"""Launches looked up again, since what tells of them may have lost something: by the queue and the history.

A launch of which these show what its log does not tell is followed by query from then on. A log that lost an event
says nothing of it later either.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from batch import BatchRefused, ClusterRef, JobEvent, MarkAbsent, MarkFound, Sighting
from batch.directory import locate_launch_directory
from batch.htcondor.child import BindingsChild
from batch.htcondor.feed import HTCondorFeed
from batch.htcondor.followed import number_jobs
from batch.htcondor.queries import QueryFeed, Snapshots
from batch.htcondor.snapshots import ClusterSnapshot, HTCondorEntry, KnownJobs, take_snapshots
from batch.journal import APART
from domain.submissions.jobs import JobState
from lanes import Lane, LaneCall

_log = logging.getLogger(__name__)
_LAG_S = 3.0
"""How much later than the schedd a log, or its history, may tell of the same thing."""
_AGAIN_S = 5.0
_SETTLING_S = 600.0
"""How long looking up what the logs are not trusted to tell may take: some questions, each bounded by itself."""
_PERSON = 1


@dataclass(frozen=True, slots=True)
class LoggedCluster:
    """A cluster that is told of by its launch's log: how it would be followed by query, and what was told."""

    entry: HTCondorEntry
    known: KnownJobs


class HTCondorRecheck:
    """The launches of one schedd."""

    def __init__(
        self, logs: HTCondorFeed, queries: QueryFeed, child: BindingsChild, spool: Path, name: str
    ) -> None:
        self._logs, self._queries, self._child, self._spool = logs, queries, child, spool
        self._lane = Lane(f"{name}:recheck", _SETTLING_S, at_once=1, most_hung=1)
        self._settling: LaneCall | None = None
        self._settled_at = -_AGAIN_S

    def settle(
        self, clusters: Sequence[ClusterRef], *, is_patient: bool = False
    ) -> dict[ClusterRef, Sighting]:
        """Look for all jobs of these clusters, have told what differs, and say whether they are there.

        `is_patient`: of jobs that are nowhere the log, which may be late, is still expected to tell.
        """
        found = dict[ClusterRef, Sighting]()
        for some in _group_by_turn(clusters):
            found |= self._settle(some, is_patient=is_patient)
        return found

    def _settle(
        self, clusters: Sequence[ClusterRef], *, is_patient: bool
    ) -> dict[ClusterRef, Sighting]:
        logged = [each for each in clusters if not self._queries.tells_of(each)]
        found = self._settle_logged(logged, is_patient=is_patient)
        followed = [each for each in clusters if self._queries.tells_of(each)]
        shown = self._queries.ask_now({each.native_id for each in followed})
        return {each: self._sight_followed(each, shown) for each in followed} | found

    def settle_doubts(self) -> None:
        """Begin to look up what the logs are not trusted to tell, if there is any; a reader does not wait for it."""
        if self._settling is not None and self._settling.future.done():
            settled, self._settling = self._settling.future, None
            if (wrong := settled.exception()) is not None:
                _log.warning("launches whose logs are doubted can't be looked up now: %s", wrong)
        is_time = time.monotonic() - self._settled_at >= _AGAIN_S
        if self._logs.doubts and self._settling is None and is_time:
            self._settled_at = time.monotonic()
            marks = sorted(self._logs.doubts)
            self._settling = self._lane.start(lambda: self._settle_marks(marks), _SETTLING_S)

    def remove_lost(self, cluster: ClusterRef, reason: str) -> bool:
        """Tell that what is left of a cluster is removed, if there is proof that nothing of it is there."""
        if not isinstance(self.settle([cluster])[cluster], MarkAbsent):
            return False
        journal = self._queries.journals.journal(cluster.native_id)
        with self._queries.journals.alone():
            journal.catch_up()
            entry = journal.entry()
            if entry is None or entry.mark != cluster.mark:
                return False
            journal.tell(_remove_rest(entry, journal.known, reason))
        return True

    def _settle_marks(self, marks: Sequence[str]) -> None:
        told = self._child.call("marked", prefixes=[*marks])
        clusters = {ClusterRef(str(cluster), mark) for cluster, mark, *_ in told if mark in marks}
        for mark in marks:
            if (log := self._logs.read_log(mark)) is not None:
                clusters |= {ClusterRef(str(cluster), mark) for cluster in log[2].clusters}
        self.settle(sorted(clusters, key=lambda each: each.mark), is_patient=True)
        self._logs.trust(marks)

    def _settle_logged(
        self, clusters: Iterable[ClusterRef], *, is_patient: bool
    ) -> dict[ClusterRef, Sighting]:
        """Those whose logs tell all, or that are gone; the others are followed by query from here on."""
        found, logged = dict[ClusterRef, Sighting](), dict[ClusterRef, LoggedCluster]()
        for cluster in clusters:
            try:
                logged[cluster] = self._find_logged(cluster)
            except BatchRefused as gone:
                found[cluster] = MarkAbsent(str(gone))
        if not logged:
            return found
        shown = _take_logged_snapshots(self._child, logged.values())
        doubtful = [c for c in logged if _is_doubtful(logged[c], shown[c.native_id])]
        if doubtful:
            time.sleep(_LAG_S)
            logged |= {cluster: self._find_logged(cluster) for cluster in doubtful}
            shown |= _take_logged_snapshots(self._child, [logged[cluster] for cluster in doubtful])
        for cluster, each in logged.items():
            snapshot = shown[cluster.native_id]
            found[cluster] = _judge_snapshot(each.entry, snapshot, each.known)
            if snapshot.differs(each.known) or (snapshot.lost and not is_patient):
                _log.warning("the log of %s has lost events: it is followed by query", cluster.mark)
                self._follow(each, is_there=bool(snapshot.rows or snapshot.ended))
        return found

    def _find_logged(self, cluster: ClusterRef) -> LoggedCluster:
        """What the log tells; of a launch that was never entered here, what the schedd says that it is."""
        told, number = self._logs.read_log(cluster.mark), int(cluster.native_id)
        if told is None:
            return LoggedCluster(self._census(cluster), {})
        directory, mine, story = told
        entry = HTCondorEntry(cluster.native_id, cluster.mark, directory, mine, time.time())
        return LoggedCluster(replace(entry, generation=APART), story.list_known_jobs(number))

    def _census(self, cluster: ClusterRef) -> HTCondorEntry:
        told = self._child.call("census", cluster=int(cluster.native_id), mark=cluster.mark)
        place, mine = (
            locate_launch_directory(self._spool, cluster.mark),
            number_jobs(told["numbers"], 1, ()),
        )
        return HTCondorEntry(
            cluster.native_id, cluster.mark, place, mine, time.time(), generation=APART
        )

    def _follow(self, logged: LoggedCluster, *, is_there: bool) -> None:
        """Have a cluster's jobs told by query, and those of its duplicates, which are in the same log."""
        self._begin(logged, is_there=is_there)
        mark = logged.entry.mark
        told = self._logs.read_log(mark)
        for cluster in told[2].clusters if told else ():
            self._begin(self._find_logged(ClusterRef(str(cluster), mark)), is_there=False)
        self._logs.let_go(mark)

    def _begin(self, logged: LoggedCluster, *, is_there: bool) -> None:
        journals, entry = self._queries.journals, logged.entry
        with journals.alone():
            journal = journals.journal(entry.native_id)
            other = journal.entry()
            if other is not None and other.mark != entry.mark and not is_there:
                return  # the number is another launch's by now
            journals.make(entry)
            journal = journals.journal(entry.native_id)
            journal.catch_up()
            if not journal.size:
                journal.tell(_repeat_known(logged.known))

    def _sight_followed(self, cluster: ClusterRef, shown: Snapshots) -> Sighting:
        snapshot = shown.get(cluster.native_id)
        if snapshot is None:
            return MarkFound([cluster.native_id])
        known = self._queries.journals.journal(cluster.native_id).known
        return _judge_snapshot(snapshot.entry, snapshot, known)


def _group_by_turn(clusters: Sequence[ClusterRef]) -> list[list[ClusterRef]]:
    """Clusters of one number, of which the queue has one at most, one after the other; all others at once."""
    rounds = list[dict[str, ClusterRef]]()
    for cluster in clusters:
        free = [each for each in rounds if cluster.native_id not in each]
        if not free:
            free = [{}]
            rounds += free
        free[0][cluster.native_id] = cluster
    return [[*each.values()] for each in rounds]


def _take_logged_snapshots(
    child: BindingsChild, logged: Iterable[LoggedCluster]
) -> dict[str, ClusterSnapshot]:
    each = {one.entry.native_id: one for one in logged}
    entries = {native_id: one.entry for native_id, one in each.items()}
    return take_snapshots(child, entries, {native_id: one.known for native_id, one in each.items()})


def _is_doubtful(logged: LoggedCluster, snapshot: ClusterSnapshot) -> bool:
    return snapshot.differs(logged.known) or bool(snapshot.lost)


def _judge_snapshot(entry: HTCondorEntry, snapshot: ClusterSnapshot, known: KnownJobs) -> Sighting:
    if snapshot.is_live(known) or not snapshot.lost:
        return MarkFound([entry.native_id])
    lost, all_ = len(snapshot.lost), len(entry.numbers)
    said = f"neither the queue nor the history of the schedd has {lost} of the {all_} jobs"
    return MarkAbsent(f"{said} of cluster {entry.native_id} with the mark {entry.mark}")


def _repeat_known(known: KnownJobs) -> Iterator[JobEvent]:
    """What a log has told last, as a journal begins with it."""
    for number, job in known.items():
        if job.attempt:
            began = datetime.fromtimestamp(job.began, UTC)
            yield JobEvent("", number, job.attempt, JobState.RUNNING, began, 0)
        if job.state is not JobState.RUNNING:
            at = datetime.fromtimestamp(job.at, UTC)
            yield JobEvent("", number, job.attempt, job.state, at, 0)


def _remove_rest(entry: HTCondorEntry, known: KnownJobs, reason: str) -> Iterator[JobEvent]:
    now = datetime.now(UTC)
    for number in entry.numbers:
        job = known.get(number)
        if job is None or not job.state.is_over:
            attempt = job.attempt if job else 0
            yield JobEvent("", number, attempt, JobState.REMOVED, now, 0, code=_PERSON, text=reason)
