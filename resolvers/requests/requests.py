"""Writing requests, and asking those to agree who have to."""

from collections.abc import Collection

import asyncpg
import strawberry

from db.campaigns import campaigns
from db.files import datasets
from db.requests import approvals, requests
from db.requests.requests import AskedPerson, RequestFilter, RevisionSource
from domain.changes import Actor
from domain.findings import Finding
from domain.names import MOST_NAME, check_reason, check_text
from domain.requests.requests import (
    OPEN,
    RequestContent,
    RequestState,
    check_content,
    check_submittable,
)
from door.describe import declare_input_type, declare_object_type
from door.pages import Connection as Page
from door.pages import make_input_error
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nodes import register_experiment_kind
from resolvers.nouns import REQUEST, find_allowed, find_seen, may_act
from resolvers.submissions.submissions import find_experiment_ids
from schema.context import Info
from schema.fields import declare_query
from schema.lists import ListPart, page_by_number
from schema.problems import NotFound, NotPermitted
from schema.requests.requests import (
    CancelRequestResult,
    CreateRequestInput,
    CreateRequestResult,
    FinishRequestResult,
    InvalidRequest,
    Request,
    RequestInput,
    RequestRevision,
    SaveRequestInput,
    SaveRequestResult,
    StaleRequest,
    SubmitRequestResult,
    WrongRequestState,
)

MOST_REVISIONS = 100


@declare_input_type
class RequestsFilter:
    """Which requests are wanted; what is left out doesn't narrow."""

    experiment: str | None = None
    """The name of one of your experiments."""
    states: list[RequestState] | None = None
    """In one of these states; left out: any that is not archived."""
    title_contains: str | None = None
    """Those with this in their titles, in large or small letters."""
    mine: bool = False
    """Only those that you own."""
    waiting_on_me: bool = False
    """Only those for which a rule asks you now to agree."""


