"""Reading discrepancies, and asking for their repair."""

import strawberry

from db import discrepancies as rows
from db.pool import Connection
from domain.discrepancies import DiscrepancyKind
from domain.names import MOST_REASON, wrong_text
from door import pages
from door.describe import asked, thing
from resolvers import tenants
from resolvers.nodes import kind
from resolvers.once import Ask, Done, once
from resolvers.submissions import experiment_ids
from schema.context import Info
from schema.discrepancies import (
    Discrepancy,
    DiscrepancyOver,
    DismissDiscrepancyResult,
    RepairDiscrepancyResult,
    RepairPlanned,
)
from schema.fields import changes, reads
from schema.ids import number
from schema.lists import Part, by_number
from schema.operating import may_operate
from schema.problems import Invalid, NotFound, NotPermitted

Refusal = NotFound | NotPermitted | DiscrepancyOver


@asked
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


async def wanted_of(info: Info, given: DiscrepanciesFilter) -> rows.Wanted:
    """What a filter means to this viewer; an id of something else means nothing at all."""
    experiments = await experiment_ids(info, given.experiment)
    submission_id = None
    if given.submission_id is not None:
        submission_id = number(given.submission_id, "submission") or 0
    system = given.batch_system
    if system is not None and wrong_text(system, 100):
        experiments = []
    return rows.Wanted(experiments, given.kinds, system, submission_id, given.open)


@thing
class DiscrepancyQueries:
    """Reading discrepancies."""

    @reads()
    async def discrepancies(
        self,
        info: Info,
        filter: DiscrepanciesFilter | None = None,  # noqa: A002 - the argument's name in GraphQL
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> pages.Connection[Discrepancy]:
        """What database and batch systems say differently of launches, newest first.

        You see those of your experiments' submissions; those of no known submission only a service admin.
        """
        wanted = await wanted_of(info, filter or DiscrepanciesFilter())

        async def fetch(start: int, limit: int, backwards: bool) -> list[rows.Discrepancy]:  # noqa: FBT001 - the page's contract
            return await rows.some(info.context.db, wanted, start, limit, newest=not backwards)

        part = Part(first, after, last, before)
        return await by_number(part, fetch, Discrepancy.of, lambda row: row.id, falling=True)


async def _seen(info: Info, key: int) -> rows.Discrepancy | None:
    """One that this viewer may see: an admin every one, others those of their experiments."""
    found = await rows.by_ids(info.context.db, [key])
    viewer = info.context.viewer
    mine = [
        row
        for row in found
        if viewer.is_admin or (row.experiment_id is not None and viewer.sees(row.experiment_id))
    ]
    return mine[0] if mine else None


async def _shown(info: Info, key: int) -> Discrepancy | None:
    row = await _seen(info, key)
    return Discrepancy.of(row) if row else None


kind("discrepancy", _shown)


async def _open(info: Info, id: strawberry.ID) -> rows.Discrepancy | Refusal:
    """A discrepancy that is still there, and about which this viewer may decide."""
    key = number(id, "discrepancy")
    row = await _seen(info, key) if key else None
    if row is None:
        return tenants.unknown("discrepancy", id)
    submission = None
    if row.submission_id is not None:
        submission = await info.context.load.submission.load(row.submission_id)
    if not info.context.viewer.is_admin and not (
        submission and await may_operate(info, submission.campaign_id)
    ):
        return tenants.refused("operate", "submissions here")
    return row if row.resolution is None else _over(row)


def _over(row: rows.Discrepancy) -> DiscrepancyOver:
    assert row.resolution is not None  # noqa: S101 - asked before
    return DiscrepancyOver(
        message=f"Discrepancy {row.id} is over: {row.resolution}.", how=row.resolution
    )


@thing
class DiscrepancyMutations:
    """Deciding about discrepancies."""

    @changes("operate")
    async def repair_discrepancy(
        self,
        info: Info,
        id: strawberry.ID,
        dry_run: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
        idempotency_key: str | None = None,
    ) -> RepairDiscrepancyResult:
        """Do exactly what `proposedRepair` says. A worker does it; `dryRun` only shows it."""
        row = await _open(info, id)
        if not isinstance(row, rows.Discrepancy):
            return row
        if dry_run:
            return RepairPlanned(discrepancy=Discrepancy.of(row))

        async def ask(conn: Connection) -> str | DiscrepancyOver:
            asked = await rows.ask(conn, row.id, info.context.viewer.person_id)
            if asked is not None:
                return str(asked.id)
            return _over((await rows.by_ids(conn, [row.id]))[0])

        done = await once(info, Ask("repairDiscrepancy", idempotency_key, [id]), ask)
        if not isinstance(done, Done):
            return done
        return Discrepancy.of((await rows.by_ids(info.context.db, [row.id]))[0])

    @changes("operate")
    async def dismiss_discrepancy(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> DismissDiscrepancyResult:
        """Leave it as it is, and never tell of it again. A dismissed orphan holds no launch back any more."""
        row = await _open(info, id)
        if not isinstance(row, rows.Discrepancy):
            return row
        if wrong := wrong_text(reason, MOST_REASON) or ("" if reason.strip() else "Say why."):
            return Invalid(message=wrong, field="reason")
        viewer = info.context.viewer
        dismissed = await rows.dismiss(info.context.db, row.id, viewer.person_id, reason)
        if dismissed is None:
            return _over((await rows.by_ids(info.context.db, [row.id]))[0])
        await info.context.ring()
        return Discrepancy.of(dismissed)
