"""Stages and dependencies, as a client sees them."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

import auth
from auth import Viewer
from db.campaigns import campaigns, stages
from domain.campaigns.stages import Completion, DeadlineFrom, StageKind, TriggerKind
from door.describe import declare_enum_type, declare_object_type
from door.pages import Node
from schema.campaigns.link_values import list_stage_links, list_stage_summaries
from schema.campaigns.schedules import Schedule
from schema.context import Info
from schema.fields import declare_query
from schema.files.datasets import Dataset
from schema.ids import node_id
from schema.numbers import BigInt
from schema.people.links import Link
from schema.people.summaries import Summary
from schema.setup.batch_options import BatchOptions
from schema.setup.job_types import JobType, load_job_type
from schema.setup.login_setups import LoginSetup, load_login_setup
from schema.setup.parameters import Parameter, Recovery, Resources, show_pairs, show_recoveries

if TYPE_CHECKING:
    from schema.campaigns.campaigns import Campaign
    from schema.launching.queue import LaunchHold
    from schema.submissions.accounts import Account

declare_enum_type(StageKind)
declare_enum_type(Completion)
declare_enum_type(DeadlineFrom)
declare_enum_type(TriggerKind)


@declare_enum_type
class StageAction(StrEnum):
    """What can be done to a stage."""

    LAUNCH = "launch"
    """Launch its next slice."""
    TEST_LAUNCH = "test_launch"
    """Launch a test of it."""
    HOLD_LAUNCHES = "hold_launches"
    """Let its launches wait."""
    CHANGE = "change"
    """Save its campaign with another configuration of it."""


def list_stage_actions(
    row: stages.Stage, campaign: campaigns.Campaign, viewer: Viewer
) -> list[StageAction]:
    """What this viewer may do to a stage now."""
    owned = row.experiment_id, campaign.owner_id, campaign.owning_role
    found = []
    runs = row.kind not in (StageKind.APPROVAL, StageKind.DATATRANSFER)
    if row.active and campaign.active and runs and auth.may_act(viewer, "launch", *owned):
        found += [StageAction.LAUNCH, StageAction.TEST_LAUNCH]
    if auth.may_act(viewer, "operate", *owned):
        found.append(StageAction.HOLD_LAUNCHES)
    if auth.may_act(viewer, "modify", *owned):
        found.append(StageAction.CHANGE)
    return found


@declare_object_type
class Stage(Node):
    """One step of a campaign."""

    name: str
    """Unique in the campaign."""
    kind: StageKind
    """What it does when it is launched."""
    parameter_lists: list[list[str]]
    """What `multiparam` makes its combinations of, the first list changing fastest; of `list` the one."""
    split: str
    """How its work is cut into slices, for example `nfiles(20)`."""
    test_split: str | None
    """The same for test launches; null: as for others."""
    software_version: str
    """The version that its jobs run, the keyword `%(version)s`."""
    parameters: list[Parameter]
    """Over those of the job type and the campaign."""
    test_parameters: list[Parameter]
    """Over all these in test launches."""
    files_per_job: int
    """How many files one job works on at most."""
    bytes_per_job: BigInt | None
    """How large the files of one job are together at most; one that is larger has a job of its own. Null: any size."""
    jobs_per_slice: int
    """How many jobs one launch of a generator starts."""
    events_per_job: BigInt | None
    """How many events one job of a generator makes (null: 1); of other stages, how many its files have together
    at most, with a job of its own for one that has more (null: any number)."""
    completion: Completion
    """When a submission counts as usable."""
    completion_pct: int
    """Of how many of the files that were done (of a generator: of its jobs) the outputs must be located, in percent."""
    deadline_s: int | None
    """Within how many seconds a submission must be located, or it is marked as overdue; null: no deadline."""
    deadline_from: DeadlineFrom
    """From when these count."""
    recoveries: list[Recovery] | None
    """What is done with what a submission leaves undone; null: as the job type says."""
    resources: Resources
    """What one job may use, over what the job type says."""
    batch_system: str
    """Where its jobs run."""
    batch_options: BatchOptions
    """What they ask of that batch system besides."""
    most_unfinished: int | None
    """How many of its submissions may be unfinished at once; null: any number."""
    most_jobs: int | None
    """How many of their jobs may not be over at once; null: any number."""
    merge_overrides: bool
    """Whether the campaign's parameters hold for it, between those of the job type and its own."""
    output_ancestor_depth: int
    """Which outputs count for its completion and go on to the stages after it: 1, those that jobs made straight from
    their inputs; 2, those that they made from these; and so on."""
    until_exhausted: bool
    """Whether its schedule, if it has one, ends when there are no more slices."""
    active: bool
    """False for a stage that newer revisions of the campaign don't have."""
    epoch: int
    """Grows by one whenever its work begins anew."""
    cursor: JSON
    """How far its work is cut into slices: the next ordinal, run, bucket, place, time in seconds, or index,
    as its split counts."""
    test_epoch: int
    """The same for its test launches, counted down from -1."""
    test_cursor: JSON
    """The same for its test launches."""
    split_seq: BigInt
    """Grows whenever a cursor of it moves or it is saved."""
    slices: int
    """How many slices were launched, over all epochs."""
    unfinished: int
    """How many of its submissions are unfinished."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it was saved last."""
    available_actions: list[StageAction]
    """What you may do to it now."""
    stage_id: strawberry.Private[int]
    row: strawberry.Private[stages.Stage]
    campaign_row: strawberry.Private[campaigns.Campaign]

    @classmethod
    def of(cls, row: stages.Stage, campaign: campaigns.Campaign, viewer: Viewer) -> "Stage":
        """Show a row of this campaign."""
        return cls(
            id=node_id("stage", row.id),
            name=row.name,
            kind=row.kind,
            parameter_lists=row.parameter_lists,
            split=row.split,
            test_split=row.test_split,
            software_version=row.software_version,
            parameters=show_pairs(row.parameters),
            test_parameters=show_pairs(row.test_parameters),
            files_per_job=row.files_per_job,
            bytes_per_job=row.bytes_per_job,
            jobs_per_slice=row.jobs_per_slice,
            events_per_job=row.events_per_job,
            completion=row.completion,
            completion_pct=row.completion_pct,
            deadline_s=row.deadline_s,
            deadline_from=row.deadline_from,
            recoveries=None if row.recoveries is None else show_recoveries(row.recoveries),
            resources=Resources.of(row.resources),
            batch_system=row.batch_system,
            batch_options=BatchOptions.of(row.batch_options),
            most_unfinished=row.most_unfinished,
            most_jobs=row.most_jobs,
            merge_overrides=row.merge_overrides,
            output_ancestor_depth=row.output_ancestor_depth,
            until_exhausted=row.until_exhausted,
            active=row.active,
            epoch=row.epoch,
            cursor=row.cursor,
            test_epoch=row.test_epoch,
            test_cursor=row.test_cursor,
            split_seq=row.split_seq,
            slices=row.slices,
            unfinished=row.unfinished,
            created_at=row.created_at,
            updated_at=row.updated_at,
            available_actions=list_stage_actions(row, campaign, viewer),
            stage_id=row.id,
            row=row,
            campaign_row=campaign,
        )

    @declare_query()
    async def campaign(
        self, info: Info
    ) -> Annotated["Campaign", strawberry.lazy("schema.campaigns.campaigns")]:
        """Whose step it is."""
        from schema.campaigns.campaigns import Campaign

        return Campaign.of(self.campaign_row, info.context.viewer)

    @declare_query()
    async def job_type(self, info: Info) -> JobType:
        """The command that its jobs run."""
        return await load_job_type(info, self.row.job_type_id)

    @declare_query()
    async def login_setup(self, info: Info) -> LoginSetup:
        """Where it is launched from."""
        return await load_login_setup(info, self.row.login_setup_id)

    @declare_query()
    async def links(self, info: Info) -> list[Link]:
        """Where more is known of it, as the experiment's superusers have said (`setExperimentLinks`)."""
        return await list_stage_links(info, self.row.experiment_id, self.row.id)

    @declare_query()
    async def summaries(self, info: Info) -> list[Summary]:
        """What monitors and accounting know of it, as its superusers want it (`setExperimentSummaries`)."""
        return await list_stage_summaries(info, self.row.experiment_id, self.row.id)

    @declare_query()
    async def schedule(self, info: Info) -> Schedule | None:
        """When it is launched by the clock; null: only when somebody says so."""
        return next(map(Schedule.of, await info.context.load.schedule_of.load(self.stage_id)), None)

    @declare_query()
    async def launch_holds(
        self, info: Info
    ) -> list[Annotated["LaunchHold", strawberry.lazy("schema.launching.queue")]]:
        """For what its launches wait: holds of the stage, its campaign, its experiment, or everything."""
        from schema.launching.queue import list_holds

        row = self.row
        return await list_holds(info, row.experiment_id, row.campaign_id, self.stage_id)

    @declare_query()
    async def account(
        self,
        info: Info,
        is_test: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
    ) -> Annotated["Account", strawberry.lazy("schema.submissions.accounts")]:
        """What became of all that it was given; of tests on demand."""
        from schema.submissions.accounts import load_stage_account

        return await load_stage_account(info, self.stage_id, is_test=is_test)

    @declare_query()
    async def dataset(self, info: Info) -> Dataset | None:
        """What it works on; null for a generator."""
        if self.row.dataset_id is None:
            return None
        row = await info.context.load.dataset.load(self.row.dataset_id)
        return None if row is None else Dataset.of(row, info)


