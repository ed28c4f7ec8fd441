"""Launching stages and campaigns."""

from collections.abc import Sequence
from typing import cast

import strawberry

from db import campaigns, slices, stages
from db import submissions as rows
from db.pool import Connection, Database
from db.slices import Outcome, Refusal
from db.taking import Asked
from domain.names import wrong_text
from domain.queue import IfBusy, wrong_priority
from domain.submissions import SubmissionState
from door.describe import choice, thing
from resolvers.once import Ask, Done, once
from schema import ids, launching
from schema.context import Info
from schema.fields import changes
from schema.ids import made
from schema.launching import CampaignLaunched, LaunchCampaignResult, LaunchStageResult, StageLaunch
from schema.problems import IdempotencyKeyReused, Invalid, NotFound, NotPermitted
from schema.submissions import Submission

choice(IfBusy)

PROBLEMS: dict[Refusal, type[launching.Refused]] = {
    Refusal.BUSY: launching.StageBusy,
    Refusal.HELD: launching.LaunchesHeld,
    Refusal.EXHAUSTED: launching.NothingToLaunch,
    Refusal.NOTHING_YET: launching.NothingToLaunch,
    Refusal.NO_FILES: launching.DatasetWithoutFiles,
    Refusal.INACTIVE: launching.StageInactive,
    Refusal.NOT_LAUNCHABLE: launching.NotLaunchable,
}
"""Those of any launch; a launch by a plan has more."""

MOST_HASH = 100

Launched = tuple[int, Outcome]
"""A stage's id with what came of it."""
NotLaunched = launching.Refused | launching.PlanRefused | IdempotencyKeyReused


def problem(outcome: Outcome) -> launching.Refused | launching.PlanRefused:
    """Why nothing was launched, as the client sees it."""
    if outcome.refusal is Refusal.PLAN_UNKNOWN:
        return launching.PlanUnknown(message=outcome.why)
    if outcome.refusal is Refusal.PLAN_CHANGED:
        return launching.PlanChanged.of(outcome.why, outcome.changed)
    return PROBLEMS[outcome.refusal or Refusal.NOT_LAUNCHABLE](message=outcome.why)


async def launch_within(conn: Connection, stage_ids: Sequence[int], asked: Asked) -> list[Launched]:
    """Launch stages in one transaction, in the order of their ids; a refused one changes nothing."""
    return [(id, await slices.launch_next(conn, id, asked)) for id in sorted(stage_ids)]


async def launched_then(db: Database, result: str) -> list[Launched]:
    """What was launched when the key was used first, as it is now."""
    found = await rows.by_ids(db, [int(id) for id in result.split()])
    return [(row.stage_id, Outcome(row)) for row in sorted(found, key=lambda row: row.stage_id)]


async def launch(
    info: Info, operation: str, stage_ids: Sequence[int], asked: Asked, key: str | None
) -> list[Launched] | NotLaunched:
    """Launch stages, and hand the new submissions to the workers after the commit."""
    done: list[Launched] = []

    async def effect(conn: Connection) -> str | launching.Refused | launching.PlanRefused:
        done[:] = await launch_within(conn, stage_ids, asked)
        made_now = " ".join(str(outcome.submission.id) for _, outcome in done if outcome.submission)
        return made_now or problem(done[0][1])

    how = asked.is_test, asked.if_busy, asked.priority, asked.plan_hash
    ask = Ask(operation, key, [sorted(stage_ids), *how])
    came = await once(info, ask, effect)
    if not isinstance(came, Done):
        return cast(NotLaunched, came)
    if came.again:
        return await launched_then(info.context.db, came.result)
    for _, outcome in done:
        if outcome.submission is not None and outcome.submission.state is SubmissionState.NEW:
            attempt = outcome.submission.launch_attempt + 1
            await info.context.enqueue("launch", outcome.submission.id, attempt)
    return done


async def permitted(
    info: Info, row: campaigns.Campaign | None, what: str
) -> NotFound | NotPermitted | None:
    """Why the viewer can't launch something of this campaign, if so."""
    if row is None or not info.context.viewer.sees(row.experiment_id):
        return NotFound(message=f"There is no {what}.")
    if not info.context.allows("launch", row.experiment_id, row.owner_id, row.owning_role):
        message = f"You may not launch {row.name}: it belongs to {row.owning_role}."
        return NotPermitted(message=message, action="launch")
    return None


