"""Experiments, as a client sees them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from auth import Viewer
from db import experiments, people
from db.holds import Held
from domain.people import Role
from door.describe import asked, thing
from door.pages import Connection, Node
from schema.context import Info
from schema.fields import reads
from schema.ids import made
from schema.lists import Part, by_text
from schema.people import Membership
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken, NotPermitted

if TYPE_CHECKING:
    from schema.queue import LaunchHold


@thing
class Experiment(Node):
    """A tenant: everything belongs to exactly one."""

    name: str
    """What it is called in queries and on command lines."""
    title: str
    """What people call it."""
    active: bool
    """Whether it still works."""
    created_at: datetime
    """Since when it is here."""
    most_unfinished: int | None
    """How many of its submissions may be unfinished at once; null: any number."""
    most_jobs: int | None
    """How many of their jobs may not be over at once; null: any number."""
    role: Role | None
    """What you are in it; null for service admins who are no members."""
    experiment_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: experiments.Experiment, viewer: Viewer) -> "Experiment":
        """Show a row."""
        return cls(
            id=made("experiment", row.id),
            name=row.name,
            title=row.title,
            active=row.active,
            created_at=row.created_at,
            most_unfinished=row.most_unfinished,
            most_jobs=row.most_jobs,
            role=viewer.roles.get(row.id),
            experiment_id=row.id,
        )

    @reads()
    async def launch_holds(
        self, info: Info
    ) -> list[Annotated["LaunchHold", strawberry.lazy("schema.queue")]]:
        """For what its launches wait: holds of the experiment, or of everything."""
        from schema.queue import holds_of

        return await holds_of(info, Held(self.experiment_id))

    @reads()
    async def members(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Membership]:
        """The people in it, by username."""
        return await by_text(
            Part(first, after, last, before),
            lambda place: people.members(info.context.db, self.experiment_id, place),
            Membership.of,
            lambda row: row.username,
        )


async def experiment(info: Info, experiment_id: int) -> Experiment:
    """Show an experiment that a foreign key names."""
    row = await info.context.load.experiment.load(experiment_id)
    assert row is not None  # noqa: S101 - a foreign key says so
    return Experiment.of(row, info.context.viewer)


@asked
class CreateExperimentInput:
    """A new tenant."""

    name: str
    """Small letters, digits, `_` and `-`, up to 32, beginning with a letter."""
    title: str = ""
    """What people call it."""
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and makes nothing twice."""


CreateExperimentResult = Annotated[
    Experiment | NotPermitted | Invalid | NameTaken | IdempotencyKeyReused,
    strawberry.union("CreateExperimentResult"),
]
