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

from domain.batch_options import BatchOptions
from domain.discrepancies import Cluster
from domain.jobs import JobState, Resources, Verb


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
    """Made by `batch.directory.prepare`: payload, launch.json, units/N.json; reports come back into it."""
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
    credential: Path | None = None
    """The file with the token as whose owner it submits; None: as the batch system's own settings say."""


@dataclass(frozen=True, slots=True)
class Found:
    """Clusters that carry the mark, oldest first; more than one are twins, of which one is adopted."""

    native_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing carries the mark, and this is how we know."""

    proof: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It can't be told now whether anything carries the mark, and why."""

    why: str


Sighting = Found | Absent | Unknown


class JobEvent(NamedTuple):
    """One thing that a batch system said of one job; a tuple, since there are thousands of them a second."""

    native_id: str
    number: int
    attempt: int
    """How many times the job had been started when this was said (0: never)."""
    state: JobState
    at: datetime
    seen: int
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


@dataclass(frozen=True, slots=True)
class Batch:
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


@dataclass(frozen=True, slots=True)
class Health:
    """How a batch system is: reachable, and what it has in its hands."""

    reachable: bool
    text: str
    slots: int = 0
    running: int = 0
    queued: int = 0
    schedd: str = ""
    """By which name its users know it, where it has one besides that of the batch system."""
    proof_of_absence: str = ""
    """How it can be told that a launch left nothing there, where that depends on how the system is set up."""


@dataclass(frozen=True, slots=True)
class Followed:
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

    async def marked(self, prefixes: Sequence[str]) -> Sequence[Cluster]:
        """All clusters whose marks begin so: those in the queue, and those that the history still has.

        Asked once a minute and whatever the number of jobs: one query of the queue and one of the history.
        A cluster in the queue is told of even if none of its jobs has ever run (inert twins are what this is
        for), with how many of its jobs are not over and whether any was ever started, as well as that is
        known. What is told may be a moment old; what was submitted before the call and is not over is in it.
        """
        ...

    async def open(self, native_id: str) -> None:
        """Let the cluster's jobs start; once more changes nothing. Raises `BatchForgot` for one that was lost."""
        ...

    async def act(
        self, verb: Verb, native_id: str, reason: str, numbers: Sequence[int] | None = None
    ) -> None:
        """Remove, hold or release jobs (all of the cluster without numbers); once more changes nothing."""
        ...

    async def follow(self, cluster: Followed) -> Sequence[int]:
        """Begin to follow a cluster that somebody else submitted; once more changes nothing.

        Returns the numbers of its jobs, in the batch system's order, with those that are over. It has no gate.
        `BatchRefused` where the system can't follow what it was not given by us, or doesn't know the cluster.
        """
        ...

    async def read(self, read_to: str | None, bound: int) -> Batch:
        """Read up to `bound` events past the place that was committed last (None: from the start)."""
        ...

    async def look_back(self) -> None:
        """The reader's database was replaced by an older one: places committed long ago are read from again.

        What was let go because it had been committed as read is taken back, as far as it is still there.
        """
        ...

    async def reports(self, wanted: Sequence[ReportKey]) -> Mapping[ReportKey, Mapping[str, Any]]:
        """The payloads' reports that are there; one that is missing or unreadable is left out."""
        ...

    async def health(self) -> Health:
        """How it is now; never raises."""
        ...
