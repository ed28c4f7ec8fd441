"""Where jobs run. A batch system submits, finds, opens, acts and reads; it never touches the database.

The protocol is made for systems that we know only imperfectly: what they tell comes late, twice, out of
order or not at all. So a launch carries a mark by which it can be found again, its jobs can't start before
the gate is opened, and what a system says of its jobs is read from a place that the reader commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from domain.batch.reconciliation import ReportedCluster
from domain.setup.batch_options import BatchOptions
from domain.setup.resources import Resources
from domain.submissions.jobs import JobActionVerb, JobState


class BatchUnavailable(Exception):
    """The batch system did not answer, or not in time: nothing is known, try again later."""


class BatchRefused(Exception):
    """The batch system understood and said no: trying the same again is useless."""


class BatchForgot(BatchRefused):
    """The batch system has lost a cluster that it had acknowledged, and there is proof that none of it ever ran."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What one launch of a submission hands to a batch system."""

    mark: str
    """Unique to (POMS installation, submission, launch attempt); carried by every job."""
    directory: Path
    """Made by `batch.directory.prepare_directory`: payload, launch.json, units/N.json; reports come back into it."""
    jobs: Sequence[int]
    """Numbers of the jobs, each with its units/N.json."""
    resources: Resources
    name: str
    """For people who look at the queue: campaign/stage."""
    priority: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    """POMS ids for systems that can carry them (ClassAds, comments)."""
    options: BatchOptions = field(default_factory=BatchOptions)
    """What the stage asks of the batch system; each takes what it knows."""
    accounting_group: str = ""
    """On whose account jobs go, where the batch system has groups; empty: its default."""
    credential: Path | None = None
    """The file with the token as whose owner it submits; None: as the batch system's own settings say."""
    folders: Sequence[Path] = ()
    """Below which inputs lie that may be carried with the jobs, the experiment's own first; none: anywhere."""
    experiment: str = ""
    experiment_id: int = 0
    """Whose jobs these are, where that decides as whom they run."""
    store: str = ""
    """The launch's own folder in the store."""


@dataclass(frozen=True, slots=True)
class ClusterRef:
    """A cluster by its id and the mark that it must carry: ids begin again where a batch system loses its queue."""

    native_id: str
    mark: str


@dataclass(frozen=True, slots=True)
class MarkFound:
    """Clusters that carry the mark, oldest first; more than one are duplicates, of which one is adopted."""

    native_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class MarkAbsent:
    """Nothing carries the mark, and this is how we know."""

    proof: str


@dataclass(frozen=True, slots=True)
class MarkUnknown:
    """It can't be told now whether anything carries the mark, and why."""

    why: str


Sighting = MarkFound | MarkAbsent | MarkUnknown


class JobEvent(NamedTuple):
    """One thing that a batch system said of one job; a tuple, since there are thousands of them a second."""

    native_id: str
    number: int
    attempt: int
    """How many times the job had been started when this was said (0: never)."""
    state: JobState
    at: datetime
    sequence: int
    """Grows along the feed; an event with a lower or equal one has been applied before."""
    exit_code: int | None = None
    signal: int | None = None
    code: int | None = None
    """Hold or removal code of the batch system, its subcode and text."""
    subcode: int | None = None
    text: str | None = None
    site: str | None = None
    slot: str | None = None
    cpu_s: float | None = None
    wall_s: float | None = None
    memory_mb: float | None = None
    mark: str | None = None
    """Of its launch; None: the native id is never given again."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events in order, and the place up to which they were read."""

    events: Sequence[JobEvent]
    read_to: str
    """Opaque to the reader, who commits it with the events."""
    behind: bool
    """True where there is more to read at once."""


@dataclass(frozen=True, slots=True)
class ReportKey:
    """Which attempt of which job of a launch directory."""

    directory: Path
    number: int
    attempt: int


class ReportBatch(dict[ReportKey, Mapping[str, Any]]):
    """The reports that are there among those wanted, bounded by the rules of `domain.submissions.reports`."""

    remaining: Sequence[ReportKey] = ()
    """Those at the end of the wanted that were not looked at: together they would be more than may be held."""


