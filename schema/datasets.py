"""Datasets, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from db import datasets
from domain.datasets import NewFile
from domain.people import Role
from door.describe import asked, thing
from door.pages import Connection, Node
from schema.context import Info
from schema.experiments import Experiment, experiment
from schema.fields import reads
from schema.files import File
from schema.ids import made
from schema.lists import Part, by_number
from schema.numbers import BigInt
from schema.parameters import Finding
from schema.people import Person, person
from schema.problems import (
    IdempotencyKeyReused,
    Invalid,
    NameTaken,
    NotFound,
    NotPermitted,
    Problem,
    TooMany,
)


@thing
class InvalidFiles(Problem):
    """None of the files was added: everything that is wrong with them."""

    findings: list[Finding]
    """What is wrong, and where."""


@thing
class FileDiffers(Problem):
    """The experiment has a file of this name with another size or checksum: none of the files was added."""

    field: str
    """Where it is in the list, for example `files[3].name`."""
    name: str
    """The file's name."""


@thing
class Dataset(Node):
    """A named list of files that only grows, at its end."""

    name: str
    """Unique in the experiment; `stage:42` is fed by what is upstream of that stage."""
    description: str
    """What it is."""
    catalog: str
    """Which catalog knows its files."""
    files_total: BigInt
    """How many files it has."""
    bytes: BigInt
    """How much they are, in bytes."""
    events: BigInt
    """How many events they hold, as far as that is known."""
    owning_role: Role
    """Who acts on it, besides its owner."""
    created_at: datetime
    """When it was made."""
    may_change: bool
    """Whether you may add files to it."""
    dataset_id: strawberry.Private[int]
    experiment_id: strawberry.Private[int]
    owner_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: datasets.Dataset, info: Info) -> "Dataset":
        """Show a row."""
        return cls(
            id=made("dataset", row.id),
            name=row.name,
            description=row.description,
            catalog=row.catalog,
            files_total=row.head,
            bytes=row.bytes,
            events=row.events,
            owning_role=row.owning_role,
            created_at=row.created_at,
            may_change=info.context.allows(
                "modify", row.experiment_id, row.owner_id, row.owning_role
            ),
            dataset_id=row.id,
            experiment_id=row.experiment_id,
            owner_id=row.owner_id,
        )

    @reads()
    async def experiment(self, info: Info) -> Experiment:
        """Whose it is."""
        return await experiment(info, self.experiment_id)

    @reads()
    async def owner(self, info: Info) -> Person:
        """Who made it."""
        return await person(info, self.owner_id)

    @reads()
    async def files(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[File]:
        """Its files, in the order in which they came."""
        return await by_number(
            Part(first, after, last, before),
            lambda start, limit, back: datasets.entries(
                info.context.db, self.dataset_id, start, limit, backwards=back
            ),
            lambda row: File.of(row[1]),
            lambda row: row[0],
        )


@asked
class CreateDatasetInput:
    """A new, empty dataset of the embedded catalog."""

    experiment: str
    """The experiment's name."""
    name: str
    """Unique in the experiment, up to 100 characters, not beginning with `stage:`."""
    description: str = ""
    """What it is."""
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and makes nothing twice."""


@asked
class FileInput:
    """A file that is there."""

    name: str
    """Unique in the experiment: 1 to 255 bytes without a slash."""
    size: BigInt
    """In bytes."""
    location: str
    """An absolute path inside the store, without `..`."""
    checksum: str | None = None
    """With its algorithm in front, for example `sha256:…`."""
    events: BigInt | None = None
    """How many events it holds."""
    run: int | None = None
    """The run it belongs to."""
    metadata: JSON | None = None
    """Whatever else is known of it: one JSON object of at most 10,000 bytes."""

    @property
    def wanted(self) -> NewFile:
        """As the domain checks it."""
        return NewFile(
            name=self.name,
            size=self.size,
            location=self.location,
            checksum=self.checksum,
            events=self.events,
            run=self.run,
            metadata={} if self.metadata is None else self.metadata,  # type: ignore[arg-type]
        )


@asked
class AddFilesInput:
    """Files that a dataset shall have."""

    dataset_id: strawberry.ID
    """Which dataset."""
    files: list[FileInput]
    """At most 1,000; those that the dataset has already are left out."""
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and adds nothing twice."""


@thing
class FilesAdded:
    """What became of the files: all are in the dataset now."""

    dataset: Dataset
    """The dataset as it is now."""
    added: int
    """How many it had not."""
    known: int
    """How many it had, or were given twice."""


CreateDatasetResult = Annotated[
    Dataset | NotFound | NotPermitted | Invalid | NameTaken | IdempotencyKeyReused,
    strawberry.union("CreateDatasetResult"),
]
AddFilesResult = Annotated[
    FilesAdded
    | NotFound
    | NotPermitted
    | InvalidFiles
    | FileDiffers
    | TooMany
    | Invalid
    | IdempotencyKeyReused,
    strawberry.union("AddFilesResult"),
]