async def load_stage(info: Info, stage_id: int) -> Stage | None:
    """Show a stage, if there is one and the viewer sees its experiment."""
    row = await info.context.load.stage.load(stage_id)
    if row is None or not info.context.allows("view", row.experiment_id):
        return None
    campaign = await info.context.load.campaign.load(row.campaign_id)
    return None if campaign is None else Stage.of(row, campaign, info.context.viewer)


@declare_object_type
class Dependency(Node):
    """An edge between two stages: outputs of the one launch the other."""

    patterns: list[str]
    """Which outputs go on, by globs such as `*.root`, or with a `%` by LIKE, such as `%_reco.root`; none: all."""
    trigger: TriggerKind
    """When it launches the downstream stage."""
    active: bool
    """False for one that newer revisions of the campaign don't have."""
    upstream_id: strawberry.Private[int]
    downstream_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: stages.Dependency) -> "Dependency":
        """Show a row."""
        return cls(
            id=node_id("dependency", row.id),
            patterns=row.patterns,
            trigger=row.trigger,
            active=row.active,
            upstream_id=row.upstream_id,
            downstream_id=row.downstream_id,
        )

    @declare_query()
    async def upstream(self, info: Info) -> Stage:
        """Whose outputs."""
        return await _load_end_stage(info, self.upstream_id)

    @declare_query()
    async def downstream(self, info: Info) -> Stage:
        """What is launched; of the stage itself: its next slice."""
        return await _load_end_stage(info, self.downstream_id)


async def _load_end_stage(info: Info, stage_id: int) -> Stage:
    found = await load_stage(info, stage_id)
    assert found is not None  # noqa: S101 - a foreign key says so, and the dependency was visible
    return found
