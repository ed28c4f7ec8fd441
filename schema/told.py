"""The history of one submission, as a client sees it."""

from datetime import datetime
from typing import Any

from strawberry.scalars import JSON

from db import changes
from door.describe import thing
from door.pages import Connection
from schema.context import Info
from schema.lists import Part, by_key, number


@thing
class Told:
    """One thing that happened to a submission."""

    kind: str
    """What happened, such as `submission.running`."""
    body: JSON
    """What there is to say about it; of a submission's own change, how it was after it."""
    at: datetime
    """When."""

    @classmethod
    def of(cls, row: changes.Fact) -> "Told":
        """Show a row."""
        return cls(kind=row.kind, body=row.body, at=row.at)


async def history_page(info: Info, submission_id: int, part: Part) -> Connection[Told]:
    """What happened to a submission, whether or not it has its position already."""

    async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[changes.Fact]:  # noqa: FBT001 - the page's contract
        at = number(start[0]) if start else None
        return await changes.history(info.context.db, submission_id, at, limit, backwards=backwards)

    return await by_key(part, fetch, Told.of, lambda row: (row.id,), 1)
