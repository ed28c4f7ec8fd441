"""Campaigns and their revisions, as a client sees them."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

import auth
from auth import Viewer
from db.campaigns import campaign_files, campaigns, stages
from db.setup import setup_uses
from domain.campaigns.campaign_file.checking import check_file
from domain.campaigns.campaign_file.reading import read_campaign_file
from domain.campaigns.campaign_file.writing import write_campaign_file
from domain.permissions import Role
from door.describe import declare_enum_type, declare_object_type
from door.pages import Connection, Node
from schema.campaigns.file_findings import FileFinding
from schema.campaigns.link_values import list_campaign_links, list_campaign_summaries
from schema.campaigns.stages import Dependency, Stage
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.lists import ListPart, page_by_number
from schema.people.experiments import Experiment, load_experiment
from schema.people.links import Link
from schema.people.people import Person, load_person
from schema.people.summaries import Summary
from schema.setup.parameters import Parameter, show_pairs

if TYPE_CHECKING:
    from schema.launching.queue import LaunchHold
    from schema.submissions.accounts import Account

MOST_STAGES = 1_000


@declare_enum_type
class CampaignAction(StrEnum):
    """What can be done to a campaign."""

    CHANGE = "change"
    """Save another revision of it."""
    ACTIVATE = "activate"
    """Let it launch again."""
    DEACTIVATE = "deactivate"
    """Let it launch nothing more."""
    RENAME = "rename"
    """Give it another name."""
    TAG = "tag"
    """Give it other tags."""
    HOLD_LAUNCHES = "hold_launches"
    """Let its launches wait."""


@declare_object_type
class CampaignDefaults:
    """What holds for each stage of a campaign."""

    parameters: list[Parameter]
    """Over those of the job types."""
    keywords: list[Parameter]
    """What `%(key)s` becomes in parameters and commands."""


@declare_object_type
class Revision(Node):
    """A whole campaign as it was saved once; nothing ever changes it."""

    number: int
    """The first is 1."""
    body: JSON
    """The campaign with all its stages and dependencies, by names."""
    comment: str
    """What its author said of it."""
    at: datetime
    """When it was saved."""
    author_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: campaigns.Revision) -> "Revision":
        """Show a row."""
        return cls(
            id=node_id("revision", f"{row.campaign_id}.{row.number}"),
            number=row.number,
            body=JSON(row.body),
            comment=row.comment,
            at=row.at,
            author_id=row.author_id,
        )

    @declare_query()
    async def author(self, info: Info) -> Person:
        """Who saved it."""
        return await load_person(info, self.author_id)


@declare_object_type
class Campaign(Node):
    """Stages, and the dependencies between them."""

    name: str
    """Unique in the experiment."""
    description: str
    """What it is for."""
    defaults: CampaignDefaults
    """What holds for each stage."""
    active: bool
    """Whether it launches anything."""
    draft: bool
    """Whether it can't launch as its newest revision has it: `findings` say why. Activating it looks again."""
    tags: list[str]
    """What people call it by, sorted."""
    revision: int
    """The number of the newest revision."""
    owning_role: Role
    """Who acts on it, besides its owner."""
    created_at: datetime
    """When it was saved first."""
    updated_at: datetime
    """When it was saved last."""
    most_unfinished: int | None
    """How many of its submissions may be unfinished at once; null: any number."""
    most_jobs: int | None
    """How many of their jobs may not be over at once; null: any number."""
    priority: int
    """Of launches that are given none: the higher begins and runs first."""
    available_actions: list[CampaignAction]
    """What you may do to it now."""
    campaign_id: strawberry.Private[int]
    row: strawberry.Private[campaigns.Campaign]

    @classmethod
    def of(cls, row: campaigns.Campaign, viewer: Viewer) -> "Campaign":
        """Show a row."""
        defaults = CampaignDefaults(
            parameters=show_pairs(row.defaults.get("parameters", [])),
            keywords=show_pairs(list(row.defaults.get("keywords", {}).items())),
        )
        return cls(
            id=node_id("campaign", row.id),
            name=row.name,
            description=row.description,
            defaults=defaults,
            active=row.active,
            draft=row.draft,
            tags=row.tags,
            revision=row.revision,
            owning_role=row.owning_role,
            created_at=row.created_at,
            updated_at=row.updated_at,
            most_unfinished=row.most_unfinished,
            most_jobs=row.most_jobs,
            priority=row.priority,
            available_actions=list_campaign_actions(row, viewer),
            campaign_id=row.id,
            row=row,
        )

    @declare_query()
    async def links(self, info: Info) -> list[Link]:
        """Where more is known of it, as the experiment's superusers have said (`setExperimentLinks`)."""
        return await list_campaign_links(info, self.row.experiment_id, self.campaign_id)

    @declare_query()
    async def summaries(self, info: Info) -> list[Summary]:
        """What monitors and accounting know of it, as its superusers want it (`setExperimentSummaries`)."""
        return await list_campaign_summaries(info, self.row.experiment_id, self.campaign_id)

    @declare_query()
    async def experiment(self, info: Info) -> Experiment:
        """Whose it is."""
        return await load_experiment(info, self.row.experiment_id)

    @declare_query()
    async def owner(self, info: Info) -> Person:
        """Who saved it first."""
        return await load_person(info, self.row.owner_id)

    @declare_query(weight=100)
    async def file(self, info: Info) -> str:
        """Its campaign file: POMS's `.ini`, from which `importCampaign` makes the same campaign."""
        said = await campaign_files.find_campaign_file(info.context.db, self.row)
        return write_campaign_file(said, self.owning_role) if said else ""

    @declare_query(weight=100)
    async def findings(self, info: Info) -> list[FileFinding]:
        """What keeps a draft from being launched as things are now, by the lines of `file`; else nothing."""
        said = (
            await campaign_files.find_campaign_file(info.context.db, self.row)
            if self.draft
            else None
        )
        if said is None:
            return []
        experiment = await info.context.load.experiment.load(self.row.experiment_id)
        assert experiment is not None  # noqa: S101 - a foreign key says so
        reading = read_campaign_file(write_campaign_file(said, self.owning_role))
        by = await setup_uses.find_party(info.context.db, self.row.owner_id, self.row.owning_role)
        there = await campaign_files.find_referenced(
            info.context.db, experiment, said, by, info.context.app_state.batch_policy
        )
        return FileFinding.of_all(f"{self.name}.ini", check_file(reading, there))

    @declare_query()
    async def account(
        self,
        info: Info,
        is_test: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
    ) -> Annotated["Account", strawberry.lazy("schema.submissions.accounts")]:
        """What became of all that its stages were given: sums over them; of tests on demand."""
        from schema.submissions.accounts import load_campaign_account

        return await load_campaign_account(info, self.campaign_id, is_test=is_test)

    @declare_query()
    async def stages(self, info: Info, include_inactive: bool = False) -> list[Stage]:  # noqa: FBT001, FBT002 - an argument in GraphQL
        """Its steps, at most 200; on demand those too that it had once, 1,000 in all."""
        if include_inactive:
            rows = await stages.list_all_by_campaign(info.context.db, self.campaign_id)
        else:
            rows = await info.context.load.stages_of.load(self.campaign_id)
        return [Stage.of(row, self.row, info.context.viewer) for row in rows[:MOST_STAGES]]

    @declare_query()
    async def dependencies(self, info: Info) -> list[Dependency]:
        """Which stages launch which."""
        rows = await info.context.load.dependencies_of.load(self.campaign_id)
        return [Dependency.of(row) for row in rows]

    @declare_query()
    async def launch_holds(
        self, info: Info
    ) -> list[Annotated["LaunchHold", strawberry.lazy("schema.launching.queue")]]:
        """For what its launches wait: holds of the campaign, its experiment, or everything."""
        from schema.launching.queue import list_holds

        return await list_holds(info, self.row.experiment_id, self.campaign_id)

    @declare_query()
    async def revisions(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Revision]:
        """All that was ever saved, the newest first."""
        return await page_by_number(
            ListPart(first, after, last, before),
            lambda start, limit, back: campaigns.list_revisions(
                info.context.db, self.campaign_id, start, limit, backwards=back
            ),
            Revision.of,
            lambda row: row.number,
            falling=True,
        )


def list_campaign_actions(row: campaigns.Campaign, viewer: Viewer) -> list[CampaignAction]:
    """What this viewer may do to a campaign now."""
    owned = row.experiment_id, row.owner_id, row.owning_role
    found = []
    if auth.may_act(viewer, "modify", *owned):
        switch = CampaignAction.DEACTIVATE if row.active else CampaignAction.ACTIVATE
        found += [CampaignAction.CHANGE, switch, CampaignAction.RENAME, CampaignAction.TAG]
    if auth.may_act(viewer, "operate", *owned):
        found.append(CampaignAction.HOLD_LAUNCHES)
    return found


async def load_campaign(info: Info, campaign_id: int) -> Campaign | None:
    """Show a campaign, if there is one and the viewer sees its experiment."""
    row = await info.context.load.campaign.load(campaign_id)
    if row is None or not info.context.allows("view", row.experiment_id):
        return None
    return Campaign.of(row, info.context.viewer)


async def show_campaign(info: Info, campaign_id: int) -> Campaign:
    """Show a campaign that was found, changed or made just now."""
    row = await info.context.load.campaign.load(campaign_id)
    assert row is not None  # noqa: S101 - its row is locked, or new
    return Campaign.of(row, info.context.viewer)
