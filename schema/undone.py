"""What of a submission is not done: what is missing or late, and what was tried about it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from db import deadlines, families, listings, stragglers, submissions, tries
from domain.recovery import Worth
from door.describe import choice, thing
from schema.context import Info
from schema.fields import reads
from schema.ids import made
from schema.numbers import BigInt
from schema.people import Person, person

if TYPE_CHECKING:
    from schema.submissions import Submission

choice(Worth)

MOST_MISSING = 100


@thing
class Missing:
    """Something that a submission still owes."""

    name: str
    """Of an output that nobody has seen, or of an input (of a generator: unit) that is not done."""
    is_output: bool
    """The one, or the other."""
    why: str
    """What is known of it."""


@thing
class LateFiles:
    """Files that wait for the next slice of a stage."""

    stage_id: strawberry.ID
    """The stage."""
    files: BigInt
    """How many."""
    names: list[str]
    """The first 20 of their names."""

    @classmethod
    def of(cls, row: stragglers.Late) -> "LateFiles":
        """Show a row."""
        return cls(stage_id=made("stage", row.stage_id), files=row.files, names=row.names)


@thing
class RecoveryTry:
    """A recovery that was thought of, by itself or by hand, and what came of it."""

    type: str
    """Which files it was for."""
    position: int | None
    """Its place in the stage's list, from 0; null: by hand."""
    round: int | None
    """Which round of that entry it was, from 0."""
    result: Worth
    """What came of it."""
    taken: BigInt
    """How many files (of a generator: units) it would take."""
    everything: BigInt
    """Of how many."""
    at: datetime
    """When."""
    row: strawberry.Private[tries.Try]

    @classmethod
    def of(cls, row: tries.Try) -> "RecoveryTry":
        """Show a row."""
        names = ("type", "position", "round", "result", "taken", "everything", "at")
        return cls(row=row, **{name: getattr(row, name) for name in names})

    @reads()
    async def recovery(
        self, info: Info
    ) -> Annotated["Submission", strawberry.lazy("schema.submissions")] | None:
        """The submission that was launched."""
        from schema.submissions import found

        return await found(info, self.row.submission_id)

    @reads()
    async def by(self, info: Info) -> Person | None:
        """Who launched it by hand."""
        return await person(info, self.row.person_id) if self.row.person_id else None


@thing
class Undone:
    """What every submission says of what is not done."""

    row: strawberry.Private[submissions.Submission]

    @reads()
    async def recoveries(
        self, info: Info
    ) -> list[Annotated["Submission", strawberry.lazy("schema.submissions")]]:
        """Submissions that do its unfinished part again, oldest first."""
        from schema.submissions import related

        return await related(info, listings.Wanted(origin_id=self.row.id))

    @reads()
    async def missing(self, info: Info) -> list[Missing]:
        """What it and its recoveries still owe, by name; at most 100. All: `outputs`, `inputs`, `planRecovery`."""
        family = [row.id for row in await families.members(info.context.db, self.row.family)]
        found = await deadlines.missing(info.context.db, family, MOST_MISSING)
        return [Missing(name=one.name, is_output=one.is_output, why=one.why) for one in found]

    @reads()
    async def late(self, info: Info) -> list[LateFiles]:
        """Files that came after its dependents were launched and wait for their next slice: `launchLate`."""
        origin, *rest = await families.members(info.context.db, self.row.family)
        family = [origin.id, *(row.id for row in rest)]
        return [LateFiles.of(one) for one in await stragglers.late(info.context.db, origin, family)]

    @reads()
    async def recovery_tries(self, info: Info) -> list[RecoveryTry]:
        """Each recovery of it that was thought of, oldest first, and what came of it."""
        return [RecoveryTry.of(row) for row in await info.context.load.tries_of.load(self.row.id)]