async def first_stages(info: Info, campaign_id: int) -> list[int]:
    """Stages that begin without another one's outputs; an edge to itself doesn't count."""
    edges = await stages.dependencies_of(info.context.db, [campaign_id])
    fed = {edge.downstream_id for edge in edges if edge.upstream_id != edge.downstream_id}
    found = await stages.of_campaigns(info.context.db, [campaign_id])
    return [stage.id for stage in found if stage.id not in fed]


@thing
class LaunchMutations:
    """Launching."""

    @changes("launch")
    async def launch_stage(
        self,
        info: Info,
        stage_id: strawberry.ID,
        is_test: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
        if_busy: IfBusy = IfBusy.QUEUE,
        priority: int | None = None,
        idempotency_key: str | None = None,
        plan_hash: str | None = None,
    ) -> LaunchStageResult:
        """Launch the next slice of a stage, or the next one of its tests.

        At a hold or a limit it waits in the `launchQueue`, unless `ifBusy` says otherwise. Without a `priority`
        it has its campaign's.
        With the `planHash` of a `previewLaunch`: exactly what that showed, or nothing.
        """
        id = ids.number(stage_id, "stage")
        stage = await info.context.load.stage.load(id) if id else None
        campaign = await info.context.load.campaign.load(stage.campaign_id) if stage else None
        no = await permitted(info, campaign, f"stage {stage_id[:50]!r}")
        if no or stage is None:
            return no or NotFound(message="There is no such stage.")
        if wrong := wrong_priority(priority):
            return Invalid(message=wrong, field="priority")
        if plan_hash is not None and wrong_text(plan_hash, MOST_HASH):
            return launching.PlanUnknown(message="A plan's hash is what previewLaunch says.")
        who = info.context.viewer.person_id
        asked = Asked(who, is_test, if_busy, priority, plan_hash=plan_hash)
        done = await launch(info, "launchStage", [stage.id], asked, idempotency_key)
        if not isinstance(done, list):
            return done
        outcome = done[0][1]
        return Submission.of(outcome.submission) if outcome.submission else problem(outcome)

    @changes("launch")
    async def launch_campaign(
        self,
        info: Info,
        campaign_id: strawberry.ID,
        is_test: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
        if_busy: IfBusy = IfBusy.QUEUE,
        priority: int | None = None,
        idempotency_key: str | None = None,
    ) -> LaunchCampaignResult:
        """Launch each stage of a campaign that begins without another one's outputs; see `launchStage`."""
        id = ids.number(campaign_id, "campaign")
        campaign = await info.context.load.campaign.load(id) if id else None
        no = await permitted(info, campaign, f"campaign {campaign_id[:50]!r}")
        if no or campaign is None:
            return no or NotFound(message="There is no such campaign.")
        begin = await first_stages(info, campaign.id)
        if not begin:
            message = f"No stage of {campaign.name} begins without another one's outputs."
            return launching.NothingToLaunch(message=message)
        if wrong := wrong_priority(priority):
            return Invalid(message=wrong, field="priority")
        asked = Asked(info.context.viewer.person_id, is_test, if_busy, priority)
        done = await launch(info, "launchCampaign", begin, asked, idempotency_key)
        came = campaign_launched(done) if isinstance(done, list) else done
        return cast(LaunchCampaignResult, came)  # without a plan there is no problem with one


def campaign_launched(
    done: Sequence[Launched],
) -> CampaignLaunched | NotLaunched:
    """What came of each stage; the first problem when nothing came of any."""
    if not any(outcome.submission for _, outcome in done):
        return problem(done[0][1])
    return CampaignLaunched(
        launches=[
            StageLaunch(
                stage_id=made("stage", stage_id),
                submission=Submission.of(outcome.submission) if outcome.submission else None,
                problem=None if outcome.submission else problem(outcome),
            )
            for stage_id, outcome in done
        ]
    )
