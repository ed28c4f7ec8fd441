"""Reading submissions, and asking something of their jobs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry

from db.people import experiments
from db.pool import Connection
from db.submissions import actions, kicks, submission_listings
from db.submissions import submissions as rows
from domain.names import check_reason
from domain.submissions.actions import POSSIBLE, SubmissionAction, is_possible
from domain.submissions.jobs import JobActionVerb
from domain.submissions.submissions import SubmissionState
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from door.pages import Connection as Page
from door.pages import fetch_page
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nodes import KINDS, register_kind
from resolvers.nouns import SUBMISSION, find_allowed
from schema import ids
from schema.context import Info
from schema.fields import declare_query
from schema.lists import parse_number_key
from schema.problems import Invalid, NotFound, NotPermitted
from schema.submissions import plain_submissions
from schema.submissions.jobs import Job
from schema.submissions.operation_results import (
    CancelSubmissionResult,
    HoldSubmissionResult,
    KickSubmissionResult,
    NotPossibleNow,
    ReleaseSubmissionResult,
)
from schema.submissions.submissions import Submission, load_submission


@declare_enum_type
class SubmissionOrder(StrEnum):
    """In which order submissions come."""

    NEWEST = "newest"
    """The newest first."""
    OLDEST = "oldest"
    """The oldest first."""


@declare_input_type
class SubmissionsFilter:
    """Which submissions are wanted; what is left out doesn't narrow."""

    experiment: str | None = None
    """The name of one of your experiments."""
    campaign_id: strawberry.ID | None = None
    """Of one campaign."""
    stage_id: strawberry.ID | None = None
    """Of one stage."""
    states: list[SubmissionState] | None = None
    """In one of these states."""
    is_test: bool | None = None
    """Tests only, or no tests."""
    created_by: strawberry.ID | None = None
    """The person who launched it."""
    since: datetime | None = None
    """Launched then or later."""
    until: datetime | None = None
    """Launched before then."""


NOTHING = submission_listings.SubmissionFilter(experiments=())


async def find_experiment_ids(info: Info, name: str | None) -> list[int] | None:
    """The ids of the experiments that are meant and visible; None means every one."""
    if name is None:
        return info.context.viewer.experiments
    row = await experiments.find_by_name(info.context.db, name)
    return [row.id] if row and info.context.viewer.sees(row.id) else []


async def build_filter(
    info: Info, given: SubmissionsFilter
) -> submission_listings.SubmissionFilter:
    """What a filter means to this viewer; an id of something else means nothing at all."""
    parsed: dict[str, int | None] = {}
    for name, of in (
        ("campaign_id", "campaign"),
        ("stage_id", "stage"),
        ("created_by", "person"),
    ):
        text = getattr(given, name)
        parsed[name] = ids.parse_node_id(text, of) if text is not None else None
        if text is not None and parsed[name] is None:
            return NOTHING
    return submission_listings.SubmissionFilter(
        experiments=await find_experiment_ids(info, given.experiment),
        states=given.states,
        is_test=given.is_test,
        since=given.since,
        until=given.until,
        **parsed,
    )


