"""Save a campaign: all of it, or nothing."""

from db.campaigns import campaigns, stages
from db.files import datasets
from db.pool import Connection
from domain.campaigns.campaigns import (
    MOST_DEPENDENCIES,
    MOST_STAGES,
    check_campaign,
    check_stages_exist,
)
from domain.campaigns.plans import CampaignPlan
from domain.names import MOST_REASON, check_text
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.campaigns import revisions
from resolvers.campaigns.differences import PlanIds, build_rows, list_stage_changes
from resolvers.mutations import begin_change, declare_mutation
from schema.campaigns.campaign_saving import (
    CampaignPlanned,
    CampaignSaved,
    InvalidCampaign,
    SaveCampaignInput,
    SaveCampaignResult,
    StaleRevision,
)
from schema.campaigns.campaigns import show_campaign
from schema.context import Info
from schema.problems import Invalid, NotFound, NotPermitted, TooMany, count_problem
from schema.setup.parameters import Finding

MOST_FINDINGS = 200
Refusal = NotPermitted | InvalidCampaign | StaleRevision


@declare_object_type
class SavingMutations:
    """Saving campaigns."""

    @declare_mutation("create")
    async def save_campaign(
        self,
        info: Info,
        input: SaveCampaignInput,  # noqa: A002
    ) -> SaveCampaignResult:
        """Create or change a whole campaign; each save is a revision that stays."""
        experiment = await tenants.find_experiment(info, input.experiment)
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        if too_big := _check_input_size(input):
            return too_big
        wanted = revisions.RevisionRequest(
            experiment.id, input.plan, input.comment, input.expected_revision
        )
        if input.dry_run:
            return await _plan_save(info, wanted)
        return await _save_locked(await begin_change(), info, wanted)


def _check_input_size(input: SaveCampaignInput) -> TooMany | Invalid | None:  # noqa: A002
    too_many = count_problem("stages", input.stages, MOST_STAGES)
    too_many = too_many or count_problem("dependencies", input.dependencies, MOST_DEPENDENCIES)
    if too_many:
        return too_many
    said = check_text(input.comment, MOST_REASON)
    return Invalid(message=said, field="comment") if said else None


async def _plan_save(info: Info, wanted: revisions.RevisionRequest) -> CampaignPlanned | Refusal:
    """What a save would do, without a lock: nothing is written."""
    db, plan = info.context.db, wanted.plan
    row = None
    if not check_text(plan.name, 100):
        row = await campaigns.find_by_name(db, wanted.experiment_id, plan.name)
    if refusal := revisions.find_save_refusal(info, wanted, row):
        return refusal
    party = await revisions.find_campaign_party(db, info, wanted.experiment_id, row)
    ids = await revisions.resolve_references(db, info, wanted, party)
    if invalid := _check_plan(plan, ids):
        return invalid
    there = await stages.list_all_by_campaign(db, row.id) if row else []
    own = await datasets.find_own(db, wanted.experiment_id, [stage.id for stage in there])
    changes = list_stage_changes(plan, build_rows(plan, ids, there, own), there)
    return CampaignPlanned(revision=row.revision + 1 if row else 1, changes=changes)


async def _save_locked(
    conn: Connection, info: Info, wanted: revisions.RevisionRequest
) -> CampaignSaved | Refusal:
    """Save under the campaign's row lock, so that saves come one after the other."""
    plan, experiment_id = wanted.plan, wanted.experiment_id
    row = None
    if not check_text(plan.name, 100):
        row = await campaigns.lock(conn, experiment_id, plan.name)
    party = await revisions.find_campaign_party(conn, info, experiment_id, row)
    ids = await revisions.resolve_references(conn, info, wanted, party)
    if refusal := revisions.find_save_refusal(info, wanted, row) or _check_plan(plan, ids):
        return refusal
    if row is None:
        owner = tenants.build_owner(info, experiment_id)
        row = await campaigns.create(conn, experiment_id, plan.name, owner)
        if row is None:  # somebody else has just made it
            return await _save_locked(conn, info, wanted)
    changed = await revisions.save_stages(conn, row, plan, ids)
    body = plan.description, plan.defaults, plan.body
    save = campaigns.RevisionSave(*body, info.context.viewer.person_id, wanted.comment)
    await campaigns.save_revision(conn, row.id, save)
    return CampaignSaved(campaign=await show_campaign(info, row.id), changes=changed)


def _check_plan(plan: CampaignPlan, ids: PlanIds) -> InvalidCampaign | None:
    found = [*check_campaign(plan, ids.known_names), *check_stages_exist(plan)]
    if not found:
        return None
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidCampaign(
        message=f"The campaign was not saved, {found[0].path}: {found[0].message}{more}",
        findings=[Finding.of(finding) for finding in found[:MOST_FINDINGS]],
    )
