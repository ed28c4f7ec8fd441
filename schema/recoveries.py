"""What a recovery would do, before anything happens, and what came of those that were tried."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from db import recoveries, recovery_pages
from db.launch_plans import Kept
from domain.verdicts import TAKEN, Why
from door.describe import choice, thing
from door.pages import Connection
from schema.context import Info
from schema.fields import reads
from schema.files import File
from schema.ids import made
from schema.launching import (
    NothingToLaunch,
    NotLaunchable,
    NotPossibleNow,
    PlanChanged,
    PlanUnknown,
    StageBusy,
)
from schema.lists import Part, by_key, number
from schema.numbers import BigInt
from schema.parameters import Resources
from schema.problems import IdempotencyKeyReused, Invalid, NotFound, NotPermitted
from schema.submissions import Submission

choice(Why)


@thing
class RecoveryCount:
    """How many files (of a generator: units) are in or out for one reason."""

    why: Why
    """The reason."""
    is_taken: bool
    """In, or out."""
    count: BigInt
    """How many."""


@thing
class RecoveryFile:
    """A file (of a generator: a unit) and why the recovery takes it or leaves it out."""

    why: Why
    """The reason."""
    is_taken: bool
    """In, or out."""
    job_id: strawberry.ID | None
    """The newest job that had it; null of a file that was added."""
    index: BigInt | None
    """Of a generator: which unit it is."""
    file_id: strawberry.ID | None
    """In the catalog; null of a generator's unit."""
    key: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: recovery_pages.Judged) -> "RecoveryFile":
        """Show a row."""
        return cls(
            why=row.why,
            is_taken=row.why in TAKEN,
            job_id=job_id(row.submission_id, row.number),
            index=row.key if row.file_id is None else None,
            file_id=made("file", row.file_id) if row.file_id else None,
            key=row.file_id,
        )

    @reads()
    async def file(self, info: Info) -> File | None:
        """What the catalog knows of it."""
        row = await info.context.load.file.load(self.key) if self.key else None
        return File.of(row) if row else None


@thing
class RecoveryUnit:
    """A work unit that the recovery would make, and its job."""

    number: int
    """The number that the job would have."""
    job_id: strawberry.ID | None
    """The job whose unit it was; null of files that were added."""
    files: BigInt
    """How many files are left to do of it."""
    bytes: BigInt
    """How large they are together."""
    index: BigInt | None
    """Of a generator: which unit it is; it makes the very same events again."""

    @classmethod
    def of(cls, row: recovery_pages.Unit) -> "RecoveryUnit":
        """Show a row."""
        return cls(
            number=row.number,
            job_id=job_id(row.submission_id, row.was),
            files=row.files,
            bytes=row.bytes,
            index=row.index,
        )


def job_id(submission_id: int, number: int) -> strawberry.ID | None:
    """The id of a job, if there was one."""
    return made("job", f"{submission_id}.{number}") if submission_id else None


@thing
class RecoveryPlan:
    """What a recovery would do if it were launched now; nothing happens."""

    plan_hash: str
    """Give it to `launchRecovery`: exactly this is launched, or nothing."""
    expires_at: datetime
    """Until when that can be done."""
    type: str
    """Which files it takes."""
    submission: Submission
    """The submission whose unfinished part it does, with that of its recoveries."""
    taken: BigInt
    """How many files (of a generator: units) it takes."""
    everything: BigInt
    """Of how many."""
    bytes: BigInt
    """How large its files are together."""
    jobs: int
    """How many jobs it starts."""
    counts: list[RecoveryCount]
    """How many are in or out, by reason."""
    command: list[str]
    """What each job runs."""
    resources: Resources
    """What each job may use."""
    ready: strawberry.Private[recoveries.Ready]

    @classmethod
    def of(cls, ready: recoveries.Ready, plan: recoveries.Plan, kept: Kept) -> "RecoveryPlan":
        """Show a plan."""
        return cls(
            plan_hash=kept.hash,
            expires_at=kept.expires_at,
            type=ready.entry.kind,
            submission=Submission.of(ready.origin),
            taken=plan.taken,
            everything=plan.everything,
            bytes=plan.bytes,
            jobs=plan.jobs,
            counts=[
                RecoveryCount(why=why, is_taken=why in TAKEN, count=plan.counts[why])
                for why in Why
                if why in plan.counts
            ],
            command=ready.configuration["command"],
            resources=Resources.of(ready.configuration["resources"]),
            ready=ready,
        )

    @reads()
    async def files(
        self,
        info: Info,
        why: list[Why] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[RecoveryFile]:
        """Each file (of a generator: unit) that is in or out, of some or all reasons."""

        async def fetch(
            start: list[Any] | None,
            backwards: bool,  # noqa: FBT001 - the page's contract
            limit: int,
        ) -> list[recovery_pages.Judged]:
            at = number(start[0]) if start else None
            return await recovery_pages.files(
                info.context.db, self.ready.asked, why, at, limit, backwards=backwards
            )

        part = Part(first, after, last, before)
        return await by_key(part, fetch, RecoveryFile.of, lambda row: (row.key,), 1)

    @reads()
    async def units(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[RecoveryUnit]:
        """Each work unit that it would make."""

        async def fetch(
            start: list[Any] | None,
            backwards: bool,  # noqa: FBT001 - the page's contract
            limit: int,
        ) -> list[recovery_pages.Unit]:
            at = number(start[0]) if start else None
            return await recovery_pages.units(
                info.context.db, self.ready.asked, at, limit, backwards=backwards
            )

        part = Part(first, after, last, before)
        return await by_key(part, fetch, RecoveryUnit.of, lambda row: (row.number,), 1)


PlanRecoveryResult = Annotated[
    RecoveryPlan | NotFound | Invalid | NotPossibleNow | NotLaunchable,
    strawberry.union("PlanRecoveryResult"),
]
LaunchRecoveryResult = Annotated[
    Submission
    | NotFound
    | NotPermitted
    | NotPossibleNow
    | NotLaunchable
    | StageBusy
    | NothingToLaunch
    | PlanUnknown
    | PlanChanged
    | IdempotencyKeyReused,
    strawberry.union("LaunchRecoveryResult"),
]
