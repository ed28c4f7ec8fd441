"""Inputs and outputs of submissions, as a client sees them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from db import contents
from db import outputs as rows
from domain.files import Delivery, Outcome, OutputState
from door.describe import choice, thing
from door.pages import Connection
from schema.context import Info
from schema.fields import reads
from schema.files import File
from schema.ids import made
from schema.lists import Part, by_key, number, text
from schema.numbers import BigInt

choice(Delivery)
choice(Outcome)
choice(OutputState)


@thing
class Input:
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
    def of(cls, row: contents.Input) -> "Input":
        """Show a row."""
        return cls(
            job_id=made("job", f"{row.submission_id}.{row.number}"),
            file_id=made("file", row.file_id),
            delivery=row.delivery,
            outcome=row.outcome,
            reason=row.reason,
            key=row.file_id,
        )

    @reads()
    async def file(self, info: Info) -> File | None:
        """What the catalog knows of it."""
        row = await info.context.load.file.load(self.key)
        return File.of(row) if row else None


@thing
class Output:
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
    pattern: str
    """The job type's pattern that it fits."""
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
    """What the last look for it found instead of the file that was declared."""
    file_id: strawberry.ID | None
    """In the catalog, once it is located."""
    declared_at: datetime
    """When the job said that it had made it."""

    @classmethod
    def of(cls, row: rows.Output) -> "Output":
        """Show a row."""
        return cls(
            job_id=made("job", f"{row.submission_id}.{row.number}"),
            file_id=made("file", row.file_id) if row.file_id else None,
            missing=row.problem if row.state is OutputState.DECLARED else None,
            **{name: getattr(row, name) for name in PLAIN},
        )


PLAIN = (
    "attempt",
    "name",
    "path",
    "size",
    "checksum",
    "pattern",
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


async def inputs_page(info: Info, wanted: InputsWanted, part: Part) -> Connection[Input]:
    """Inputs by their file ids."""
    narrow = wanted.delivery, wanted.outcome, wanted.number

    async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[contents.Input]:  # noqa: FBT001 - the page's contract
        file_id = number(start[0]) if start else None
        return await contents.inputs(
            info.context.db, wanted.submission_id, file_id, limit, narrow, backwards=backwards
        )

    return await by_key(part, fetch, Input.of, lambda row: (row.file_id,), 1)


@dataclass(frozen=True, slots=True)
class OutputsWanted:
    """Which outputs to list; what is None doesn't narrow."""

    submission_id: int
    number: int | None = None
    states: list[OutputState] | None = None


async def outputs_page(info: Info, wanted: OutputsWanted, part: Part) -> Connection[Output]:
    """Outputs by their job's number and their names."""
    narrow = wanted.states, wanted.number

    async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[rows.Output]:  # noqa: FBT001 - the page's contract
        at = (number(start[0]), text(start[1])) if start else None
        return await contents.outputs(
            info.context.db, wanted.submission_id, at, limit, narrow, backwards=backwards
        )

    return await by_key(part, fetch, Output.of, lambda row: (row.number, row.name), 2)
