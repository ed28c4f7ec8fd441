"""Datasets, as a client sees them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from db.files import datasets, listings
from domain.files.catalogs import DatasetPolicy
from domain.files.datasets import EMBEDDED, NewFile
from domain.links import LinkSubject
from domain.names import check_text
from domain.permissions import Role
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from door.pages import Connection, make_input_error
from schema.context import Info
from schema.fields import declare_query
from schema.files.file_checks import FileCheck
from schema.files.files import File
from schema.files.listings import DatasetListing, ListingDifference
from schema.ids import node_id
from schema.lists import ListPart, page_by_number
from schema.numbers import BigInt
from schema.people.links import Link, list_links
from schema.people.owned import OwnedNode
from schema.problems import (
    Invalid,
    MutationProblem,
    NameTaken,
    Problem,
    TooMany,
)
from schema.setup.parameters import Finding

if TYPE_CHECKING:
    from schema.submissions.accounts import DatasetAccount

declare_enum_type(DatasetPolicy)
MOST_DIFFERENCES = 100


@declare_object_type
class InvalidFiles(Problem):
    """None of the files was added: everything that is wrong with them."""

    findings: list[Finding]
    """What is wrong, and where."""


@declare_object_type
class FileDifference:
    """Something that is told of a file and contradicts what is known of it."""

    field: str
    """Where it is in the list, for example `files[3].size` or `files[3].metadata.stream`."""
    name: str
    """The file's name."""
    known: JSON
    """What is known."""
    told: JSON
    """What the list says instead."""


@declare_object_type
class FileDiffers(Problem):
    """The list contradicts what is known of files of these names: none of the files was added."""

    field: str
    """Where the first one is in the list, for example `files[3].size`."""
    name: str
    """The first file's name."""
    differences: list[FileDifference]
    """All of them, in the order of the list."""


