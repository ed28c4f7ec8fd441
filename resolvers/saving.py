"""Save a campaign: all of it, or nothing."""

from typing import cast

from db import campaigns, datasets, stages
from db.pool import Connection
from domain.campaigns import MOST_DEPENDENCIES, MOST_STAGES, problems
from domain.names import MOST_REASON, wrong_text
from domain.plans import Plan
from door.describe import thing
from resolvers import revisions, tenants
from resolvers.differences import Ids, difference, rows
from resolvers.once import Ask, Done, once
from schema.campaigns import campaign as shown
from schema.context import Info
from schema.fields import changes
from schema.parameters import Finding
from schema.problems import IdempotencyKeyReused, Invalid, NotPermitted, TooMany
from schema.saving import (
    CampaignPlanned,
    CampaignSaved,
    InvalidCampaign,
    SaveCampaignInput,
    SaveCampaignResult,
    StageChange,
    StaleRevision,
    count_problem,
)

MOST_FINDINGS = 200
Refusal = NotPermitted | InvalidCampaign | StaleRevision


@thing
class SavingMutations:
    """Saving campaigns."""

    @changes("create")
    async def save_campaign(
        self,
        info: Info,
        input: SaveCampaignInput,  # noqa: A002
    ) -> SaveCampaignResult:
        """Create or change a whole campaign; each save is a revision that stays."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        if too_big := _too_big(input):
            return too_big
        wanted = revisions.Wanted(experiment.id, input.plan, input.comment, input.expected_revision)
        if input.dry_run:
            return await _dry_run(info, wanted)
        changed: list[StageChange] = []

        async def save(conn: Connection) -> str | Refusal:
            return await _save(conn, info, wanted, changed)

        done = await once(info, Ask("saveCampaign", input.idempotency_key, input), save)
        if not isinstance(done, Done):
            return cast(Refusal | IdempotencyKeyReused, done)
        campaign = await shown(info, int(done.result))
        if campaign is None:  # deleted since
            return tenants.unknown("campaign", input.name)
        return CampaignSaved(campaign=campaign, changes=changed)


def _too_big(input: SaveCampaignInput) -> TooMany | Invalid | None:  # noqa: A002
    too_many = count_problem("stages", input.stages, MOST_STAGES)
    too_many = too_many or count_problem("dependencies", input.dependencies, MOST_DEPENDENCIES)
    if too_many:
        return too_many
    said = wrong_text(input.comment, MOST_REASON)
    return Invalid(message=said, field="comment") if said else None


async def _dry_run(info: Info, wanted: revisions.Wanted) -> CampaignPlanned | Refusal:
    """What a save would do, without a lock: nothing is written."""
    db, plan = info.context.db, wanted.plan
    row = None
    if not wrong_text(plan.name, 100):
        row = await campaigns.by_name(db, wanted.experiment_id, plan.name)
    if refusal := revisions.refusal(info, wanted, row):
        return refusal
    ids = await revisions.ids(db, wanted)
    if invalid := _invalid(plan, ids):
        return invalid
    there = await stages.all_of_campaign(db, row.id) if row else []
    own = await datasets.own(db, wanted.experiment_id, [stage.id for stage in there])
    changes = difference(plan, rows(plan, ids, there, own), there)
    return CampaignPlanned(revision=row.revision + 1 if row else 1, changes=changes)


async def _save(
    conn: Connection, info: Info, wanted: revisions.Wanted, changed: list[StageChange]
) -> str | Refusal:
    """Save under the campaign's row lock, so that saves come one after the other."""
    plan, experiment_id = wanted.plan, wanted.experiment_id
    ids = await revisions.ids(conn, wanted)
    row = None
    if not wrong_text(plan.name, 100):
        row = await campaigns.lock(conn, experiment_id, plan.name)
    if refusal := revisions.refusal(info, wanted, row) or _invalid(plan, ids):
        return refusal
    if row is None:
        owner = tenants.owner(info, experiment_id)
        row = await campaigns.create(conn, experiment_id, plan.name, owner)
        if row is None:  # somebody else has just made it
            return await _save(conn, info, wanted, changed)
    changed += await revisions.save_stages(conn, row, plan, ids)
    body = plan.description, plan.defaults, plan.body
    save = campaigns.Save(*body, info.context.viewer.person_id, wanted.comment)
    await campaigns.save(conn, row.id, save)
    return str(row.id)


def _invalid(plan: Plan, ids: Ids) -> InvalidCampaign | None:
    found = problems(plan, ids.known)
    if not found:
        return None
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidCampaign(
        message=f"The campaign was not saved, {found[0].path}: {found[0].message}{more}",
        findings=[Finding.of(finding) for finding in found[:MOST_FINDINGS]],
    )
