"""What a recovery would do, before anything happens, and what came of those that were tried."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import strawberry

from db.launching.launch_plans import StoredPlan
from db.recovery import foreseen_names, recoveries, recovery_pages
from domain.recovery.verdicts import TAKEN, RecoveryVerdict
from door.describe import declare_enum_type, declare_object_type
from door.pages import Connection
from schema.context import Info
from schema.fields import declare_query
from schema.files.files import File
from schema.ids import node_id
from schema.launching.launch_results import (
    NothingToLaunch,
    NotLaunchable,
    PlanChanged,
    PlanUnknown,
    StageBusy,
)
from schema.lists import ListPart, page_by_key, parse_number_key
from schema.numbers import BigInt
from schema.problems import Invalid, MutationProblem, NotFound
from schema.setup.parameters import Resources
from schema.submissions.operation_results import NotPossibleNow
from schema.submissions.submissions import Submission

declare_enum_type(RecoveryVerdict)


@declare_object_type
class RecoveryCount:
    """How many files (of a generator: units) are in or out for one reason."""

    verdict: RecoveryVerdict
    """The reason."""
    is_taken: bool
    """In, or out."""
    count: BigInt
    """How many."""


@declare_object_type
class RecoveryFile:
    """A file (of a generator: a unit) and why the recovery takes it or leaves it out."""

    verdict: RecoveryVerdict
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
    def of(cls, row: recovery_pages.JudgedFile) -> "RecoveryFile":
        """Show a row."""
        return cls(
            verdict=row.why,
            is_taken=row.why in TAKEN,
            job_id=build_job_id(row.submission_id, row.number),
            index=row.key if row.file_id is None else None,
            file_id=node_id("file", row.file_id) if row.file_id else None,
            key=row.file_id,
        )

    @declare_query()
    async def file(self, info: Info) -> File | None:
        """What the catalog knows of it."""
        row = await info.context.load.file.load(self.key) if self.key else None
        return File.of(row) if row else None


@declare_object_type
class RecoveryUnit:
    """A work unit that the recovery would make, and its job."""

    number: int
    """The number that the job would have."""
    job_id: strawberry.ID | None
    """The job whose unit it was; null of files that were added."""
    files: BigInt
    """How many files are left to do of it."""
    bytes: BigInt
    """How large they are together: those whose size is known."""
    files_without_size: BigInt
    """How many of them have no known size."""
    index: BigInt | None
    """Of a generator: which unit it is; it makes the very same events again."""

    @classmethod
    def of(cls, row: recovery_pages.RecoveredUnit) -> "RecoveryUnit":
        """Show a row."""
        return cls(
            number=row.number,
            job_id=build_job_id(row.submission_id, row.was),
            files=row.files,
            bytes=row.bytes,
            files_without_size=row.without_size,
            index=row.index,
        )


def build_job_id(submission_id: int, number: int) -> strawberry.ID | None:
    """The id of a job, if there was one."""
    return node_id("job", f"{submission_id}.{number}") if submission_id else None


@declare_object_type
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
    taken_count: BigInt
    """How many files (of a generator: units) it takes."""
    total_count: BigInt
    """Of how many."""
    bytes: BigInt
    """How large its files are together: those whose size is known."""
    files_without_size: BigInt
    """How many of its files have no known size."""
    jobs: int
    """How many jobs it starts."""
    counts: list[RecoveryCount]
    """How many are in or out, by reason."""
    command: list[str]
    """What each job runs."""
    resources: Resources
    """What each job may use."""
    ready: strawberry.Private[recoveries.PreparedRecovery]

    @classmethod
    def of(
        cls, ready: recoveries.PreparedRecovery, plan: recoveries.PlannedRecovery, kept: StoredPlan
    ) -> "RecoveryPlan":
        """Show a plan."""
        return cls(
            plan_hash=kept.hash,
            expires_at=kept.expires_at,
            type=ready.entry.kind,
            submission=Submission.of(ready.origin),
            taken_count=plan.files_taken,
            total_count=plan.everything,
            bytes=plan.bytes,
            files_without_size=plan.without_size,
            jobs=plan.jobs,
            counts=[
                RecoveryCount(
                    verdict=verdict, is_taken=verdict in TAKEN, count=plan.counts[verdict]
                )
                for verdict in RecoveryVerdict
                if verdict in plan.counts
            ],
            command=list(ready.configuration.fill_shown_keywords().command),
            resources=Resources.of(asdict(ready.configuration.resources)),
            ready=ready,
        )

    @declare_query()
    async def name_warnings(self, info: Info) -> list[str]:
        """Names that its outputs would have, as far as they can be told, and that are taken: see `PlannedLaunch`."""
        return await foreseen_names.warn_of_recovery(info.context.db, self.ready, self.jobs)

    @declare_query()
    async def files(
        self,
        info: Info,
        verdicts: list[RecoveryVerdict] | None = None,
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
        ) -> list[recovery_pages.JudgedFile]:
            at = parse_number_key(start[0]) if start else None
            return await recovery_pages.list_files(
                info.context.db, self.ready.request, verdicts, at, limit, backwards=backwards
            )

        part = ListPart(first, after, last, before)
        return await page_by_key(part, fetch, RecoveryFile.of, lambda row: (row.key,), 1)

    @declare_query()
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
        ) -> list[recovery_pages.RecoveredUnit]:
            at = parse_number_key(start[0]) if start else None
            return await recovery_pages.list_units(
                info.context.db, self.ready.request, at, limit, backwards=backwards
            )

        part = ListPart(first, after, last, before)
        return await page_by_key(part, fetch, RecoveryUnit.of, lambda row: (row.number,), 1)


PlanRecoveryResult = Annotated[
    RecoveryPlan | NotFound | Invalid | NotPossibleNow | NotLaunchable,
    strawberry.union("PlanRecoveryResult"),
]
LaunchRecoveryResult = Annotated[
    Submission
    | MutationProblem
    | NotPossibleNow
    | NotLaunchable
    | StageBusy
    | NothingToLaunch
    | PlanUnknown
    | PlanChanged,
    strawberry.union("LaunchRecoveryResult"),
]
