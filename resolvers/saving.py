"""StageEffect a campaign: all of it, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from db import campaigns, datasets, stages
from db.pool import Connection, Database
from domain.campaigns import MOST_DEPENDENCIES, MOST_STAGES, problems
from domain.names import MOST_REASON, wrong_text
from domain.plans import Plan
from door.describe import thing
from resolvers import tenants
from resolvers.differences import Ids, difference, needs_own, rows
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
    StageEffect,
    StaleRevision,
    count_problem,
)

MOST_FINDINGS = 200
Refusal = NotPermitted | InvalidCampaign | StaleRevision


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: the plan, in which experiment, and what it must find there."""

    experiment_id: int
    plan: Plan
    comment: str
    expected_revision: int | None


@thing
class SavingMutations:
    """StageEffect campaigns."""

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
        wanted = Wanted(experiment.id, input.plan, input.comment, input.expected_revision)
        if input.dry_run:
            return await _dry_run(info, wanted)
        changed: list[StageChange] = []

        async def save(conn: Connection) -> str | Refusal:
            return await _save(conn, info, wanted, changed)

        done = await once(info, Ask("saveCampaign", input.idempotency_key, input), save)
        if not isinstance(done, Done):
            return cast(Refusal | IdempotencyKeyReused, done)
        campaign = await shown(info, int(done.result))
        assert campaign is not None  # noqa: S101 - campaigns stay
        return CampaignSaved(campaign=campaign, changes=changed)


def _too_big(input: SaveCampaignInput) -> TooMany | Invalid | None:  # noqa: A002
    too_many = count_problem("stages", input.stages, MOST_STAGES)
    too_many = too_many or count_problem("dependencies", input.dependencies, MOST_DEPENDENCIES)
    if too_many:
        return too_many
    said = wrong_text(input.comment, MOST_REASON)
    return Invalid(message=said, field="comment") if said else None


async def _dry_run(info: Info, wanted: Wanted) -> CampaignPlanned | Refusal:
    """What a save would do, without a lock: nothing is written."""
    db, plan = info.context.db, wanted.plan
    row = None
    if not wrong_text(plan.name, 100):
        row = await campaigns.by_name(db, wanted.experiment_id, plan.name)
    if refusal := _refusal(info, wanted, row):
        return refusal
    ids = await _ids(db, wanted)
    if invalid := _invalid(plan, ids):
        return invalid
    there = await stages.all_of_campaign(db, row.id) if row else []
    own = await datasets.own(db, wanted.experiment_id, [stage.id for stage in there])
    changes = difference(plan, rows(plan, ids, there, own), there)
    return CampaignPlanned(revision=row.revision + 1 if row else 1, changes=changes)


async def _save(
    conn: Connection, info: Info, wanted: Wanted, changed: list[StageChange]
) -> str | Refusal:
    """Save under the campaign's row lock, so that saves come one after the other."""
    plan, experiment_id = wanted.plan, wanted.experiment_id
    ids = await _ids(conn, wanted)
    row = None
    if not wrong_text(plan.name, 100):
        row = await campaigns.lock(conn, experiment_id, plan.name)
    if refusal := _refusal(info, wanted, row) or _invalid(plan, ids):
        return refusal
    if row is None:
        owner = tenants.owner(info, experiment_id)
        row = await campaigns.create(conn, experiment_id, plan.name, owner)
        if row is None:  # somebody else has just made it
            return await _save(conn, info, wanted, changed)
    changed += await _save_stages(conn, row, plan, ids)
    body = plan.description, plan.defaults, plan.body
    save = campaigns.Save(*body, info.context.viewer.person_id, wanted.comment)
    await campaigns.save(conn, row.id, save)
    return str(row.id)


async def _save_stages(
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
        }
        for edge in plan.dependencies
    ]
    await stages.save_dependencies(conn, row.id, edges)
    return changes


def _refusal(
    info: Info, wanted: Wanted, row: campaigns.Campaign | None
) -> NotPermitted | StaleRevision | None:
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


async def _ids(db: Database, wanted: Wanted) -> Ids:
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
    )


def _invalid(plan: Plan, ids: Ids) -> InvalidCampaign | None:
    found = problems(plan, ids.known)
    if not found:
        return None
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidCampaign(
        message=f"The campaign was not saved, {found[0].path}: {found[0].message}{more}",
        findings=[Finding.of(finding) for finding in found[:MOST_FINDINGS]],
    )
