"""Slices, clusters, and actions that were asked of jobs, as a client sees them."""

from datetime import datetime

import strawberry

from db.submissions import actions, clusters, submission_listings
from domain.submissions.jobs import JobActionVerb
from door.describe import declare_enum_type, declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.numbers import BigInt
from schema.people.people import Person, load_person

declare_enum_type(JobActionVerb)


@declare_object_type
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
    missing_from_catalog: int
    """Files left out of it, since their catalog had them no more, or otherwise (`Dataset.differences`)."""

    @classmethod
    def of(cls, row: submission_listings.Slice) -> "Slice":
        """Show a row."""
        names = ("epoch", "number", "low", "high", "parameter", "key", "at")
        return cls(
            id=node_id("slice", row.id),
            missing_from_catalog=row.missing,
            **{name: getattr(row, name) for name in names},
        )


@declare_object_type
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


@declare_object_type
class JobAction:
    """What somebody asked of a submission's jobs."""

    verb: JobActionVerb
    """What."""
    reason: str
    """Why."""
    at: datetime
    """When."""
    attempts: int
    """How often it was carried to the batch system."""
    done_at: datetime | None
    """When it was carried out; null while it waits."""
    result_message: str
    """What came of it, in words."""
    person_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: actions.Action) -> "JobAction":
        """Show a row."""
        return cls(
            verb=row.verb,
            reason=row.reason,
            at=row.at,
            attempts=row.attempts,
            done_at=row.done_at,
            result_message=row.result_message,
            person_id=row.person_id,
        )

    @declare_query()
    async def by(self, info: Info) -> Person:
        """Who asked."""
        return await load_person(info, self.person_id)
