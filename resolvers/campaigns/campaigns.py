"""Reading campaigns; letting them launch, or not."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import strawberry

from db.campaigns import campaigns
from db.campaigns.campaigns import CampaignOrdering, CampaignPageStart, CampaignRowFilter
from domain.names import check_text
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from door.pages import Connection, make_input_error
from resolvers import nodes, tenants
from resolvers.campaigns.campaign_importing import Imported, ImportMutations, activate_draft
from resolvers.campaigns.campaign_names import CampaignNameMutations
from resolvers.campaigns.campaign_saving import SavingMutations
from resolvers.campaigns.stages import StageQueries
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import CAMPAIGN, find_allowed
from schema.campaigns.campaign_saving import SetCampaignActiveResult, StaleRevision
from schema.campaigns.campaigns import Campaign, Revision
from schema.campaigns.campaigns import load_campaign as shown
from schema.context import Info
from schema.fields import declare_query
from schema.ids import parse_node_id
from schema.lists import ListPart, page_by_key
from schema.lists import parse_number_key as number_in
from schema.lists import parse_text_key as text_in
from schema.problems import NotFound, NotPermitted


@declare_input_type
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


@declare_enum_type
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
    CampaignOrder.NAME: (CampaignOrdering.NAME, False),
    CampaignOrder.NEWEST: (CampaignOrdering.CREATED, True),
    CampaignOrder.OLDEST: (CampaignOrdering.CREATED, False),
    CampaignOrder.RECENTLY_SAVED: (CampaignOrdering.UPDATED, True),
}
"""What each means in the database, and whether it goes down there."""


@declare_object_type
class CampaignQueries(StageQueries):
    """Reading campaigns and their stages."""

    @declare_query()
    async def campaign(self, info: Info, id: strawberry.ID) -> Campaign | None:
        """One campaign, with its stages and dependencies."""
        key = parse_node_id(id, "campaign")
        return None if key is None else await shown(info, key)

    @declare_query()
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
        wanted = await _build_filter(info, filter or CampaignFilter())
        order, down = ORDERS[order_by]

        async def fetch(
            start: list[Any] | None,
            backwards: bool,  # noqa: FBT001
            limit: int,
        ) -> list[campaigns.Campaign]:
            way = order, backwards != down
            at = _parse_page_start(start, order) if start else None
            return await campaigns.page(info.context.db, wanted, way, at, limit)

        return await page_by_key(
            ListPart(first, after, last, before),
            fetch,
            lambda row: Campaign.of(row, info.context.viewer),
            lambda row: (_render_cursor_value(row, order), row.id),
            2,
        )


@declare_object_type
class CampaignMutations(SavingMutations, ImportMutations, CampaignNameMutations):
    """Saving campaigns; letting them launch, or not."""

    @declare_mutation("modify")
    async def set_campaign_active(
        self,
        info: Info,
        id: strawberry.ID,
        active: bool,  # noqa: FBT001
    ) -> SetCampaignActiveResult:
        """Let a campaign launch again, or nothing more until somebody launches it by hand; what runs goes on.

        A draft is looked at again: refused with what still keeps it from being launched.
        """
        row = await find_allowed(info, CAMPAIGN, id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        conn = await begin_change()
        if active and row.draft:
            now = await activate_draft(conn, info, row)
            assert not isinstance(now, StaleRevision)  # noqa: S101 - no revision was expected
            return await now.show(info) if isinstance(now, Imported) else now
        person_id = info.context.viewer.person_id
        saved = await campaigns.set_active(conn, row.id, person_id, active=active)
        return Campaign.of(saved or row, info.context.viewer)


async def _find_revision(info: Info, id: strawberry.ID) -> Revision | None:
    """A revision by `revision:7.2`: the second one of campaign 7."""
    whole, _, last = id.removeprefix("revision:").partition(".")
    campaign_id = parse_node_id(strawberry.ID(f"campaign:{whole}"), "campaign")
    which = parse_node_id(strawberry.ID(f"revision:{last}"), "revision")
    if campaign_id is None or which is None or await shown(info, campaign_id) is None:
        return None
    row = await campaigns.find_revision(info.context.db, campaign_id, which)
    return None if row is None else Revision.of(row)


nodes.KINDS["revision"] = _find_revision


async def _build_filter(info: Info, given: CampaignFilter) -> CampaignRowFilter:
    for text in (given.name_contains, given.owner, given.tag):
        if text is not None and check_text(text, 100):
            raise make_input_error("A filter's texts have at most 100 characters.")
    seen = info.context.viewer.experiments
    if given.experiment is not None:
        row = await tenants.find_visible_experiment(info, given.experiment)
        seen = [row.id] if row else []
    return CampaignRowFilter(seen, given.active, given.name_contains, given.owner, given.tag)


def _render_cursor_value(row: campaigns.Campaign, order: CampaignOrdering) -> str:
    value = getattr(row, order.value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _parse_page_start(found: list[Any], order: CampaignOrdering) -> CampaignPageStart:
    """Where a page begins; anybody may have made the cursor up."""
    value, key = text_in(found[0]), number_in(found[1])
    if order is CampaignOrdering.NAME:
        return CampaignPageStart(value, key)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise make_input_error("Not a cursor of this list.") from None
    if at.tzinfo is None or not 1970 <= at.year <= 9000:
        raise make_input_error("Not a cursor of this list.")
    return CampaignPageStart(at.astimezone(UTC), key)
