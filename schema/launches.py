"""Slices, attempts to launch and actions that were asked, as a client sees them."""

from datetime import datetime

import strawberry

from db import actions, clusters, launches, listings
from domain.jobs import Verb
from domain.launches import LaunchState, ScriptEnd
from door.describe import choice, thing
from schema.context import Info
from schema.fields import reads
from schema.ids import made
from schema.numbers import BigInt
from schema.people import Person, person

choice(Verb)
choice(LaunchState)
choice(ScriptEnd)


@thing
class Slice:
    """What one submission works on: a part of a dataset, or of what a generator can make."""

    id: strawberry.ID
    """Not the id of a node: it comes with its submissions."""
    epoch: int
    """Which round through the dataset, from 1; those of test launches are negative."""
    number: int
    """Its place in the epoch."""
    low: BigInt | None
    """The first ordinal (of the dataset's files, or the generator's index); null where its files were
    chosen by a key, or come again in other slices."""
    high: BigInt | None
    """One past the last ordinal."""
    parameter: str | None
    """The parameter that it stands for, where the split makes some."""
    key: str | None
    """By what its files were chosen, where the split does that: a run, a bucket, a window of time."""
    at: datetime
    """When it was taken."""

    @classmethod
    def of(cls, row: listings.Slice) -> "Slice":
        """Show a row."""
        names = ("epoch", "number", "low", "high", "parameter", "key", "at")
        return cls(id=made("slice", row.id), **{name: getattr(row, name) for name in names})


@thing
class LaunchAttempt:
    """One attempt to hand a submission to its batch system."""

    attempt: int
    """Counted from 1."""
    batch_system: str
    """Where its jobs were to run."""
    mark: str
    """By which its jobs are found again, whatever dies in between."""
    state: LaunchState
    """How far it came."""
    native_id: str | None
    """What the batch system calls it; of a launch script, its first cluster."""
    script_end: ScriptEnd | None
    """How its launch script ended; null while that runs, and where there is none."""
    exit_code: int | None
    """With what its launch script ended, if that ended by itself; above 128: by that signal."""
    said: str
    """What came of it, in words."""
    at: datetime
    """When it began."""
    updated_at: datetime
    """When it came this far."""

    @classmethod
    def of(cls, row: launches.LaunchAttempt) -> "LaunchAttempt":
        """Show a row."""
        return cls(**{name: getattr(row, name) for name in cls.__annotations__})


@thing
class LaunchedCluster:
    """Jobs of a submission that its batch system keeps together."""

    batch_system: str
    """Where."""
    native_id: str
    """What the batch system calls it."""
    attempt: int
    """Which attempt to launch it was."""
    jobs: int | None
    """How many jobs it has; null while nobody has counted those that a launch script submitted."""
    adopted_at: datetime
    """Since when its jobs count."""

    @classmethod
    def of(cls, row: clusters.Cluster, jobs: int) -> "LaunchedCluster":
        """Show a row; what POMS submitted is all of the submission's `jobs`."""
        shown = {name: getattr(row, name) for name in cls.__annotations__}
        return cls(**shown | {"jobs": jobs if row.first is None else row.jobs})


@thing
class ActionAsked:
    """What somebody asked of a submission's jobs."""

    verb: Verb
    """What."""
    reason: str
    """Why."""
    at: datetime
    """When."""
    tries: int
    """How often it was carried to the batch system."""
    done_at: datetime | None
    """When it was carried out; null while it waits."""
    said: str
    """What came of it, in words."""
    person_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: actions.Action) -> "ActionAsked":
        """Show a row."""
        return cls(**{name: getattr(row, name) for name in cls.__annotations__})

    @reads()
    async def by(self, info: Info) -> Person:
        """Who asked."""
        return await person(info, self.person_id)