@declare_object_type
class SubmissionQueries:
    """Reading submissions."""

    @declare_query()
    async def submission(self, info: Info, id: strawberry.ID) -> Submission | None:
        """Find one submission; null when there is none, or it is not yours to see."""
        return await load_submission(info, ids.parse_node_id(id, "submission"))

    @declare_query()
    async def job(self, info: Info, id: strawberry.ID) -> Job | None:
        """Find one job, by an id like `job:42.17`; null when it is not there or not yours to see."""
        return await find_job(info, id)

    @declare_query()
    async def submissions(
        self,
        info: Info,
        filter: SubmissionsFilter | None = None,  # noqa: A002 - the argument's name in GraphQL
        order_by: SubmissionOrder = SubmissionOrder.NEWEST,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[Submission]:
        """All submissions that you may see, or some of them."""
        wanted = await build_filter(info, filter or SubmissionsFilter())
        falls = order_by is SubmissionOrder.NEWEST

        db, columns = info.context.db, plain_submissions.select_columns(info)

        async def fetch(
            start: list[Any] | None,
            backwards: bool,  # noqa: FBT001 - the page's contract
            limit: int,
        ) -> Sequence[Any]:
            at, newest = parse_number_key(start[0]) if start else None, falls != backwards
            if columns is None:
                return await submission_listings.list_submissions(
                    db, wanted, at, limit, newest=newest
                )
            return await submission_listings.list_columns(
                db, wanted, at, limit, columns, newest=newest
            )

        make = Submission.of if columns is None else plain_submissions.build_row_factory(columns)
        key = (lambda row: (row.id,)) if columns is None else (lambda row: (row[0],))
        return await fetch_page(
            fetch, make, key, 1, first=first, after=after, last=last, before=before
        )


async def find_job(info: Info, id: strawberry.ID) -> Job | None:
    """Show a job that the viewer may see."""
    key = ids.parse_job_id(id)
    if key is None or await load_submission(info, key[0]) is None:
        return None
    row = await info.context.load.job.load(key)
    return Job.of(row) if row else None


register_kind("submission", load_submission)
KINDS["job"] = find_job

ARCHIVED = (
    "Submission {} is over for long: its inputs are in the archive, and nothing follows of it any more."
    " Launch what is to be done again as a new slice."
)
Refusal = NotFound | NotPermitted | Invalid | NotPossibleNow


async def find_permitted_submission(
    info: Info, id: strawberry.ID, action: SubmissionAction, reason: str
) -> rows.Submission | Refusal:
    """The submission, if this viewer may do this to it now; the same table is `availableActions`."""
    row = await find_allowed(info, SUBMISSION, id, "operate")
    if isinstance(row, NotFound | NotPermitted):
        return row
    if wrong := check_reason(reason):
        return Invalid(message=wrong, field="reason")
    if not is_possible(action, row.state, row.jobs_held, is_archived=row.archived_at is not None):
        return report_not_possible(action, row)
    return row


def report_not_possible(action: SubmissionAction, row: rows.Submission) -> NotPossibleNow:
    """Why there is no point in it."""
    if row.archived_at is not None:
        return NotPossibleNow(message=ARCHIVED.format(row.id), state=row.state)
    held = " and none of its jobs is held" if action is SubmissionAction.RELEASE else ""
    return NotPossibleNow(
        message=f"Submission {row.id} is {row.state}{held}: there is nothing to {action}.",
        state=row.state,
    )


Effect = Callable[[Connection, rows.Submission], Awaitable[rows.Submission | None]]


async def act_on_submission(
    info: Info, id: strawberry.ID, action: SubmissionAction, reason: str, effect: Effect
) -> Submission | Refusal:
    """Check, do it, and show the submission as it is then."""
    row = await find_permitted_submission(info, id, action, reason)
    if not isinstance(row, rows.Submission):
        return row
    done = await effect(await begin_change(), row)
    if done is None:
        now = await info.context.load.submission.load(row.id)
        return report_not_possible(action, now or row)
    return Submission.of(done)


async def request_action(
    info: Info, id: strawberry.ID, action: SubmissionAction, verb: JobActionVerb, reason: str
) -> Submission | Refusal:
    """Write down what somebody wants; a worker carries it to the batch system."""

    async def write(conn: Connection, row: rows.Submission) -> rows.Submission | None:
        await actions.request_action(conn, row.id, verb, reason, info.context.viewer.person_id)
        return await info.context.load.submission.load(row.id)

    return await act_on_submission(info, id, action, reason, write)


@declare_object_type
class SubmissionMutations:
    """Asking something of submissions."""

    @declare_mutation("operate")
    async def cancel_submission(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> CancelSubmissionResult:
        """Remove its jobs, or don't launch it at all. A worker does it; watch the submission."""
        return await request_action(info, id, SubmissionAction.CANCEL, JobActionVerb.REMOVE, reason)

    @declare_mutation("operate")
    async def hold_submission(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> HoldSubmissionResult:
        """Keep its jobs from running until they are released. A worker does it."""
        return await request_action(info, id, SubmissionAction.HOLD, JobActionVerb.HOLD, reason)

    @declare_mutation("operate")
    async def release_submission(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> ReleaseSubmissionResult:
        """Let its held jobs run. A worker does it."""
        return await request_action(
            info, id, SubmissionAction.RELEASE, JobActionVerb.RELEASE, reason
        )

    @declare_mutation("operate")
    async def kick_submission(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> KickSubmissionResult:
        """Count it as located, whatever is missing: what depends on it goes on."""

        async def kick(conn: Connection, row: rows.Submission) -> rows.Submission | None:
            old = list(POSSIBLE[SubmissionAction.KICK])
            person_id = info.context.viewer.person_id
            return await kicks.kick_submission(conn, row.id, old, reason, person_id)

        return await act_on_submission(info, id, SubmissionAction.KICK, reason, kick)
