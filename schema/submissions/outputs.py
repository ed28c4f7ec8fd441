"""Inputs and outputs of submissions, as a client sees them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from db.submissions import job_listings
from db.submissions import output_files as rows
from domain.submissions.file_states import Delivery, Outcome, OutputState
from door.describe import declare_enum_type, declare_object_type
from door.pages import Connection
from schema.context import Info
from schema.fields import declare_query
from schema.files.files import File
from schema.ids import node_id
from schema.lists import ListPart, page_by_key, parse_number_key, parse_text_key
from schema.numbers import BigInt

declare_enum_type(Delivery)
declare_enum_type(Outcome)
declare_enum_type(OutputState)


@declare_object_type
class InputFile:
    """A file that a submission works on: how far it has come, and what became of it."""

    job_id: strawberry.ID
    """The job whose work unit it belongs to."""
    file_id: strawberry.ID
    """In the catalog."""
    delivery: Delivery
    """How far it has come to the job that wants it."""
    outcome: Outcome
    """What became of it."""
    reason: str | None
    """Why it was skipped or failed."""
    key: strawberry.Private[int]

    @classmethod
    def of(cls, row: job_listings.InputFile) -> "InputFile":
        """Show a row."""
        return cls(
            job_id=node_id("job", f"{row.submission_id}.{row.number}"),
            file_id=node_id("file", row.file_id),
            delivery=row.delivery,
            outcome=row.outcome,
            reason=row.reason,
            key=row.file_id,
        )

    @declare_query()
    async def file(self, info: Info) -> File | None:
        """What the catalog knows of it."""
        row = await info.context.load.file.load(self.key)
        return File.of(row) if row else None


@declare_object_type
class OutputFile:
    """A file that a job says it made; located once the file itself has been seen."""

    job_id: strawberry.ID
    """The job that made it."""
    attempt: int
    """The start of the job that made it."""
    name: str
    """Unique in the experiment, once it is located."""
    path: str
    """Where the job put it."""
    size: BigInt
    """In bytes."""
    checksum: str
    """With its algorithm in front."""
    made_from: list[str]
    """The other outputs of its job from which it was made, by name; none: straight from inputs, or of nothing."""
    generations: list[int]
    """How many steps it is below its job's inputs; several, if it was made on several ways."""
    events: BigInt | None
    """How many events are in it."""
    metadata: JSON
    """What the job says of it."""
    state: OutputState
    """What is known of it."""
    missing: str | None
    """What the last look for it found instead of the file that was declared, or why it was refused."""
    file_id: strawberry.ID | None
    """In the catalog, once it is located."""
    declared_at: datetime
    """When the job said that it had made it."""

    @classmethod
    def of(cls, row: rows.OutputFile) -> "OutputFile":
        """Show a row."""
        return cls(
            job_id=node_id("job", f"{row.submission_id}.{row.number}"),
            file_id=node_id("file", row.file_id) if row.file_id else None,
            missing=row.problem if row.state in UNSEEN else None,
            **{name: getattr(row, name) for name in PLAIN},
        )


UNSEEN = (OutputState.DECLARED, OutputState.REFUSED)
PLAIN = (
    "attempt",
    "name",
    "path",
    "size",
    "checksum",
    "made_from",
    "generations",
    "events",
    "metadata",
    "state",
    "declared_at",
)


@dataclass(frozen=True, slots=True)
class InputsWanted:
    """Which inputs to list; what is None doesn't narrow."""

    submission_id: int
    number: int | None = None
    delivery: list[Delivery] | None = None
    outcome: list[Outcome] | None = None


async def page_inputs(info: Info, wanted: InputsWanted, part: ListPart) -> Connection[InputFile]:
    """Inputs by their file ids."""
    narrow = wanted.delivery, wanted.outcome, wanted.number

    async def fetch(
        start: list[Any] | None,
        backwards: bool,  # noqa: FBT001 - the page's contract
        limit: int,
    ) -> list[job_listings.InputFile]:
        file_id = parse_number_key(start[0]) if start else None
        return await job_listings.list_inputs(
            info.context.db, wanted.submission_id, file_id, limit, narrow, backwards=backwards
        )

    return await page_by_key(part, fetch, InputFile.of, lambda row: (row.file_id,), 1)


@dataclass(frozen=True, slots=True)
class OutputsWanted:
    """Which outputs to list; what is None doesn't narrow."""

    submission_id: int
    number: int | None = None
    states: list[OutputState] | None = None


async def page_outputs(info: Info, wanted: OutputsWanted, part: ListPart) -> Connection[OutputFile]:
    """Outputs by their job's number and their names."""
    narrow = wanted.states, wanted.number

    async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[rows.OutputFile]:  # noqa: FBT001 - the page's contract
        at = (parse_number_key(start[0]), parse_text_key(start[1])) if start else None
        return await job_listings.list_outputs(
            info.context.db, wanted.submission_id, at, limit, narrow, backwards=backwards
        )

    return await page_by_key(part, fetch, OutputFile.of, lambda row: (row.number, row.name), 2)
