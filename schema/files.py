"""Files of the embedded catalog, as a client sees them."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from db import files
from door.describe import thing
from door.pages import Connection, Node
from schema.context import Info
from schema.experiments import Experiment, experiment
from schema.fields import reads
from schema.ids import made
from schema.lists import Part, by_number
from schema.numbers import BigInt


@thing
class File(Node):
    """One file that the embedded catalog knows."""

    name: str
    """Unique in the experiment."""
    size: BigInt
    """In bytes."""
    checksum: str | None
    """With its algorithm in front, for example `sha256:…`."""
    events: BigInt | None
    """How many events it holds."""
    run: int | None
    """The run it belongs to."""
    location: str
    """Where it lies: an absolute path inside the store."""
    metadata: JSON
    """Whatever else is known of it: one JSON object."""
    created_at: datetime
    """When it was declared."""
    file_id: strawberry.Private[int]
    experiment_id: strawberry.Private[int]
    submission_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: files.File) -> "File":
        """Show a row."""
        return cls(
            id=made("file", row.id),
            name=row.name,
            size=row.size,
            checksum=row.checksum,
            events=row.events,
            run=row.run,
            location=row.location,
            metadata=JSON(row.metadata),
            created_at=row.created_at,
            file_id=row.id,
            experiment_id=row.experiment_id,
            submission_id=row.submission_id,
        )

    @reads()
    async def experiment(self, info: Info) -> Experiment:
        """Whose it is."""
        return await experiment(info, self.experiment_id)

    @reads()
    async def parents(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection["File"]:
        """The files that it was made from."""
        return await by_number(
            Part(first, after, last, before),
            lambda start, limit, back: files.parents(
                info.context.db, self.file_id, start, limit, backwards=back
            ),
            File.of,
            lambda row: row.id,
        )

    @reads()
    async def children(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection["File"]:
        """The files that were made from it."""
        return await by_number(
            Part(first, after, last, before),
            lambda start, limit, back: files.children(
                info.context.db, self.file_id, start, limit, backwards=back
            ),
            File.of,
            lambda row: row.id,
        )
