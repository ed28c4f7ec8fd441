"""Putting a plan where the campaign is: what a save, an import and a copy have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.campaigns import campaigns, stages
from db.files import datasets
from db.pool import Connection, Database
from db.setup import batch_allowances, setup_uses
from domain.campaigns.plans import CampaignPlan
from domain.names import check_text
from domain.setup.batch_rules import BatchRules
from domain.setup.setup_uses import OwningParty
from resolvers import tenants
from resolvers.campaigns.differences import (
    PlanIds,
    build_rows,
    list_stage_changes,
    must_have_own_dataset,
)
from schema.campaigns.campaign_saving import StageChange, StageEffect, StaleRevision
from schema.context import Info
from schema.people.experiments import load_experiment
from schema.problems import NotPermitted


@dataclass(frozen=True, slots=True)
class RevisionRequest:
    """What is asked: the plan, in which experiment, and what it must find there."""

    experiment_id: int
    plan: CampaignPlan
    comment: str
    expected_revision: int | None


async def save_stages(
    conn: Connection, row: campaigns.Campaign, plan: CampaignPlan, ids: PlanIds
) -> list[StageChange]:
    """Make, change and deactivate the stages of a locked campaign; what that did to each."""
    there = await stages.list_all_by_campaign(conn, row.id)
    ids_of = {stage.name: stage.id for stage in there}
    fresh = [stage.name for stage in plan.stages if stage.name not in ids_of]
    ids_of.update(zip(fresh, await stages.reserve_ids(conn, len(fresh)), strict=True))
    fed = [ids_of[stage.name] for stage in plan.stages if must_have_own_dataset(stage, plan)]
    owner = row.owner_id, row.owning_role
    own = await datasets.ensure_own(conn, row.experiment_id, fed, owner)
    wanted = build_rows(plan, ids, there, own, ids_of)
    changes = list_stage_changes(plan, wanted, there)
    alike = {change.stage for change in changes if change.change is StageEffect.UNCHANGED}
    again = [ids_of[change.stage] for change in changes if change.starts_again]
    tests = [ids_of[change.stage] for change in changes if change.tests_start_again]
    changing = [stage for stage in wanted if stage["name"] not in alike]
    await stages.save_stages(conn, (row.experiment_id, row.id), changing, again, tests)
    await stages.deactivate_others(conn, row.id, [stage["id"] for stage in wanted])
    edges = [
        {
            "upstream_id": ids_of[edge.upstream],
            "downstream_id": ids_of[edge.downstream],
            "patterns": list(edge.patterns),
            "trigger": plan.trigger(edge),
        }
        for edge in plan.whole_dependencies
    ]
    await stages.save_dependencies(conn, row.id, edges)
    return changes


def find_save_refusal(
    info: Info, wanted: RevisionRequest, row: campaigns.Campaign | None
) -> NotPermitted | StaleRevision | None:
    """Why this viewer can't put a plan there, if so."""
    if row is None and not tenants.may_create(info, wanted.experiment_id):
        return tenants.report_not_permitted("create", "campaigns in this experiment")
    if row is not None and not info.context.allows(
        "modify", row.experiment_id, row.owner_id, row.owning_role
    ):
        return tenants.report_not_permitted("modify", f"campaign {row.name}")
    current = row.revision if row else 0
    if wanted.expected_revision not in (None, current):
        return StaleRevision(
            message=f"The newest revision is {current}, not {wanted.expected_revision}: read it again.",
            current=current,
        )
    return None


async def find_campaign_party(
    db: Database, info: Info, experiment_id: int, row: campaigns.Campaign | None
) -> OwningParty:
    """Who owns a campaign, or will own a new one: on whose behalf it uses login setups."""
    if row is None:
        return tenants.build_party(info, experiment_id)
    return await setup_uses.find_party(db, row.owner_id, row.owning_role)


async def load_batch_rules(db: Database, info: Info, experiment_id: int) -> BatchRules:
    """What the stages of an experiment may ask of batch systems."""
    allowances = await batch_allowances.find_by_system(db, experiment_id)
    systems = await batch_allowances.list_systems(db)
    return BatchRules(info.context.app_state.batch_policy, allowances, systems)


async def resolve_references(
    db: Database, info: Info, wanted: RevisionRequest, by: OwningParty
) -> PlanIds:
    """Look up what the plan of this party refers to; names that can't be stored are not there."""
    given, id_ = wanted.plan.stages, wanted.experiment_id

    def sound(names: Sequence[str | None]) -> list[str]:
        return list({name for name in names if name is not None and not check_text(name, 100)})

    types = sound([stage.job_type for stage in given])
    setups = sound([stage.login_setup for stage in given])
    found = await setup_uses.find_by_names(db, id_, setups, by)
    experiment = await load_experiment(info, id_)
    called = wanted.plan.name_datasets(experiment.name)
    there = await datasets.find_ids(db, id_, sound([*called.values()]))
    return PlanIds(
        await campaigns.find_active_ids(db, campaigns.JOB_TYPES, id_, types),
        found.ids,
        {said: there[name] for said, name in called.items() if name in there},
        await campaigns.find_active_ids(db, campaigns.SCRIPTS, id_, types),
        found.refused,
        await load_batch_rules(db, info, id_),
    )