@declare_object_type
class Dataset(OwnedNode):
    """A named list of files that only grows, at its end."""

    name: str
    """Unique in the experiment; `stage:42` is fed by what is upstream of that stage. Of what a launch works on: what
    `%(dataset)s` and `POMS_DATASET` say there."""
    description: str
    """What it is."""
    catalog: str
    """The name of the catalog that knows its files; `embedded`: ours."""
    definition: str
    """What it is in that catalog: a definition, a query or a DID; empty where the catalog is ours."""
    policy: DatasetPolicy
    """How often it is listed, where it refers to a catalog outside of ours."""
    listed_at: datetime | None
    """As of when its files are known to be all that the catalog has; null: never listed, or the catalog is ours."""
    unknown_since: datetime | None
    """Since when the catalog can't be asked for it; null: it can. Its files are as of `listedAt`."""
    files_total: BigInt
    """How many files it has."""
    bytes: BigInt
    """How much they are, in bytes: those whose size is known."""
    files_without_size: BigInt
    """How many have no known size: `bytes` is of the others."""
    events: BigInt
    """How many events they hold, as far as that is known."""
    owning_role: Role
    """Who acts on it, besides its owner."""
    created_at: datetime
    """When it was made."""
    may_change: bool
    """Whether you may add files to it."""
    submission_id: strawberry.ID | None
    """The launch of which these are the files; null: it has files of its own."""
    dataset_id: strawberry.Private[int]
    submission_key: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: datasets.Dataset, info: Info) -> "Dataset":
        """Show a row."""
        return cls(
            id=node_id("dataset", row.id),
            name=row.name,
            description=row.description,
            catalog=row.catalog,
            definition=row.definition,
            policy=row.policy,
            listed_at=row.listed_at,
            unknown_since=row.unknown_since,
            files_total=row.head,
            bytes=row.bytes,
            files_without_size=row.unsized,
            events=row.events,
            owning_role=row.owning_role,
            created_at=row.created_at,
            may_change=row.submission_id is None
            and info.context.allows("modify", row.experiment_id, row.owner_id, row.owning_role),
            submission_id=None
            if row.submission_id is None
            else strawberry.ID(node_id("submission", row.submission_id)),
            dataset_id=row.id,
            submission_key=row.submission_id,
            experiment_id=row.experiment_id,
            owner_id=row.owner_id,
        )

    @declare_query()
    async def links(self, info: Info) -> list[Link]:
        """Where more is known of it, as the experiment's superusers have said (`setExperimentLinks`)."""

        async def find_value(name: str) -> str | int:
            return self.name if name == "dataset_name" else self.dataset_id

        return await list_links(info, self.experiment_id, LinkSubject.DATASET, find_value)

    @declare_query()
    async def accounts(
        self, info: Info
    ) -> list[Annotated["DatasetAccount", strawberry.lazy("schema.submissions.accounts")]]:
        """What each of the stages that work on it now has done of what it was given; none of what a launch works on:
        its submission has it."""
        from schema.submissions.accounts import list_dataset_accounts

        return await list_dataset_accounts(info, self.dataset_id)

    @declare_query()
    async def file_check(self, info: Info) -> FileCheck | None:
        """What a worker found of its files the last time; null: nobody ever asked."""
        found = await info.context.load.file_check_of.load(self.dataset_id)
        return FileCheck.of(found[0]) if found else None

    @declare_query()
    async def files(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[File]:
        """Its files, in the order in which they came. Those of a launch go with its inputs into the archive."""
        return await page_by_number(
            ListPart(first, after, last, before),
            lambda start, limit, back: datasets.list_entries(
                info.context.db,
                self.dataset_id,
                start,
                limit,
                backwards=back,
                submission_id=self.submission_key,
            ),
            lambda row: File.of(row[1]),
            lambda row: row[0],
        )

    @declare_query()
    async def listing(self, info: Info) -> DatasetListing | None:
        """The newest listing of what its catalog has; null where the catalog is ours."""
        row = await info.context.load.listing_of.load(self.dataset_id)
        return None if row is None else DatasetListing.of(row)

    @declare_query(weight=10)
    async def differences(self, info: Info, after_name: str = "") -> list[ListingDifference]:
        """What its catalog has otherwise than it, by name: the next 100 after this name."""
        if wrong := check_text(after_name, 1000):
            raise make_input_error(wrong)
        rows = await listings.list_differences(
            info.context.db, self.dataset_id, after_name, MOST_DIFFERENCES
        )
        return [ListingDifference.of(row) for row in rows]


@declare_input_type
class CreateDatasetInput:
    """A new dataset: empty, or of what a catalog outside of ours has."""

    experiment: str
    """The experiment's name."""
    name: str
    """Unique in the experiment, up to 100 characters, not beginning with `stage:`."""
    description: str = ""
    """What it is."""
    catalog: str | None = None
    """A catalog of the experiment, outside of ours, which has its files; null: it is empty, and files are added."""
    definition: str = ""
    """What it is in that catalog: of SAM a definition's name or a query."""
    policy: DatasetPolicy = DatasetPolicy.ONCE
    """How often it is listed there."""


@declare_input_type
class FileInput:
    """A file that is there, with what is known of it; what is told later fills in what was not."""

    name: str
    """Unique in the experiment: 1 to 255 bytes without a slash; of an outside catalog 1 to 500, slashes too."""
    size: BigInt | None = None
    """In bytes; null: unknown."""
    location: str | None = None
    """An absolute path below one of the experiment's `folders`, without `..`, or an address: `root://…`, `https://…`,
    `gsiftp://…` and others, which jobs are given as it is. Null: only the outside catalog knows."""
    replicas: list[str] | None = None
    """Where else it lies: at most 20 paths or addresses."""
    catalog: str = EMBEDDED
    """Which catalog knows it: `embedded`, or the name of an outside one, such as `rucio` or `sam`."""
    checksum: str | None = None
    """With its algorithm in front, for example `sha256:…`."""
    events: BigInt | None = None
    """How many events it holds."""
    run: int | None = None
    """The run it belongs to."""
    metadata: JSON | None = None
    """Whatever else is known of it: one JSON object of at most 10,000 bytes."""

    @property
    def new_file(self) -> NewFile:
        """As the domain checks it."""
        return NewFile(
            name=self.name,
            size=self.size,
            location=self.location,
            checksum=self.checksum,
            events=self.events,
            run=self.run,
            metadata={} if self.metadata is None else self.metadata,  # type: ignore[arg-type]
            catalog=self.catalog,
            replicas=self.replicas or [],
        )


@declare_input_type
class AddFilesInput:
    """Files that a dataset shall have."""

    id: strawberry.ID
    """Which dataset."""
    files: list[FileInput]
    """At most 1,000; those that the dataset has already are left out."""


@declare_object_type
class KnownFile:
    """A file of the list that the experiment had."""

    field: str
    """Where it is in the list, for example `files[3]`."""
    name: str
    """Its name."""
    completed: list[str]
    """What of it was filled in: `size`, `checksum`, `events`, `run`, `metadata`, `location`, `replicas`."""


@declare_object_type
class FilesAdded:
    """What became of the files: all are in the dataset now."""

    dataset: Dataset
    """The dataset as it is now; its `fileCheck` says soon how many of its files aren't there."""
    added_count: int
    """How many it had not."""
    known_count: int
    """How many it had, or were given twice."""
    known: list[KnownFile]
    """The files that the experiment had by name, in the order of the list."""


@declare_input_type
class MarkFilesInput:
    """Files of a dataset that are on disk now, or only on tape."""

    id: strawberry.ID
    """Which dataset."""
    names: list[str]
    """At most 1,000 names of its files."""
    is_staged: bool = True
    """On disk: the `stagedfiles` split takes them, in the order in which they were marked. False: on tape; what a split
    has in line stays there."""


@declare_object_type
class FilesMarked:
    """What became of the marks."""

    dataset: Dataset
    """The dataset of the files."""
    marked_count: int
    """How many files were marked."""
    known_count: int
    """How many were marked so before, or were given twice."""
    missing: list[str]
    """The names that no file of the dataset has: nothing was marked for them."""


@declare_input_type
class DecideListingInput:
    """Whether what a dataset's catalog has is right, although so many files are gone."""

    id: strawberry.ID
    """Which dataset."""
    accept: bool
    """Whether it is right: then it is taken, and the files that are gone are noted. Else nothing of it is."""
    reason: str
    """Why; it is kept with the listing."""


RefreshDatasetResult = Annotated[
    Dataset | MutationProblem | Invalid, strawberry.union("RefreshDatasetResult")
]
DecideListingResult = Annotated[
    Dataset | MutationProblem | Invalid, strawberry.union("DecideListingResult")
]
CreateDatasetResult = Annotated[
    Dataset | MutationProblem | Invalid | NameTaken,
    strawberry.union("CreateDatasetResult"),
]
AddFilesResult = Annotated[
    FilesAdded | MutationProblem | InvalidFiles | FileDiffers | TooMany | Invalid,
    strawberry.union("AddFilesResult"),
]
MarkFilesResult = Annotated[
    FilesMarked | MutationProblem | TooMany | Invalid,
    strawberry.union("MarkFilesResult"),
]
