"""Handing over what somebody owns, as a client asks for it."""

from typing import Annotated

import strawberry

from db.submissions.ownership import OwnedItem
from door.describe import declare_input_type, declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.people.people import Person, load_person
from schema.problems import Invalid, MutationProblem, Problem


@declare_input_type
class HandOverInput:
    """What shall be somebody else's: all that a person has in an experiment, or some items."""

    experiment: str
    """The experiment's name."""
    ids: list[strawberry.ID] | None = None
    """Campaigns, job types, login setups, credentials and datasets, at most 200; null: all of `from`."""
    from_: str | None = strawberry.field(name="from", default=None)
    """Whose, by the username, who need not be a member any more; null: whoever owns the items."""
    to: str
    """Whose they shall be: the username of a member who may change them."""
    reason: str
    """Why, up to 1000 characters; it stands in each item's change."""
    dry_run: bool = False
    """Say what would be handed over, and change nothing."""


@declare_object_type
class HandOverItem:
    """One item that is handed over."""

    id: strawberry.ID
    """Which one, such as `campaign:7`."""
    name: str
    """What it is called."""
    changes_owner: bool
    """False for a campaign of somebody else's, where only schedules and launches are handed over."""
    schedules: int
    """How many schedules go with it."""
    launches: int
    """How many launches that wait go with it."""
    from_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: OwnedItem) -> "HandOverItem":
        """Show a row."""
        return cls(
            id=strawberry.ID(row.key),
            name=row.name,
            changes_owner=row.owner_id == row.who,
            schedules=row.schedules,
            launches=row.launches,
            from_id=row.who,
        )

    @declare_query("manage_members")
    async def from_person(self, info: Info) -> Person:
        """Whose it was."""
        return await load_person(info, self.from_id)


@declare_object_type
class HandOverReport:
    """What is somebody else's now, or, of a dry run, would be."""

    items: list[HandOverItem]
    """At most 200, by kind and id."""
    total: int
    """How many there were: where they are more than the items, ask again for the next ones."""
    dry_run: bool
    """Whether nothing was changed."""


@declare_object_type
class CannotOwn(Problem):
    """Their role there doesn't let them change it; nothing was handed over."""

    ids: list[strawberry.ID]
    """What they can't own."""


HandOverResult = Annotated[
    HandOverReport | MutationProblem | Invalid | CannotOwn,
    strawberry.union("HandOverResult"),
]
