"""Reading discrepancies, and asking for their repair."""

import asyncio
from dataclasses import dataclass, replace

import strawberry

from db.batch import discrepancies as rows
from domain.discrepancies import DiscrepancyKind, Repair
from domain.names import check_reason, check_text
from door import pages
from door.describe import declare_input_type, declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nodes import register_kind
from resolvers.nouns import may_act
from resolvers.submissions.submissions import find_experiment_ids
from schema.batch.discrepancies import (
    DecideDiscrepanciesResult,
    DiscrepanciesDecision,
    Discrepancy,
    DiscrepancyOver,
    DismissDiscrepancyResult,
    RepairDiscrepancyResult,
    RepairPlanned,
)
from schema.context import Info
from schema.fields import declare_query
from schema.ids import parse_node_id
from schema.lists import ListPart, page_by_number
from schema.problems import Invalid, NotFound, NotPermitted

MOST_DECIDED, MOST_LOOKED_AT = 1000, 10_000


@declare_input_type
class DiscrepanciesFilter:
    """Which discrepancies are wanted; what is left out doesn't narrow."""

    experiment: str | None = None
    """The name of one of your experiments."""
    submission_id: strawberry.ID | None = None
    """Of one submission."""
    kinds: list[DiscrepancyKind] | None = None
    """Of one of these kinds."""
    batch_system: str | None = None
    """At one batch system."""
    open: bool | None = None
    """Only those that are still there, or only those that are over."""


@declare_input_type
class DismissDiscrepanciesInput:
    """Which discrepancies to leave as they are, and why."""

    filter: DiscrepanciesFilter
    """All open ones that it finds; it says of which kinds."""
    reason: str
    """Why, up to 1000 characters."""
    dry_run: bool = False
    """Only count them."""


async def build_filter(info: Info, given: DiscrepanciesFilter) -> rows.DiscrepancyFilter:
    """What a filter means to this viewer; an id of something else means nothing at all."""
    experiments = await find_experiment_ids(info, given.experiment)
    submission_id = None
    if given.submission_id is not None:
        submission_id = parse_node_id(given.submission_id, "submission") or 0
    system = given.batch_system
    if system is not None and check_text(system, 100):
        experiments = []
    return rows.DiscrepancyFilter(experiments, given.kinds, system, submission_id, given.open)


