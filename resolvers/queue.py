"""Holding launches, releasing them, and reading what waits."""

from typing import Any

import strawberry

from db import holds as rows
from db import queue
from db.holds import Held
from db.queue import Place, Wanted
from db.submissions import Submission as Row
from domain.names import MOST_REASON, wrong_text
from domain.queue import wrong_priority
from door.describe import asked, thing
from door.pages import Connection, bad_input
from resolvers import nodes, tenants
from resolvers.submissions import experiment_ids
from schema import ids
from schema.context import Info
from schema.fields import changes, reads
from schema.lists import Part, by_key, number
from schema.problems import Invalid, NotFound, NotPermitted
from schema.queue import (
    AlreadyHeld,
    HoldLaunchesResult,
    LaunchHold,
    NotHeld,
    ReleaseLaunchesResult,
    held,
    holds_of,
    may_hold,
)
from schema.submissions import Submission


@asked
class LaunchQueueFilter:
    """Which launches that wait are wanted; what is left out doesn't narrow."""

    experiment: str | None = None
    """The name of one of your experiments."""
    campaign_id: strawberry.ID | None = None
    """Of one campaign."""
    stage_id: strawberry.ID | None = None
    """Of one stage."""


async def wanted_of(info: Info, given: LaunchQueueFilter) -> Wanted:
    """What a filter means to this viewer; an id of something else means nothing at all."""
    found: dict[str, int | None] = {}
    for name, kind in (("campaign_id", "campaign"), ("stage_id", "stage")):
        text = getattr(given, name)
        found[name] = ids.number(text, kind) if text is not None else None
        if text is not None and found[name] is None:
            return Wanted(experiments=())
    return Wanted(await experiment_ids(info, given.experiment), **found)


@thing
class QueueQueries:
    """What waits, and what is held."""

    @reads()
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
        wanted = await wanted_of(info, filter or LaunchQueueFilter())

        async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[Row]:  # noqa: FBT001 - the page's contract
            place = Place(priority(start[0]), number(start[1])) if start else None
            return await queue.page(info.context.db, wanted, place, limit, backwards=backwards)

        part = Part(first, after, last, before)
        return await by_key(part, fetch, Submission.of, lambda row: (row.priority, row.id), 2)

    @reads()
    async def launch_holds(self, info: Info) -> list[LaunchHold]:
        """All holds of now that you may see."""
        return [LaunchHold.of(row) for row in await rows.active(info.context.db) if sees(info, row)]


def priority(value: object) -> int:
    """A priority out of a cursor, which anybody may have made up."""
    if type(value) is not int or wrong_priority(value):
        raise bad_input("Not a cursor of this list.")
    return value


def sees(info: Info, row: rows.LaunchHold) -> bool:
    """Whether a hold is there for the viewer; that of everything is there for all."""
    return row.experiment_id is None or info.context.viewer.sees(row.experiment_id)


async def held_by_id(info: Info, id: strawberry.ID | None) -> Held | None:
    """The experiment, campaign or stage with this id, if the viewer sees it; without an id everything."""
    if id is None:
        return Held()
    load, found = info.context.load, None
    if key := ids.number(id, "stage"):
        stage = await load.stage.load(key)
        found = Held(stage.experiment_id, stage.campaign_id, stage.id) if stage else None
    elif key := ids.number(id, "campaign"):
        campaign = await load.campaign.load(key)
        found = Held(campaign.experiment_id, campaign.id) if campaign else None
    elif key := ids.number(id, "experiment"):
        found = Held(key) if await load.experiment.load(key) else None
    return found if found and info.context.allows("view", found.experiment_id) else None


@thing
class QueueMutations:
    """Holding launches, and releasing them."""

    @changes("operate")
    async def hold_launches(
        self, info: Info, reason: str, id: strawberry.ID | None = None
    ) -> HoldLaunchesResult:
        """Let launches of a stage, campaign or experiment wait; without `id` all of them.

        Jobs that are at their batch systems go on. Recoveries and dependents wait too.
        """
        what = await held_by_id(info, id)
        if what is None:
            return NotFound(message=f"There is no {str(id)[:50]!r} whose launches can be held.")
        if not await may_hold(info, what):
            return tenants.refused("operate", f"launches of {id or 'everything'}")
        if not reason.strip():
            return Invalid(message="Say why: a reason is kept with it.", field="reason")
        if wrong := wrong_text(reason, MOST_REASON):
            return Invalid(message=wrong, field="reason")
        made = await rows.hold(info.context.db, what, reason, info.context.viewer.person_id)
        if made is None:
            return await already(info, what)
        await info.context.ring()
        return LaunchHold.of(made)

    @changes("operate")
    async def release_launches(self, info: Info, hold_id: strawberry.ID) -> ReleaseLaunchesResult:
        """Release a launch hold: what waited begins, by priority and age, as limits allow."""
        row = await _find(info, hold_id)
        if row is None:
            return NotFound(message=f"There is no launch hold {hold_id[:50]!r}.")
        if not await may_hold(info, held(row)):
            return NotPermitted(message="You may not release this hold.", action="operate")
        done = await rows.release(info.context.db, row.id, info.context.viewer.person_id)
        if done is None:
            return NotHeld(message="It was released already.")
        await info.context.ring()
        return LaunchHold.of(done)


async def already(info: Info, what: Held) -> AlreadyHeld | NotFound:
    """The hold that is in the way of another one of the same."""
    found = [hold for hold in await holds_of(info, what) if held(hold.row) == what]
    if not found:
        return NotFound(message="It was held, and released just now: try again.")
    return AlreadyHeld(message=f"Launches are held already: {found[0].reason}", hold=found[0])


async def _find(info: Info, id: strawberry.ID) -> rows.LaunchHold | None:
    key = ids.number(id, "launch_hold")
    row = await rows.by_id(info.context.db, key) if key else None
    return row if row and sees(info, row) else None


async def _node(info: Info, key: int) -> LaunchHold | None:
    row = await rows.by_id(info.context.db, key)
    return LaunchHold.of(row) if row and sees(info, row) else None


nodes.kind("launch_hold", _node)
