"""Copying, renaming, tagging and deleting campaigns."""

from dataclasses import replace
from typing import cast

import strawberry

from db import campaign_files, campaign_names, campaigns
from db.keyset import Taken
from db.pool import Connection
from domain.campaign_file import read, write
from domain.campaigns import wrong_tags
from domain.names import wrong_name
from door.describe import thing
from resolvers import tenants
from resolvers.importing import Import, bring_in, invalid
from resolvers.once import Ask, Done, once
from schema.campaign_names import (
    CampaignDeleted,
    CampaignHasSubmissions,
    CloneCampaignInput,
    CloneCampaignResult,
    DeleteCampaignResult,
    RenameCampaignResult,
    SetCampaignTagsResult,
)
from schema.campaigns import Campaign
from schema.campaigns import campaign as shown
from schema.context import Info
from schema.fields import changes
from schema.ids import made, number
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken, NotFound, NotPermitted
from schema.saving import InvalidCampaignFile, StaleRevision

Row = campaigns.Campaign


async def permitted(info: Info, campaign_id: strawberry.ID) -> Row | NotFound | NotPermitted:
    """A campaign that the viewer may change, or why there is none."""
    row = await visible(info, campaign_id)
    if row is None:
        return tenants.unknown("campaign", campaign_id)
    if not info.context.allows("modify", row.experiment_id, row.owner_id, row.owning_role):
        return tenants.refused("modify", f"campaign {row.name}")
    return row


async def visible(info: Info, campaign_id: strawberry.ID) -> Row | None:
    """A campaign that the viewer sees."""
    key = number(campaign_id, "campaign")
    row = None if key is None else await info.context.load.campaign.load(key)
    return row if row and info.context.allows("view", row.experiment_id) else None


@thing
class CampaignNameMutations:
    """Copying, renaming, tagging and deleting campaigns."""

    @changes("create")
    async def clone_campaign(
        self,
        info: Info,
        input: CloneCampaignInput,  # noqa: A002
    ) -> CloneCampaignResult:
        """Copy a campaign. The copy is yours, owned in the role that you have in the experiment."""
        row = await visible(info, input.campaign_id)
        if row is None:
            return tenants.unknown("campaign", input.campaign_id)
        if not tenants.may_create(info, row.experiment_id):
            return tenants.refused("create", "campaigns in this experiment")
        if said := wrong_name(input.name):
            return Invalid(message=said, field="name")
        copy = await _copy(info, row, input.name)
        if isinstance(copy, InvalidCampaignFile):
            return copy

        async def effect(
            conn: Connection,
        ) -> str | NameTaken | NotPermitted | InvalidCampaignFile:
            found = await bring_in(conn, info, copy, [])
            return _taken(input.name) if isinstance(found, StaleRevision) else found

        done = await once(info, Ask("cloneCampaign", input.idempotency_key, input), effect)
        if not isinstance(done, Done):
            return cast(NameTaken | NotPermitted | InvalidCampaignFile | IdempotencyKeyReused, done)
        found = await shown(info, int(done.result))
        return found or tenants.unknown("campaign", input.name)

    @changes("modify")
    async def rename_campaign(
        self, info: Info, campaign_id: strawberry.ID, name: str
    ) -> RenameCampaignResult:
        """Give a campaign another name. Its files so far stay where they are."""
        row = await permitted(info, campaign_id)
        if not isinstance(row, Row):
            return row
        if said := wrong_name(name):
            return Invalid(message=said, field="name")
        try:
            async with info.context.db.acquire() as conn, conn.transaction():
                now = await campaign_names.lock(conn, row.id)
                if now is None or now.name == name:
                    return Campaign.of(now or row, info.context.viewer)
                comment = f"Renamed from {now.name}"
                person = info.context.viewer.person_id
                saved = await campaign_names.rename(conn, row.id, name, person, comment)
        except Taken:
            return _taken(name)
        await info.context.ring()
        return Campaign.of(saved or row, info.context.viewer)

    @changes("modify")
    async def set_campaign_tags(
        self, info: Info, campaign_id: strawberry.ID, tags: list[str]
    ) -> SetCampaignTagsResult:
        """Let these, at most 20 of at most 50 characters, be the tags of a campaign."""
        row = await permitted(info, campaign_id)
        if not isinstance(row, Row):
            return row
        if said := wrong_tags(tags):
            return Invalid(message=said, field="tags")
        saved = await campaign_names.set_tags(info.context.db, row.id, sorted(set(tags)))
        if saved is not None:
            await info.context.ring()
        return Campaign.of(saved or row, info.context.viewer)

    @changes("modify")
    async def delete_campaign(
        self,
        info: Info,
        campaign_id: strawberry.ID,
        dry_run: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
    ) -> DeleteCampaignResult:
        """Delete a campaign that never launched anything, with its stages, schedules and revisions."""
        row = await permitted(info, campaign_id)
        if not isinstance(row, Row):
            return row
        async with info.context.db.acquire() as conn:
            transaction = conn.transaction()
            await transaction.start()
            gone = None
            try:
                await campaign_names.lock(conn, row.id)
                gone = await campaign_names.delete(conn, row.id)
            finally:
                await (transaction.rollback() if gone is None or dry_run else transaction.commit())
        if gone is None:
            message = f"{row.name} has launched something: it stays, but may be inactive."
            return CampaignHasSubmissions(message=message)
        if not dry_run:
            await info.context.ring()
        return CampaignDeleted(id=made("campaign", row.id), name=row.name)


async def _copy(info: Info, row: Row, name: str) -> Import | InvalidCampaignFile:
    """What is imported for a copy: the campaign's own file, with another name."""
    found = await campaign_files.of_campaign(info.context.db, row)
    experiment = await info.context.load.experiment.load(row.experiment_id)
    assert found is not None  # noqa: S101 - every campaign has a revision
    assert experiment is not None  # noqa: S101 - a foreign key says so
    file = f"{row.name}.ini"
    renamed = replace(found, plan=replace(found.plan, name=name))
    reading = read(write(renamed, row.owning_role))
    if reading.said is None:
        return invalid(file, reading.findings)
    return Import(experiment, file, reading, reading.said, f"Copied from {row.name}", 0)


def _taken(name: str) -> NameTaken:
    return NameTaken(message=f"The experiment has a campaign {name!r} already.", field="name")
