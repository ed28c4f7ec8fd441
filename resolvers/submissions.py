"""Reading submissions, and asking something of their jobs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry

from db import actions, experiments, kicks, listings
from db import submissions as rows
from domain.actions import POSSIBLE, SubmissionAction, possible
from domain.jobs import Verb
from domain.names import MOST_REASON, wrong_text
from domain.submissions import SubmissionState
from door.describe import asked, choice, thing
from door.pages import Connection, page
from resolvers.nodes import KINDS, kind
from schema import ids, plain_submissions
from schema.context import Info
from schema.fields import changes, reads
from schema.jobs import Job
from schema.launching import (
    CancelSubmissionResult,
    HoldSubmissionResult,
    KickSubmissionResult,
    NotPossibleNow,
    ReleaseSubmissionResult,
)
from schema.lists import number
from schema.operating import may_operate
from schema.problems import Invalid, NotFound, NotPermitted
from schema.submissions import Submission, found


@choice
class SubmissionOrder(StrEnum):
    """In which order submissions come."""

    NEWEST = "newest"
    """The newest first."""
    OLDEST = "oldest"
    """The oldest first."""


@asked
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


NOTHING = listings.Wanted(experiments=())


async def experiment_ids(info: Info, name: str | None) -> list[int] | None:
    """The ids of the experiments that are meant and visible; None means every one."""
    if name is None:
        return info.context.viewer.experiments
    row = await experiments.by_name(info.context.db, name)
    return [row.id] if row and info.context.viewer.sees(row.id) else []


async def wanted_of(info: Info, given: SubmissionsFilter) -> listings.Wanted:
    """What a filter means to this viewer; an id of something else means nothing at all."""
    parsed: dict[str, int | None] = {}
    for name, of in (
        ("campaign_id", "campaign"),
        ("stage_id", "stage"),
        ("created_by", "person"),
    ):
        text = getattr(given, name)
        parsed[name] = ids.number(text, of) if text is not None else None
        if text is not None and parsed[name] is None:
            return NOTHING
    return listings.Wanted(
        experiments=await experiment_ids(info, given.experiment),
        states=given.states,
        is_test=given.is_test,
        since=given.since,
        until=given.until,
        **parsed,
    )


@thing
class SubmissionQueries:
    """Reading submissions."""

    @reads()
    async def submission(self, info: Info, id: strawberry.ID) -> Submission | None:
        """Find one submission; null when there is none, or it is not yours to see."""
        return await found(info, ids.number(id, "submission"))

    @reads()
    async def job(self, info: Info, id: strawberry.ID) -> Job | None:
        """Find one job, by an id like `job:42.17`; null when it is not there or not yours to see."""
        return await job_found(info, id)

    @reads()
    async def submissions(
        self,
        info: Info,
        filter: SubmissionsFilter | None = None,  # noqa: A002 - the argument's name in GraphQL
        order_by: SubmissionOrder = SubmissionOrder.NEWEST,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Submission]:
        """All submissions that you may see, or some of them."""
        wanted = await wanted_of(info, filter or SubmissionsFilter())
        falls = order_by is SubmissionOrder.NEWEST

        db, columns = info.context.db, plain_submissions.columns(info)

        async def fetch(
            start: list[Any] | None,
            backwards: bool,  # noqa: FBT001 - the page's contract
            limit: int,
        ) -> Sequence[Any]:
            at, newest = number(start[0]) if start else None, falls != backwards
            if columns is None:
                return await listings.submissions(db, wanted, at, limit, newest=newest)
            return await listings.some_columns(db, wanted, at, limit, columns, newest=newest)

        make = Submission.of if columns is None else plain_submissions.maker(columns)
        key = (lambda row: (row.id,)) if columns is None else (lambda row: (row[0],))
        return await page(fetch, make, key, 1, first=first, after=after, last=last, before=before)


async def job_found(info: Info, id: strawberry.ID) -> Job | None:
    """Show a job that the viewer may see."""
    key = ids.job_key(id)
    if key is None or await found(info, key[0]) is None:
        return None
    row = await info.context.load.job.load(key)
    return Job.of(row) if row else None


kind("submission", found)
KINDS["job"] = job_found

Refusal = NotFound | NotPermitted | Invalid | NotPossibleNow


async def checked(
    info: Info, id: strawberry.ID, action: SubmissionAction, reason: str
) -> rows.Submission | Refusal:
    """The submission, if this viewer may do this to it now; the same table is `availableActions`."""
    key = ids.number(id, "submission")
    row = await info.context.load.submission.load(key) if key else None
    if row is None or not info.context.viewer.sees(row.experiment_id):
        return NotFound(message=f"There is no submission {id[:50]!r}.")
    if not await may_operate(info, row.campaign_id):
        return NotPermitted(message=f"You may not {action} submissions here.", action="operate")
    if not reason.strip():
        return Invalid(message="Say why: a reason is kept with it.", field="reason")
    if wrong := wrong_text(reason, MOST_REASON):
        return Invalid(message=wrong, field="reason")
    if not possible(action, row.state, row.jobs_held):
        return not_now(action, row)
    return row


def not_now(action: SubmissionAction, row: rows.Submission) -> NotPossibleNow:
    """Why there is no point in it."""
    held = " and none of its jobs is held" if action is SubmissionAction.RELEASE else ""
    return NotPossibleNow(
        message=f"Submission {row.id} is {row.state}{held}: there is nothing to {action}.",
        state=row.state,
    )


Effect = Callable[[rows.Submission], Awaitable[rows.Submission | None]]


async def act(
    info: Info, id: strawberry.ID, action: SubmissionAction, reason: str, effect: Effect
) -> Submission | Refusal:
    """Check, do it, ring, and show the submission as it is then."""
    row = await checked(info, id, action, reason)
    if not isinstance(row, rows.Submission):
        return row
    done = await effect(row)
    if done is None:
        now = await info.context.load.submission.load(row.id)
        return not_now(action, now or row)
    await info.context.ring()
    return Submission.of(done)


async def ask(
    info: Info, id: strawberry.ID, action: SubmissionAction, verb: Verb, reason: str
) -> Submission | Refusal:
    """Write down what somebody wants; a worker carries it to the batch system."""

    async def write(row: rows.Submission) -> rows.Submission | None:
        viewer = info.context.viewer
        await actions.ask(info.context.db, row.id, verb, reason, viewer.person_id)
        return await info.context.load.submission.load(row.id)

    return await act(info, id, action, reason, write)


@thing
class SubmissionMutations:
    """Asking something of submissions."""

    @changes("operate")
    async def cancel_submission(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> CancelSubmissionResult:
        """Remove its jobs, or don't launch it at all. A worker does it; watch the submission."""
        return await ask(info, id, SubmissionAction.CANCEL, Verb.REMOVE, reason)

    @changes("operate")
    async def hold_submission(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> HoldSubmissionResult:
        """Keep its jobs from running until they are released. A worker does it."""
        return await ask(info, id, SubmissionAction.HOLD, Verb.HOLD, reason)

    @changes("operate")
    async def release_submission(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> ReleaseSubmissionResult:
        """Let its held jobs run. A worker does it."""
        return await ask(info, id, SubmissionAction.RELEASE, Verb.RELEASE, reason)

    @changes("operate")
    async def kick_submission(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> KickSubmissionResult:
        """Count it as located, whatever is missing: what depends on it goes on."""

        async def kick(row: rows.Submission) -> rows.Submission | None:
            old = list(POSSIBLE[SubmissionAction.KICK])
            person_id = info.context.viewer.person_id
            return await kicks.kick(info.context.db, row.id, old, reason, person_id)

        return await act(info, id, SubmissionAction.KICK, reason, kick)
