"""Putting a plan where the campaign is: what a save, an import and a copy have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from db import campaigns, datasets, stages
from db.pool import Connection, Database
from domain.names import wrong_text
from domain.plans import Plan
from resolvers import tenants
from resolvers.differences import Ids, difference, needs_own, rows
from schema.context import Info
from schema.problems import NotPermitted
from schema.saving import StageChange, StageEffect, StaleRevision


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: the plan, in which experiment, and what it must find there."""

    experiment_id: int
    plan: Plan
    comment: str
    expected_revision: int | None


async def save_stages(
    conn: Connection, row: campaigns.Campaign, plan: Plan, ids: Ids
) -> list[StageChange]:
    """Make, change and deactivate the stages of a locked campaign; what that did to each."""
    there = await stages.all_of_campaign(conn, row.id)
    ids_of = {stage.name: stage.id for stage in there}
    fresh = [stage.name for stage in plan.stages if stage.name not in ids_of]
    ids_of.update(zip(fresh, await stages.next_ids(conn, len(fresh)), strict=True))
    fed = [ids_of[stage.name] for stage in plan.stages if needs_own(stage, plan)]
    owner = row.owner_id, row.owning_role
    own = await datasets.ensure_own(conn, row.experiment_id, fed, owner)
    wanted = rows(plan, ids, there, own, ids_of)
    changes = difference(plan, wanted, there)
    alike = {change.stage for change in changes if change.change is StageEffect.UNCHANGED}
    again = [ids_of[change.stage] for change in changes if change.starts_again]
    tests = [ids_of[change.stage] for change in changes if change.tests_start_again]
    changing = [stage for stage in wanted if stage["name"] not in alike]
    await stages.save(conn, (row.experiment_id, row.id), changing, again, tests)
    await stages.deactivate_others(conn, row.id, [stage["id"] for stage in wanted])
    edges = [
        {
            "upstream_id": ids_of[edge.upstream],
            "downstream_id": ids_of[edge.downstream],
            "patterns": list(edge.patterns),
            "trigger": plan.trigger(edge),
        }
        for edge in plan.dependencies
    ]
    await stages.save_dependencies(conn, row.id, edges)
    return changes


def refusal(
    info: Info, wanted: Wanted, row: campaigns.Campaign | None
) -> NotPermitted | StaleRevision | None:
    """Why this viewer can't put a plan there, if so."""
    if row is None and not tenants.may_create(info, wanted.experiment_id):
        return tenants.refused("create", "campaigns in this experiment")
    if row is not None and not info.context.allows(
        "modify", row.experiment_id, row.owner_id, row.owning_role
    ):
        return tenants.refused("modify", f"campaign {row.name}")
    current = row.revision if row else 0
    if wanted.expected_revision not in (None, current):
        return StaleRevision(
            message=f"The newest revision is {current}, not {wanted.expected_revision}: read it again.",
            current=current,
        )
    return None


async def ids(db: Database, wanted: Wanted) -> Ids:
    """Look up what the plan refers to; names that can't be stored are not there."""
    given, id_ = wanted.plan.stages, wanted.experiment_id

    def sound(names: Sequence[str | None]) -> list[str]:
        return list({name for name in names if name is not None and not wrong_text(name, 100)})

    types = sound([stage.job_type for stage in given])
    setups = sound([stage.login_setup for stage in given])
    return Ids(
        await campaigns.ids_of(db, campaigns.JOB_TYPES, id_, types),
        await campaigns.ids_of(db, campaigns.LOGIN_SETUPS, id_, setups),
        await datasets.ids_of(db, id_, sound([stage.dataset for stage in given])),
        await campaigns.ids_of(db, campaigns.SCRIPTS, id_, types),
    )
