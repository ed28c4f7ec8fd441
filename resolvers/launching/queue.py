"""Holding launches, releasing them, and reading what waits."""

from typing import Any

import strawberry

from db.launching import launch_holds as rows
from db.launching import queue
from db.launching.launch_holds import HoldScope
from db.launching.queue import QueueFilter, QueuePosition
from db.submissions.submissions import Submission as Row
from domain.launching.queue import check_priority
from domain.names import check_reason
from door.describe import declare_input_type, declare_object_type
from door.pages import Connection, make_input_error
from resolvers import nodes, tenants
from resolvers.mutations import begin_change, declare_mutation
from resolvers.submissions.submissions import find_experiment_ids
from schema import ids
from schema.context import Info
from schema.fields import declare_query
from schema.launching.queue import (
    AlreadyHeld,
    HoldLaunchesResult,
    LaunchHold,
    NotHeld,
    ReleaseLaunchesResult,
    build_held,
    list_holds,
    may_hold,
)
from schema.lists import ListPart, page_by_key, parse_number_key
from schema.problems import Invalid, NotFound
from schema.submissions.submissions import Submission


@declare_input_type
class LaunchQueueFilter:
    """Which launches that wait are wanted; what is left out doesn't narrow."""

    experiment: str | None = None
    """The name of one of your experiments."""
    campaign_id: strawberry.ID | None = None
    """Of one campaign."""
    stage_id: strawberry.ID | None = None
    """Of one stage."""


async def build_filter(info: Info, given: LaunchQueueFilter) -> QueueFilter:
    """What a filter means to this viewer; an id of something else means nothing at all."""
    found: dict[str, int | None] = {}
    for name, kind in (("campaign_id", "campaign"), ("stage_id", "stage")):
        text = getattr(given, name)
        found[name] = ids.parse_node_id(text, kind) if text is not None else None
        if text is not None and found[name] is None:
            return QueueFilter(experiments=())
    return QueueFilter(await find_experiment_ids(info, given.experiment), **found)


@declare_object_type
class QueueQueries:
    """What waits, and what is held."""

    @declare_query()
    async def launch_queue(
        self,
        info: Info,
        filter: LaunchQueueFilter | None = None,  # noqa: A002 - the argument's name in GraphQL
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Submission]:
        """Launches that wait, in the order of their turns: by priority, then the oldest first."""
        wanted = await build_filter(info, filter or LaunchQueueFilter())

        async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[Row]:  # noqa: FBT001 - the page's contract
            place = (
                QueuePosition(parse_priority(start[0]), parse_number_key(start[1]))
                if start
                else None
            )
            return await queue.page(info.context.db, wanted, place, limit, backwards=backwards)

        part = ListPart(first, after, last, before)
        return await page_by_key(part, fetch, Submission.of, lambda row: (row.priority, row.id), 2)

    @declare_query()
    async def launch_holds(self, info: Info) -> list[LaunchHold]:
        """All holds of now that you may see."""
        return [
            LaunchHold.of(row)
            for row in await rows.list_active(info.context.db)
            if can_see_hold(info, row)
        ]


def parse_priority(value: object) -> int:
    """A priority out of a cursor, which anybody may have made up."""
    if type(value) is not int or check_priority(value):
        raise make_input_error("Not a cursor of this list.")
    return value


def can_see_hold(info: Info, row: rows.LaunchHold) -> bool:
    """Whether a hold is there for the viewer; that of everything is there for all."""
    return row.experiment_id is None or info.context.viewer.sees(row.experiment_id)


async def find_held(info: Info, id: strawberry.ID | None) -> HoldScope | None:
    """The experiment, campaign or stage with this id, if the viewer sees it; without an id everything."""
    if id is None:
        return HoldScope()
    load, found = info.context.load, None
    if key := ids.parse_node_id(id, "stage"):
        stage = await load.stage.load(key)
        found = HoldScope(stage.experiment_id, stage.campaign_id, stage.id) if stage else None
    elif key := ids.parse_node_id(id, "campaign"):
        campaign = await load.campaign.load(key)
        found = HoldScope(campaign.experiment_id, campaign.id) if campaign else None
    elif key := ids.parse_node_id(id, "experiment"):
        found = HoldScope(key) if await load.experiment.load(key) else None
    return found if found and info.context.allows("view", found.experiment_id) else None


@declare_object_type
class QueueMutations:
    """Holding launches, and releasing them."""

    @declare_mutation("operate")
    async def hold_launches(
        self, info: Info, reason: str, id: strawberry.ID | None = None
    ) -> HoldLaunchesResult:
        """Let launches of a stage, campaign or experiment wait; without `id` all of them.

        Jobs that are at their batch systems go on. Recoveries and dependents wait too.
        """
        what = await find_held(info, id)
        if what is None:
            return NotFound(message=f"There is no {str(id)[:50]!r} whose launches can be held.")
        if not await may_hold(info, what):
            return tenants.report_not_permitted("operate", f"launches of {id or 'everything'}")
        if wrong := check_reason(reason):
            return Invalid(message=wrong, field="reason")
        made = await rows.hold_launches(
            await begin_change(), what, reason, info.context.viewer.person_id
        )
        if made is None:
            return await find_existing_hold(info, what)
        return LaunchHold.of(made)

    @declare_mutation("operate")
    async def release_launches(self, info: Info, id: strawberry.ID) -> ReleaseLaunchesResult:
        """Release a launch hold: what waited begins, by priority and age, as limits allow."""
        row = await _find_visible_hold(info, id)
        if row is None:
            return tenants.report_unknown("launch hold", id)
        if not await may_hold(info, build_held(row)):
            return tenants.report_not_permitted("operate", "this launch hold")
        done = await rows.release(await begin_change(), row.id, info.context.viewer.person_id)
        if done is None:
            return NotHeld(message="It was released already.")
        return LaunchHold.of(done)


async def find_existing_hold(info: Info, what: HoldScope) -> AlreadyHeld | NotFound:
    """The hold that is in the way of another one of the same."""
    holds = await list_holds(info, what.experiment_id, what.campaign_id, what.stage_id)
    found = [hold for hold in holds if build_held(hold.row) == what]
    if not found:
        return NotFound(message="It was held, and released just now: try again.")
    return AlreadyHeld(message=f"Launches are held already: {found[0].reason}", hold=found[0])


async def _find_visible_hold(info: Info, id: strawberry.ID) -> rows.LaunchHold | None:
    key = ids.parse_node_id(id, "launch_hold")
    row = await rows.find_by_id(info.context.db, key) if key else None
    return row if row and can_see_hold(info, row) else None


async def _find_hold_node(info: Info, key: int) -> LaunchHold | None:
    row = await rows.find_by_id(info.context.db, key)
    return LaunchHold.of(row) if row and can_see_hold(info, row) else None


nodes.register_kind("launch_hold", _find_hold_node)
