"""Jobs and their attempts, as a client sees them."""

from datetime import datetime
from typing import Any

import strawberry

from db.submissions import job_listings
from domain.submissions.jobs import JobState
from door.describe import declare_enum_type, declare_object_type
from door.pages import Connection, Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.lists import ListPart, page_by_key, parse_number_key
from schema.people.links import Link
from schema.submissions import outputs
from schema.submissions.link_values import list_job_links
from schema.submissions.outputs import InputFile, OutputFile

declare_enum_type(JobState)


@declare_object_type
class JobAttempt:
    """One start of a job; evictions and requeues make another."""

    attempt: int
    """Counted from 1."""
    state: JobState
    """Where it came to."""
    exit_code: int | None
    """Of its command, once it is known."""
    signal: int | None
    """The signal that ended it."""
    code: int | None
    """What the batch system says: its code."""
    subcode: int | None
    """What the batch system says: its subcode."""
    text: str | None
    """What the batch system says, in words."""
    site: str | None
    """Where it ran."""
    slot: str | None
    """On which slot or node."""
    cpu_s: float | None
    """CPU seconds."""
    wall_s: float | None
    """Wall clock seconds."""
    memory_mb: float | None
    """The most memory that it used, in MB."""
    started_at: datetime | None
    """When it began."""
    ended_at: datetime | None
    """When it was over."""

    @classmethod
    def of(cls, row: job_listings.JobStart) -> "JobAttempt":
        """Show a row."""
        return cls(**{name: getattr(row, name) for name in cls.__annotations__})


@declare_object_type
class Job(Node):
    """One batch job, for one work unit."""

    number: int
    """Its place in the submission, from 1."""
    state: JobState
    """Where it is."""
    attempt: int
    """How often it was started."""
    native_id: str | None
    """What the batch system calls it."""
    reason: str | None
    """Why it failed: exit, signal, memory, walltime, no_report, bad_report and so on."""
    exit_code: int | None
    """Of its command, once it is known."""
    signal: int | None
    """The signal that ended it."""
    code: int | None
    """What the batch system says: its code."""
    subcode: int | None
    """What the batch system says: its subcode."""
    text: str | None
    """What the batch system says, in words."""
    site: str | None
    """Where it ran."""
    slot: str | None
    """On which slot or node."""
    cpu_s: float | None
    """CPU seconds of the last attempt."""
    wall_s: float | None
    """Wall clock seconds of the last attempt."""
    memory_mb: float | None
    """The most memory that it used, in MB."""
    started_at: datetime | None
    """When the last attempt began."""
    ended_at: datetime | None
    """When it was over."""
    log_tail: str | None
    """The end of its log."""
    submission_id: strawberry.ID
    """The submission that it is of."""
    key: strawberry.Private[tuple[int, int]]

    @classmethod
    def of(cls, row: job_listings.Job) -> "Job":
        """Show a row."""
        key = row.submission_id, row.number
        return cls(
            id=node_id("job", f"{key[0]}.{key[1]}"),
            submission_id=node_id("submission", row.submission_id),
            key=key,
            **{name: getattr(row, name) for name in PLAIN},
        )

    @declare_query()
    async def attempts(self, info: Info) -> list[JobAttempt]:
        """Every start of it, first one first."""
        return [JobAttempt.of(row) for row in await info.context.load.attempts_of.load(self.key)]

    @declare_query()
    async def links(self, info: Info) -> list[Link]:
        """Where more is known of it, as the experiment's superusers have said (`setExperimentLinks`)."""
        return await list_job_links(info, *self.key, self.native_id)

    @declare_query()
    async def inputs(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[InputFile]:
        """The files that it works on."""
        wanted = outputs.InputsWanted(*self.key)
        return await outputs.page_inputs(info, wanted, ListPart(first, after, last, before))

    @declare_query()
    async def outputs(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[OutputFile]:
        """The files that it made."""
        wanted = outputs.OutputsWanted(*self.key)
        return await outputs.page_outputs(info, wanted, ListPart(first, after, last, before))


PLAIN = tuple(set(job_listings.Job.__dataclass_fields__) - {"submission_id"})


async def page_jobs(
    info: Info, submission_id: int, states: list[JobState] | None, part: ListPart
) -> Connection[Job]:
    """The jobs of a submission, by their numbers."""

    async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[job_listings.Job]:  # noqa: FBT001 - the page's contract
        at = parse_number_key(start[0]) if start else None
        return await job_listings.list_jobs(
            info.context.db, submission_id, at, limit, states, backwards=backwards
        )

    return await page_by_key(part, fetch, Job.of, lambda row: (row.number,), 1)
