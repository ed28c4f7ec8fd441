"""Copying, renaming, tagging and deleting campaigns."""

from dataclasses import replace

import strawberry

from db.campaigns import campaign_files, campaign_names, campaigns
from db.keyset import NameIsTaken
from domain.campaigns.campaign_file.reading import read_campaign_file
from domain.campaigns.campaign_file.writing import write_campaign_file
from domain.campaigns.campaigns import check_tags
from domain.campaigns.plans import CampaignPlan
from domain.names import check_name
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.campaigns.campaign_importing import (
    CampaignImport,
    Imported,
    build_invalid_file,
    import_into,
)
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import CAMPAIGN, STAGE, find_allowed, find_visible
from schema.campaigns.campaign_names import (
    CampaignDeleted,
    CampaignHasSubmissions,
    CloneCampaignInput,
    CloneCampaignResult,
    DeleteCampaignResult,
    RenameCampaignResult,
    RenameStageResult,
    SetCampaignTagsResult,
)
from schema.campaigns.campaign_saving import InvalidCampaignFile, StaleRevision
from schema.campaigns.campaigns import Campaign
from schema.campaigns.stages import Stage
from schema.context import Info
from schema.ids import node_id
from schema.problems import Invalid, NotFound, NotPermitted, name_taken


@declare_object_type
class CampaignNameMutations:
    """Copying, renaming, tagging and deleting campaigns."""

    @declare_mutation("create")
    async def clone_campaign(
        self,
        info: Info,
        input: CloneCampaignInput,  # noqa: A002
    ) -> CloneCampaignResult:
        """Copy a campaign, with its limits, priority and tags. The copy is yours, owned in the role that you have in
        the experiment; its schedules are off."""
        row = await find_visible(info, CAMPAIGN, input.id)
        if isinstance(row, NotFound):
            return row
        if not tenants.may_create(info, row.experiment_id):
            return tenants.report_not_permitted("create", "campaigns in this experiment")
        if said := check_name(input.name):
            return Invalid(message=said, field="name")
        copy = await _build_copy(info, row, input.name)
        if isinstance(copy, InvalidCampaignFile):
            return copy
        conn = await begin_change()
        done = await import_into(conn, info, copy)
        if isinstance(done, StaleRevision):
            return name_taken("campaign", input.name)
        if isinstance(done, Imported):
            person_id = info.context.viewer.person_id
            await campaign_names.copy_settings(conn, row.id, done.campaign_id, person_id)
        return await done.show(info) if isinstance(done, Imported) else done

    @declare_mutation("modify")
    async def rename_campaign(
        self, info: Info, id: strawberry.ID, name: str
    ) -> RenameCampaignResult:
        """Give a campaign another name. Its files so far stay where they are."""
        row = await find_allowed(info, CAMPAIGN, id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if said := check_name(name):
            return Invalid(message=said, field="name")
        conn, person = await begin_change(), info.context.viewer.person_id
        now = await campaign_names.lock(conn, row.id)
        if now is None or now.name == name:
            return Campaign.of(now or row, info.context.viewer)
        try:
            comment = f"Renamed from {now.name}"
            saved = await campaign_names.rename_campaign(conn, row.id, name, person, comment)
        except NameIsTaken:
            return name_taken("campaign", name)
        return Campaign.of(saved or row, info.context.viewer)

    @declare_mutation("modify")
    async def rename_stage(self, info: Info, id: strawberry.ID, name: str) -> RenameStageResult:
        """Give a stage another name, as a revision of its campaign. Its submissions, cursor, schedule and dependencies
        stay its own."""
        row = await find_allowed(info, STAGE, id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if said := check_name(name):
            return Invalid(message=said, field="name")
        conn, person = await begin_change(), info.context.viewer.person_id
        campaign = await campaign_names.lock(conn, row.campaign_id)
        stage = await info.context.load.stage.load(row.id)
        if campaign is None or stage is None:
            return tenants.report_unknown("stage", id)
        if stage.name == name:
            return Stage.of(stage, campaign, info.context.viewer)
        newest = await campaigns.find_revision(conn, campaign.id, campaign.revision)
        plan = CampaignPlan.of(newest.body) if newest else CampaignPlan(name=campaign.name)
        if name in {one.name for one in plan.stages}:
            return name_taken("stage", name)
        by = person, f"Stage {stage.name} renamed to {name}"
        body = plan.rename_stage(stage.name, name).body
        try:
            saved = await campaign_names.rename_stage(conn, stage, name, body, by)
        except NameIsTaken:
            return name_taken("stage", name)
        renamed = await info.context.load.stage.load(row.id)
        return Stage.of(renamed or stage, saved or campaign, info.context.viewer)

    @declare_mutation("modify")
    async def set_campaign_tags(
        self, info: Info, id: strawberry.ID, tags: list[str]
    ) -> SetCampaignTagsResult:
        """Let these, at most 20 of at most 50 characters, be the tags of a campaign."""
        row = await find_allowed(info, CAMPAIGN, id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if said := check_tags(tags):
            return Invalid(message=said, field="tags")
        person_id = info.context.viewer.person_id
        saved = await campaign_names.set_tags(
            await begin_change(), row.id, sorted(set(tags)), person_id
        )
        return Campaign.of(saved or row, info.context.viewer)

    @declare_mutation("modify")
    async def delete_campaign(
        self,
        info: Info,
        id: strawberry.ID,
        dry_run: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
    ) -> DeleteCampaignResult:
        """Delete a campaign that never launched anything, with its stages, schedules and revisions."""
        row = await find_allowed(info, CAMPAIGN, id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        conn = await begin_change()
        await campaign_names.lock(conn, row.id)
        gone = await campaign_names.delete(conn, row.id, info.context.viewer.person_id)
        if gone is None:
            message = f"{row.name} has launched something: it stays, but may be inactive."
            return CampaignHasSubmissions(message=message)
        return CampaignDeleted(id=node_id("campaign", row.id), name=row.name)


async def _build_copy(
    info: Info, row: campaigns.Campaign, name: str
) -> CampaignImport | InvalidCampaignFile:
    """What is imported for a copy: the campaign's own file, with another name."""
    found = await campaign_files.find_campaign_file(info.context.db, row)
    experiment = await info.context.load.experiment.load(row.experiment_id)
    assert found is not None  # noqa: S101 - every campaign has a revision
    assert experiment is not None  # noqa: S101 - a foreign key says so
    file = f"{row.name}.ini"
    renamed = replace(found, plan=replace(found.plan, name=name))
    reading = read_campaign_file(write_campaign_file(renamed, row.owning_role))
    if reading.campaign_file is None:
        return build_invalid_file(file, reading.findings)
    return CampaignImport(
        experiment, file, reading, reading.campaign_file, f"Copied from {row.name}", 0
    )
