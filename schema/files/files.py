"""Files of the embedded catalog, as a client sees them."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from db.files import files
from domain.files.datasets import read_mark
from door.describe import declare_object_type
from door.pages import Connection, Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.lists import ListPart, page_by_number
from schema.numbers import BigInt
from schema.people.experiments import Experiment, load_experiment


@declare_object_type
class File(Node):
    """One file of an experiment, with what is known of it."""

    name: str
    """Unique in the experiment."""
    size: BigInt | None
    """In bytes; null: unknown."""
    checksum: str | None
    """With its algorithm in front, for example `sha256:…`."""
    events: BigInt | None
    """How many events it holds."""
    run: int | None
    """The run it belongs to."""
    location: str | None
    """Where it lies: an absolute path, or an address; null: only its catalog knows."""
    replicas: list[str]
    """Where else it lies."""
    catalog: str
    """Which catalog knows it: `embedded`, or the name of an outside one."""
    is_staged: bool | None
    """Whether it is marked as on disk; false: as on tape; null: not marked."""
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
            id=node_id("file", row.id),
            name=row.name,
            size=row.size,
            checksum=row.checksum,
            events=row.events,
            run=row.run,
            location=row.location,
            replicas=row.replicas,
            catalog=row.catalog,
            is_staged=read_mark(row.metadata),
            metadata=JSON(row.metadata),
            created_at=row.created_at,
            file_id=row.id,
            experiment_id=row.experiment_id,
            submission_id=row.submission_id,
        )

    @declare_query()
    async def experiment(self, info: Info) -> Experiment:
        """Whose it is."""
        return await load_experiment(info, self.experiment_id)

    @declare_query()
    async def parents(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection["File"]:
        """The files that it was made from."""
        return await page_by_number(
            ListPart(first, after, last, before),
            lambda start, limit, back: files.list_parents(
                info.context.db, self.file_id, start, limit, backwards=back
            ),
            File.of,
            lambda row: row.id,
        )

    @declare_query()
    async def children(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection["File"]:
        """The files that were made from it."""
        return await page_by_number(
            ListPart(first, after, last, before),
            lambda start, limit, back: files.list_children(
                info.context.db, self.file_id, start, limit, backwards=back
            ),
            File.of,
            lambda row: row.id,
        )