@declare_object_type
class DiscrepancyQueries:
    """Reading discrepancies."""

    @declare_query()
    async def discrepancies(
        self,
        info: Info,
        filter: DiscrepanciesFilter | None = None,  # noqa: A002 - the argument's name in GraphQL
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> pages.Connection[Discrepancy]:
        """What database and batch systems say differently of launches, and what was set aside, newest first.

        You see those of your experiments' submissions; those of no known submission only a service admin.
        """
        wanted = await build_filter(info, filter or DiscrepanciesFilter())

        async def fetch(start: int, limit: int, backwards: bool) -> list[rows.Discrepancy]:  # noqa: FBT001 - the page's contract
            return await rows.list_page(info.context.db, wanted, start, limit, newest=not backwards)

        part = ListPart(first, after, last, before)
        return await page_by_number(part, fetch, Discrepancy.of, lambda row: row.id, falling=True)


async def _find_visible_row(info: Info, key: int) -> rows.Discrepancy | None:
    """One that this viewer may see: an admin every one, others those of their experiments."""
    found = await rows.find_by_ids(info.context.db, [key])
    viewer = info.context.viewer
    mine = [
        row
        for row in found
        if viewer.is_admin or (row.experiment_id is not None and viewer.sees(row.experiment_id))
    ]
    return mine[0] if mine else None


async def _show_discrepancy(info: Info, key: int) -> Discrepancy | None:
    row = await _find_visible_row(info, key)
    return Discrepancy.of(row) if row else None


register_kind("discrepancy", _show_discrepancy)


async def _find(info: Info, id: strawberry.ID) -> rows.Discrepancy | NotFound | NotPermitted:
    """A discrepancy about which this viewer may decide."""
    key = parse_node_id(id, "discrepancy")
    row = await _find_visible_row(info, key) if key else None
    if row is None:
        return tenants.report_unknown("discrepancy", id)
    if not await _may_decide(info, row):
        return tenants.report_not_permitted("operate", "submissions here")
    return row


async def _may_decide(info: Info, row: rows.Discrepancy) -> bool:
    if info.context.viewer.is_admin or row.submission_id is None:
        return info.context.viewer.is_admin
    submission = await info.context.load.submission.load(row.submission_id)
    return submission is not None and await may_act(info, "operate", submission)


@dataclass(frozen=True, slots=True)
class DecisionScope:
    """The open discrepancies about which one request decides."""

    ids: list[int]
    answer: DiscrepanciesDecision


async def _find_scope(
    info: Info, given: DiscrepanciesFilter, *, repairs: bool
) -> DecisionScope | Invalid:
    """The oldest open ones that a filter finds and about which this viewer may decide.

    To be repaired: of which nobody has asked for the repair yet.
    """
    if not given.kinds:
        return Invalid(message="Say of which kinds.", field="kinds")
    wanted = replace(await build_filter(info, given), is_open=True)
    ids: list[int] = []
    start, refused, more = 0, 0, True
    while more and not ids and refused < MOST_LOOKED_AT:
        found = await rows.list_page(info.context.db, wanted, start, MOST_DECIDED + 1, newest=False)
        seen, more = found[:MOST_DECIDED], len(found) > MOST_DECIDED
        start = seen[-1].id if seen else start
        open_ = [row for row in seen if not (repairs and (row.repair_at or row.repaired_at))]
        allowed = await asyncio.gather(*(_may_decide(info, row) for row in open_))
        chosen = [row for row, allowed in zip(open_, allowed, strict=True) if allowed]
        ids = [row.id for row in chosen if not (repairs and row.repair is Repair.INSPECT)]
        refused += len(open_) - len(ids)
    return DecisionScope(ids, DiscrepanciesDecision(decided=len(ids), refused=refused, more=more))


def _check_discrepancy_reason(reason: str) -> Invalid | None:
    wrong = check_reason(reason)
    return Invalid(message=wrong, field="reason") if wrong else None


def _report_over(row: rows.Discrepancy) -> DiscrepancyOver:
    assert row.resolution is not None  # noqa: S101 - asked before
    return DiscrepancyOver(
        message=f"Discrepancy {row.id} is over: {row.resolution}.", outcome=row.resolution
    )


@declare_object_type
class DiscrepancyMutations:
    """Deciding about discrepancies."""

    @declare_mutation("operate")
    async def repair_discrepancy(
        self,
        info: Info,
        id: strawberry.ID,
        dry_run: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
    ) -> RepairDiscrepancyResult:
        """Do exactly what `proposedRepair` says. A worker does it; `dryRun` only shows it."""
        row = await _find(info, id)
        if not isinstance(row, rows.Discrepancy):
            return row
        conn = await begin_change()
        if row.resolution is not None:
            return _report_over(row)
        if dry_run:
            return RepairPlanned(discrepancy=Discrepancy.of(row))
        asked = await rows.request_repair(conn, row.id, info.context.viewer.person_id)
        if asked is None:
            return _report_over((await rows.find_by_ids(conn, [row.id]))[0])
        return Discrepancy.of(asked)

    @declare_mutation("operate")
    async def dismiss_discrepancy(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> DismissDiscrepancyResult:
        """Leave it as it is, and never tell of it again. A dismissed orphan holds no launch back any more."""
        row = await _find(info, id)
        if not isinstance(row, rows.Discrepancy):
            return row
        if wrong := _check_discrepancy_reason(reason):
            return wrong
        conn, person_id = await begin_change(), info.context.viewer.person_id
        dismissed = await rows.dismiss_discrepancy(conn, row.id, person_id, reason)
        if dismissed is None:
            return _report_over((await rows.find_by_ids(conn, [row.id]))[0])
        return Discrepancy.of(dismissed)

    @declare_mutation("operate")
    async def repair_discrepancies(
        self,
        info: Info,
        filter: DiscrepanciesFilter,  # noqa: A002 - the argument's name in GraphQL
        dry_run: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
    ) -> DecideDiscrepanciesResult:
        """Ask for the proposed repair of all open ones that the filter finds, the oldest 1,000 at once.

        The filter says of which kinds. `dryRun` only counts them.
        """
        conn = await begin_change()
        chosen = await _find_scope(info, filter, repairs=True)
        if not isinstance(chosen, DecisionScope):
            return chosen
        if not dry_run:
            await rows.ask_for_all(conn, chosen.ids, info.context.viewer.person_id)
        return chosen.answer

    @declare_mutation("operate")
    async def dismiss_discrepancies(
        self,
        info: Info,
        input: DismissDiscrepanciesInput,  # noqa: A002 - the argument's name in GraphQL
    ) -> DecideDiscrepanciesResult:
        """Dismiss all open ones that a filter finds, the oldest 1,000 at once."""
        if wrong := _check_discrepancy_reason(input.reason):
            return wrong
        conn = await begin_change()
        chosen = await _find_scope(info, input.filter, repairs=False)
        if not isinstance(chosen, DecisionScope):
            return chosen
        if not input.dry_run:
            person_id = info.context.viewer.person_id
            await rows.dismiss_all(conn, chosen.ids, person_id, input.reason)
        return chosen.answer
