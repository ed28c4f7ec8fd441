"""People, as a client sees them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from auth import SIGN_IN, Viewer
from db.people import people
from domain.permissions import Role
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from door.pages import Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.problems import Invalid, MutationProblem, NameTaken

if TYPE_CHECKING:
    from schema.people.experiments import Experiment

declare_enum_type(Role)


@declare_object_type
class Person(Node):
    """Somebody who may sign in, or could once."""

    username: str
    """The name that tokens carry."""
    name: str
    """What people call them."""
    is_admin: bool
    """Whether they run the service."""
    active: bool
    """Whether they may sign in."""
    created_at: datetime
    """Since when they are known."""

    @classmethod
    def of(cls, row: people.Person) -> "Person":
        """Show a row."""
        return cls(
            id=node_id("person", row.id),
            username=row.username,
            name=row.name,
            is_admin=row.is_admin,
            active=row.active,
            created_at=row.created_at,
        )


async def load_person(info: Info, person_id: int) -> Person:
    """Show somebody that a foreign key names."""
    row = await info.context.load.person.load(person_id)
    assert row is not None  # noqa: S101 - a foreign key says so
    return Person.of(row)


@declare_object_type
class Membership:
    """What a person is in an experiment."""

    role: Role
    """What they may do there."""
    since: datetime
    """Since when they have this role."""
    person_id: strawberry.Private[int]
    experiment_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: people.Membership | people.NamedMembership) -> "Membership":
        """Show a row."""
        return cls(
            role=row.role,
            since=row.since,
            person_id=row.person_id,
            experiment_id=row.experiment_id,
        )

    @declare_query(SIGN_IN)
    async def person(self, info: Info) -> Person:
        """Who."""
        return await load_person(info, self.person_id)

    @declare_query(SIGN_IN)
    async def experiment(
        self, info: Info
    ) -> Annotated["Experiment", strawberry.lazy("schema.people.experiments")]:
        """Where."""
        from schema.people.experiments import Experiment

        row = await info.context.load.experiment.load(self.experiment_id)
        assert row is not None  # noqa: S101 - a foreign key says so
        return Experiment.of(row, info.context.viewer)


@declare_object_type
class Me:
    """The person who asks."""

    is_admin: bool
    """Whether you run the service."""
    expires_at: datetime | None
    """When your token ends."""
    person_id: strawberry.Private[int]

    @classmethod
    def of(cls, viewer: Viewer) -> "Me":
        """Show the viewer."""
        return cls(
            is_admin=viewer.is_admin, expires_at=viewer.expires_at, person_id=viewer.person_id
        )

    @declare_query(SIGN_IN)
    async def person(self, info: Info) -> Person:
        """Who you are."""
        return await load_person(info, self.person_id)

    @declare_query(SIGN_IN)
    async def memberships(self, info: Info) -> list[Membership]:
        """What you are, in each of your experiments."""
        rows = await info.context.load.memberships_of.load(self.person_id)
        return [Membership.of(row) for row in rows]


@declare_input_type
class AddPersonInput:
    """Somebody who shall be able to sign in."""

    username: str
    """The name that tokens carry: small letters, digits, `_`, `-`, `.`, up to 64."""
    name: str = ""
    """What people call them."""
    is_admin: bool = False
    """Whether they shall run the service."""


@declare_input_type
class SetMembershipInput:
    """What a person shall be in an experiment."""

    experiment: str
    """The experiment's name."""
    username: str
    """The person's."""
    role: Role | None
    """The new role; null takes the person out of the experiment."""
    reason: str = ""
    """Why, up to 1000 characters; it stands in the change."""


@declare_object_type
class MembershipSet:
    """A membership is as it was wanted."""

    membership: Membership | None
    """The membership; null where the person is not in the experiment any more."""
    changed: bool
    """False when it was so already."""


AddPersonResult = Annotated[
    Person | MutationProblem | Invalid | NameTaken,
    strawberry.union("AddPersonResult"),
]
SetMembershipResult = Annotated[
    MembershipSet | MutationProblem | Invalid, strawberry.union("SetMembershipResult")
]
