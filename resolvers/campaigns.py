"""Reading campaigns; letting them launch, or not."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import strawberry

from db import campaigns
from db.campaigns import Filter, Order, Start
from domain.names import wrong_text
from door.describe import asked, choice, thing
from door.pages import Connection, bad_input
from resolvers import nodes, tenants
from resolvers.campaign_names import CampaignNameMutations, permitted
from resolvers.importing import ImportMutations, activate
from resolvers.saving import SavingMutations
from resolvers.stages import StageQueries
from schema.campaigns import Campaign, Revision
from schema.campaigns import campaign as shown
from schema.context import Info
from schema.fields import changes, reads
from schema.ids import number
from schema.lists import Part, by_key
from schema.lists import number as number_in
from schema.lists import text as text_in
from schema.saving import SetCampaignActiveResult


@asked
class CampaignFilter:
    """Which campaigns are wanted; what is left out wants all."""

    experiment: str | None = None
    """Those of one experiment."""
    active: bool | None = None
    """Those that launch, or those that don't."""
    name_contains: str | None = None
    """Those with this in their names, in large or small letters."""
    owner: str | None = None
    """Those of one person, by username."""
    tag: str | None = None
    """Those with this tag."""


@choice
class CampaignOrder(StrEnum):
    """By what a list of campaigns is ordered."""

    NAME = "name"
    """By name."""
    NEWEST = "newest"
    """Those made last first."""
    OLDEST = "oldest"
    """Those made first first."""
    RECENTLY_SAVED = "recently_saved"
    """Those saved last first."""


ORDERS = {
    CampaignOrder.NAME: (Order.NAME, False),
    CampaignOrder.NEWEST: (Order.CREATED, True),
    CampaignOrder.OLDEST: (Order.CREATED, False),
    CampaignOrder.RECENTLY_SAVED: (Order.UPDATED, True),
}
"""What each means in the database, and whether it goes down there."""


@thing
class CampaignQueries(StageQueries):
    """Reading campaigns and their stages."""

    @reads()
    async def campaign(self, info: Info, id: strawberry.ID) -> Campaign | None:
        """One campaign, with its stages and dependencies."""
        key = number(id, "campaign")
        return None if key is None else await shown(info, key)

    @reads()
    async def campaigns(
        self,
        info: Info,
        filter: CampaignFilter | None = None,  # noqa: A002
        order_by: CampaignOrder = CampaignOrder.NAME,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Campaign]:
        """The campaigns of your experiments; service admins see all."""
        wanted = await _wanted(info, filter or CampaignFilter())
        order, down = ORDERS[order_by]

        async def fetch(
            start: list[Any] | None,
            backwards: bool,  # noqa: FBT001
            limit: int,
        ) -> list[campaigns.Campaign]:
            way = order, backwards != down
            at = _start(start, order) if start else None
            return await campaigns.page(info.context.db, wanted, way, at, limit)

        return await by_key(
            Part(first, after, last, before),
            fetch,
            lambda row: Campaign.of(row, info.context.viewer),
            lambda row: (_value(row, order), row.id),
            2,
        )


@thing
class CampaignMutations(SavingMutations, ImportMutations, CampaignNameMutations):
    """Saving campaigns; letting them launch, or not."""

    @changes("modify")
    async def set_campaign_active(
        self,
        info: Info,
        campaign_id: strawberry.ID,
        active: bool,  # noqa: FBT001
    ) -> SetCampaignActiveResult:
        """Let a campaign launch again, or let it launch nothing more; what runs goes on.

        A draft is looked at again: refused with what still keeps it from being launched.
        """
        row = await permitted(info, campaign_id)
        if not isinstance(row, campaigns.Campaign):
            return row
        if active and row.draft:
            now = await activate(info, row)
            return (
                Campaign.of(now, info.context.viewer)
                if isinstance(now, campaigns.Campaign)
                else now
            )
        saved = await campaigns.set_active(info.context.db, row.id, active=active)
        if saved is None:
            return Campaign.of(row, info.context.viewer)
        await info.context.ring()
        return Campaign.of(saved, info.context.viewer)


async def _revision(info: Info, id: strawberry.ID) -> Revision | None:
    """A revision by `revision:7.2`: the second one of campaign 7."""
    whole, _, last = id.removeprefix("revision:").partition(".")
    campaign_id = number(strawberry.ID(f"campaign:{whole}"), "campaign")
    which = number(strawberry.ID(f"revision:{last}"), "revision")
    if campaign_id is None or which is None or await shown(info, campaign_id) is None:
        return None
    row = await campaigns.revision(info.context.db, campaign_id, which)
    return None if row is None else Revision.of(row)


nodes.KINDS["revision"] = _revision


async def _wanted(info: Info, given: CampaignFilter) -> Filter:
    for text in (given.name_contains, given.owner, given.tag):
        if text is not None and wrong_text(text, 100):
            raise bad_input("A filter's texts have at most 100 characters.")
    seen = info.context.viewer.experiments
    if given.experiment is not None:
        row = await tenants.find(info, given.experiment)
        seen = [row.id] if row else []
    return Filter(seen, given.active, given.name_contains, given.owner, given.tag)


def _value(row: campaigns.Campaign, order: Order) -> str:
    value = getattr(row, order.value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _start(found: list[Any], order: Order) -> Start:
    """Where a page begins; anybody may have made the cursor up."""
    value, key = text_in(found[0]), number_in(found[1])
    if order is Order.NAME:
        return Start(value, key)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise bad_input("Not a cursor of this list.") from None
    if at.tzinfo is None or not 1970 <= at.year <= 9000:
        raise bad_input("Not a cursor of this list.")
    return Start(at.astimezone(UTC), key)