@dataclass(frozen=True, slots=True)
class BatchHealth:
    """How a batch system is: reachable, and what it has in its hands."""

    reachable: bool
    text: str
    slots: int = 0
    running: int = 0
    queued: int = 0
    schedd: str = ""
    """By which name its users know it, where it has one besides that of the batch system."""
    wall: str = ""
    """What is between its jobs and the service, where it runs them beside the service, or between two experiments'."""
    proof_of_absence: str = ""
    """How it can be told that a launch left nothing there, where that depends on how the system is set up."""


@dataclass(frozen=True, slots=True)
class FollowedCluster:
    """A cluster that POMS did not submit itself, from now on watched as if it had."""

    native_id: str
    mark: str
    directory: Path
    """The launch directory, where reports come back to."""
    first: int
    """The number of the job that is proc 0; proc p is first + p, unless its ad carries a POMS_NUMBER that is free."""


class BatchSystem(Protocol):
    """One place where jobs run. Every call is bounded in time and raises `BatchUnavailable`."""

    name: str

    async def submit(self, launch: Launch) -> str:
        """Hand the jobs over, gated: none starts before `open`. Returns the native id of the cluster."""
        ...

    async def find(self, mark: str) -> Sighting:
        """Look for clusters that carry the mark."""
        ...

    async def list_marked(self, prefixes: Sequence[str]) -> Sequence[ReportedCluster]:
        """All clusters whose marks begin so: those in the queue, and those that the history still has.

        Asked once a minute and whatever the number of jobs: one query of the queue and one of the history.
        A cluster in the queue is told of even if none of its jobs has ever run (inert duplicates are what this is
        for), with how many of its jobs are not over and whether any was ever started, as well as that is
        known. What is told may be a moment old; what was submitted before the call and is not over is in it.
        """
        ...

    async def recheck(self, clusters: Sequence[ClusterRef]) -> Mapping[ClusterRef, Sighting]:
        """Ask all that proves anything for the jobs of these launches, since the feed may have lost something.

        What differs from what the feed has told is told by it next. `MarkFound`: the jobs are there, or their ends are
        told. `MarkAbsent`: nothing of the cluster is there, and no end will ever be told of what is not over. Cheap
        enough for many at once: the number of questions does not grow with the clusters.
        """
        ...

    async def open(self, cluster: ClusterRef) -> None:
        """Let the cluster's jobs start; once more changes nothing. Raises `BatchForgot` for one that was lost.

        `BatchRefused` where the cluster of this id does not carry the mark.
        """
        ...

    async def act(
        self,
        verb: JobActionVerb,
        cluster: ClusterRef,
        reason: str,
        numbers: Sequence[int] | None = None,
    ) -> None:
        """Remove, hold or release jobs (all of the cluster without numbers); once more changes nothing.

        `BatchRefused` where the cluster of this id does not carry the mark.
        """
        ...

    async def follow(self, cluster: FollowedCluster) -> Sequence[int]:
        """Begin to follow a cluster that somebody else submitted; once more changes nothing.

        Returns the numbers of its jobs, in the batch system's order, with those that are over. It has no gate.
        `BatchRefused` where the system can't follow what it was not given by us, or doesn't know the cluster.
        """
        ...

    async def read(self, read_to: str | None, bound: int) -> EventBatch:
        """Read up to `bound` events past the place that was committed last (None: from the start)."""
        ...

    async def look_back(self) -> None:
        """The reader's database was replaced by an older one: places committed long ago are read from again.

        What was let go because it had been committed as read is taken back, as far as it is still there.
        """
        ...

    async def reports(self, wanted: Sequence[ReportKey]) -> ReportBatch:
        """The payloads' reports that are there, some MB of them; what was not looked at is `left`.

        One that is missing is left out; one that can't be read is a report of a failed job.
        """
        ...

    async def health(self) -> BatchHealth:
        """How it is now; never raises."""
        ...