@declare_object_type
class RequestQueries:
    """Reading requests."""

    @declare_query()
    async def request(self, info: Info, id: strawberry.ID) -> Request | None:
        """One request."""
        row = await find_seen(info, REQUEST, id)
        return None if row is None else Request.of(row)

    @declare_query()
    async def request_named(self, info: Info, experiment: str, number: int) -> Request | None:
        """One request by what people call it: `nova-142` is number 142 of experiment `nova`."""
        where = await tenants.find_visible_experiment(info, experiment)
        if where is None:
            return None
        row = await requests.find_by_number(info.context.db, where.id, number)
        return None if row is None else Request.of(row)

    @declare_query()
    async def requests(
        self,
        info: Info,
        filter: RequestsFilter | None = None,  # noqa: A002
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[Request]:
        """The requests of your experiments, the newest first."""
        given = filter or RequestsFilter()
        if given.title_contains is not None and check_text(given.title_contains, MOST_NAME):
            raise make_input_error(f"titleContains has at most {MOST_NAME} characters.")
        viewer = info.context.viewer
        wanted = RequestFilter(
            await find_experiment_ids(info, given.experiment),
            given.states or [state for state in RequestState if state is not RequestState.ARCHIVED],
            viewer.person_id if given.mine else None,
            given.title_contains,
            AskedPerson(viewer.username, viewer.roles) if given.waiting_on_me else None,
        )

        async def fetch(start: int, limit: int, backwards: bool) -> list[requests.Request]:  # noqa: FBT001 - the page's contract
            return await requests.page(info.context.db, wanted, start, limit, backwards=backwards)

        part = ListPart(first, after, last, before)
        return await page_by_number(part, fetch, Request.of, lambda row: row.id, falling=True)

    @declare_query()
    async def request_revisions(
        self, info: Info, id: strawberry.ID, first: int = 20, before: int | None = None
    ) -> list[RequestRevision]:
        """What a request was, the newest first, from before a revision on."""
        row = await find_seen(info, REQUEST, id)
        if row is None:
            return []
        if not 1 <= first <= MOST_REVISIONS:
            raise make_input_error(f"first is a number from 1 to {MOST_REVISIONS}.")
        found = await requests.list_revisions(info.context.db, row.id, before, first)
        return [RequestRevision.of(revision) for revision in found]


@declare_object_type
class RequestMutations:
    """Writing requests."""

    @declare_mutation("create")
    async def create_request(
        self,
        info: Info,
        input: CreateRequestInput,  # noqa: A002
    ) -> CreateRequestResult:
        """Begin a request: a draft, which nobody is asked about before it is submitted."""
        experiment = await tenants.find_experiment(info, input.experiment, "create", "requests in")
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        content = await _read_content(info, experiment.id, input)
        campaign = await _find_plan(info, experiment.id, input)
        found = [*check_content(content), *([campaign] if isinstance(campaign, Finding) else [])]
        if found or isinstance(campaign, Finding):
            return InvalidRequest.of(found, "saved")
        conn = await begin_change()
        owner = tenants.build_owner(info, experiment.id)
        try:
            row = await requests.create(conn, experiment.id, content, campaign, owner)
        except asyncpg.UniqueViolationError:
            return InvalidRequest.of([OTHERS_PLAN], "saved")
        source = RevisionSource(info.context.viewer.person_id)
        return Request.of(await approvals.look_at_request(conn, row, source))

    @declare_mutation("modify")
    async def save_request(
        self,
        info: Info,
        input: SaveRequestInput,  # noqa: A002
    ) -> SaveRequestResult:
        """Change a request. Who has agreed to a part that changes is asked again; launches of it wait meanwhile."""
        seen = await find_allowed(info, REQUEST, input.id, "modify")
        if isinstance(seen, NotFound | NotPermitted):
            return seen
        content = await _read_content(info, seen.experiment_id, input)
        campaign = await _find_plan(info, seen.experiment_id, input, keeps=seen.campaign_id)
        found = [*check_content(content), *([campaign] if isinstance(campaign, Finding) else [])]
        if said := check_text(input.comment, 1000):
            found.append(Finding("comment", said))
        if found or isinstance(campaign, Finding):
            return InvalidRequest.of(found, "saved")
        conn = await begin_change()
        row = await requests.lock(conn, seen.id)
        if row.state not in OPEN:
            return _report_state(row, "can't be changed")
        if input.expected_revision not in (None, row.revision):
            said = "Somebody has changed it since: read it again."
            return StaleRequest(message=said, current=row.revision)
        try:
            row = await requests.update(conn, row.id, content, campaign)
        except asyncpg.UniqueViolationError:
            return InvalidRequest.of([OTHERS_PLAN], "saved")
        source = RevisionSource(info.context.viewer.person_id, input.comment)
        return Request.of(await approvals.look_at_request(conn, row, source))

    @declare_mutation("modify")
    async def submit_request(self, info: Info, id: strawberry.ID) -> SubmitRequestResult:
        """Ask those to agree who have to; where nobody has to, it is approved at once."""
        seen = await find_allowed(info, REQUEST, id, "modify")
        if isinstance(seen, NotFound | NotPermitted):
            return seen
        conn = await begin_change()
        row = await requests.lock(conn, seen.id)
        if row.state not in (RequestState.DRAFT, RequestState.RETURNED):
            return _report_state(row, "can't be submitted")
        content = RequestContent.of(row.content)
        found = list(check_submittable(content, is_planned=row.campaign_id is not None))
        if found:
            return InvalidRequest.of(found, "submitted")
        by = Actor(info.context.viewer.person_id)
        moved = await requests.move_state(conn, row.id, [row.state], RequestState.SUBMITTED, by)
        return Request.of(await approvals.look_at_request(conn, moved or row))

    @declare_mutation("modify")
    async def cancel_request(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> CancelRequestResult:
        """Say that nobody wants it any more. Its campaign launches nothing more; what runs goes on."""
        seen = await find_allowed(info, REQUEST, id, "modify")
        if isinstance(seen, NotFound | NotPermitted):
            return seen
        return await _end_request(info, seen, RequestState.CANCELLED, OPEN, reason)

    @declare_mutation("modify")
    async def finish_request(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> FinishRequestResult:
        """Say that what a request wanted is there, as far as it is wanted; its campaign launches nothing more."""
        seen = await find_allowed(info, REQUEST, id, "modify")
        if isinstance(seen, NotFound | NotPermitted):
            return seen
        return await _end_request(info, seen, RequestState.DONE, (RequestState.RUNNING,), reason)


async def _end_request(
    info: Info,
    seen: requests.Request,
    end: RequestState,
    states: Collection[RequestState],
    reason: str,
) -> Request | WrongRequestState:
    """Nothing more is launched for it."""
    if said := check_reason(reason):
        raise make_input_error(said)
    conn = await begin_change()
    row = await requests.lock(conn, seen.id)
    by = Actor(info.context.viewer.person_id, reason)
    moved = await requests.move_state(conn, row.id, [*states], end, by)
    if moved is None:
        return _report_state(row, f"can't be {end}")
    if row.campaign_id is not None:
        await campaigns.set_active(conn, row.campaign_id, by.id or 0, active=False)
    return Request.of(moved)


OTHERS_PLAN = Finding("campaign", "This campaign is the plan of another request.")


def _report_state(row: requests.Request, what: str) -> WrongRequestState:
    return WrongRequestState(message=f"A request that is {row.state} {what}.", state=row.state)


async def _read_content(info: Info, experiment_id: int, given: RequestInput) -> RequestContent:
    """What somebody writes, with how many files the datasets have that they name."""
    names = sorted({ask.dataset for ask in given.asks if ask.dataset})
    if any(check_text(name, MOST_NAME) for name in names):
        names = []
    ids = await datasets.find_ids(info.context.db, experiment_id, names)
    rows = await datasets.find_by_ids(info.context.db, [*ids.values()])
    return given.read({row.name: row.head for row in rows})


async def _find_plan(
    info: Info, experiment_id: int, given: RequestInput, keeps: int | None = None
) -> int | Finding | None:
    """The campaign that is to be the plan, if the viewer may make it that; or the one that it is."""
    if given.campaign is None:
        return None
    row = None
    if not check_text(given.campaign, MOST_NAME):
        row = await campaigns.find_by_name(info.context.db, experiment_id, given.campaign)
    if row is None:
        return Finding("campaign", "The experiment has no such campaign.")
    if row.id != keeps and not await may_act(info, "modify", row):
        return Finding("campaign", "The plan of a request is a campaign that you may change.")
    return int(row.id)


register_experiment_kind(REQUEST, lambda row, _: Request.of(row))
