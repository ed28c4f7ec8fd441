"""Launching stages and campaigns."""

from collections.abc import Sequence
from functools import partial
from typing import cast

import strawberry

from db.campaigns import stages
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.launching.slices import LaunchOutcome, LaunchRefusal
from db.submissions.submissions import Submission as Row
from domain.launching.queue import IfBusy, check_priority
from domain.names import check_text
from domain.submissions.submissions import SubmissionState
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from resolvers.mutations import add_after_commit, begin_change, declare_mutation
from resolvers.nouns import CAMPAIGN, STAGE, find_allowed
from schema.context import Info
from schema.ids import node_id
from schema.launching import launch_results
from schema.launching.launch_results import (
    CampaignLaunched,
    LaunchCampaignResult,
    LaunchStageResult,
    StageLaunch,
)
from schema.problems import Invalid, NotFound, NotPermitted
from schema.submissions.submissions import Submission

declare_enum_type(IfBusy)

PROBLEMS: dict[LaunchRefusal, type[launch_results.Refused]] = {
    LaunchRefusal.BUSY: launch_results.StageBusy,
    LaunchRefusal.HELD: launch_results.LaunchesHeld,
    LaunchRefusal.EXHAUSTED: launch_results.NothingToLaunch,
    LaunchRefusal.NOTHING_YET: launch_results.NothingToLaunch,
    LaunchRefusal.NO_FILES: launch_results.DatasetWithoutFiles,
    LaunchRefusal.INACTIVE: launch_results.StageInactive,
    LaunchRefusal.NOT_LAUNCHABLE: launch_results.NotLaunchable,
}
"""Those of any launch; a launch by a plan has more."""

MOST_HASH = 100

Launched = tuple[int, LaunchOutcome]
"""A stage's id with what came of it."""
NotLaunched = launch_results.Refused | launch_results.PlanRefused


def build_problem(outcome: LaunchOutcome) -> NotLaunched:
    """Why nothing was launched, as the client sees it."""
    if outcome.refusal is LaunchRefusal.PLAN_UNKNOWN:
        return launch_results.PlanUnknown(message=outcome.why)
    if outcome.refusal is LaunchRefusal.PLAN_CHANGED:
        return launch_results.PlanChanged.of(outcome.why, outcome.changed)
    return PROBLEMS[outcome.refusal or LaunchRefusal.NOT_LAUNCHABLE](message=outcome.why)


async def launch_stages(
    info: Info, stage_ids: Sequence[int], asked: LaunchRequest
) -> list[Launched]:
    """Launch stages in one transaction, in the order of their ids; a refused one changes nothing."""
    conn = await begin_change()
    done = [(id, await slices.launch_next(conn, id, asked)) for id in sorted(stage_ids)]
    launch_soon(info, [outcome.submission for _, outcome in done if outcome.submission])
    return done


def launch_soon(info: Info, made: Sequence[Row]) -> None:
    """Hand new submissions that don't wait to the workers, after the commit."""
    for row in made:
        if row.state is SubmissionState.NEW:
            attempt = row.launch_attempt + 1
            add_after_commit(partial(info.context.enqueue, "launch", row.id, attempt))


async def list_first_stages(info: Info, campaign_id: int) -> list[int]:
    """Stages that begin without another one's outputs; an edge to itself doesn't count."""
    edges = await stages.list_dependencies(info.context.db, [campaign_id])
    fed = {edge.downstream_id for edge in edges if edge.upstream_id != edge.downstream_id}
    found = await stages.list_by_campaigns(info.context.db, [campaign_id])
    return [stage.id for stage in found if stage.id not in fed]


@declare_input_type
class LaunchCampaignInput:
    """A campaign whose first stages shall be launched."""

    id: strawberry.ID
    """The campaign's."""
    is_test: bool = False
    """Launch the next ones of their tests."""
    if_busy: IfBusy = IfBusy.QUEUE
    """What to do at a hold or a limit."""
    priority: int | None = None
    """From -1000 to 1000; null: the campaign's."""


@declare_input_type
class LaunchStageInput:
    """A stage of which the next slice shall be launched."""

    id: strawberry.ID
    """The stage's."""
    is_test: bool = False
    """Launch the next one of its tests."""
    if_busy: IfBusy = IfBusy.QUEUE
    """What to do at a hold or a limit."""
    priority: int | None = None
    """From -1000 to 1000; null: its campaign's."""
    plan_hash: str | None = None
    """Of a `previewLaunch`: launch exactly what that showed, or nothing."""


@declare_object_type
class LaunchMutations:
    """Launching."""

    @declare_mutation("launch")
    async def launch_stage(self, info: Info, input: LaunchStageInput) -> LaunchStageResult:  # noqa: A002
        """Launch the next slice of a stage, or the next one of its tests.

        At a hold or a limit it waits in the `launchQueue`, unless `ifBusy` says otherwise.
        """
        stage = await find_allowed(info, STAGE, input.id, "launch")
        if isinstance(stage, NotFound | NotPermitted):
            return stage
        if wrong := check_priority(input.priority):
            return Invalid(message=wrong, field="priority")
        if input.plan_hash is not None and check_text(input.plan_hash, MOST_HASH):
            return launch_results.PlanUnknown(message="A plan's hash is what previewLaunch says.")
        who, how = info.context.viewer.person_id, (input.is_test, input.if_busy, input.priority)
        asked = LaunchRequest(who, *how, plan_hash=input.plan_hash)
        [(_, outcome)] = await launch_stages(info, [stage.id], asked)
        return Submission.of(outcome.submission) if outcome.submission else build_problem(outcome)

    @declare_mutation("launch")
    async def launch_campaign(self, info: Info, input: LaunchCampaignInput) -> LaunchCampaignResult:  # noqa: A002
        """Launch each stage of a campaign that begins without another one's outputs; see `launchStage`."""
        campaign = await find_allowed(info, CAMPAIGN, input.id, "launch")
        if isinstance(campaign, NotFound | NotPermitted):
            return campaign
        first = await list_first_stages(info, campaign.id)
        if not first:
            message = f"No stage of {campaign.name} begins without another one's outputs."
            return launch_results.NothingToLaunch(message=message)
        if wrong := check_priority(input.priority):
            return Invalid(message=wrong, field="priority")
        who, how = info.context.viewer.person_id, (input.is_test, input.if_busy, input.priority)
        came = build_campaign_result(await launch_stages(info, first, LaunchRequest(who, *how)))
        return cast(LaunchCampaignResult, came)  # without a plan there is no problem with one


def build_campaign_result(done: Sequence[Launched]) -> CampaignLaunched | NotLaunched:
    """What came of each stage; the first problem when nothing came of any."""
    if not any(outcome.submission for _, outcome in done):
        return build_problem(done[0][1])
    return CampaignLaunched(
        launches=[
            StageLaunch(
                stage_id=node_id("stage", stage_id),
                submission=Submission.of(outcome.submission) if outcome.submission else None,
                problem=None if outcome.submission else build_problem(outcome),
            )
            for stage_id, outcome in done
        ]
    )
