"""What campaign files are about, read together: a campaign with what it refers to, and what is there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from db.campaigns import campaigns, stages
from db.campaigns.campaigns import Campaign
from db.files import datasets
from db.people import experiments
from db.pool import Database
from db.setup import batch_allowances, job_types, launch_hosts, login_setups, setup_uses
from domain.campaigns.campaign_file.checking import HERE, ExistingThings, find_host_name
from domain.campaigns.campaign_file.reading import CampaignFile, FileSetup
from domain.campaigns.campaigns import KnownNames
from domain.campaigns.plans import CampaignPlan
from domain.names import check_text
from domain.setup.batch_rules import BatchPolicy, BatchRules
from domain.setup.setup_uses import OwningParty, UsedHost


async def find_campaign_file(db: Database, row: Campaign) -> CampaignFile | None:
    """A campaign's newest revision with its job types and login setups, as its file says it."""
    newest = await campaigns.find_revision(db, row.id, row.revision)
    if newest is None:
        return None
    plan = await _apply_stage_settings(db, row, CampaignPlan.of(newest.body))
    [experiment] = await experiments.find_by_ids(db, [row.experiment_id])
    types = _select_storable(stage.job_type for stage in plan.stages)
    setups = _select_storable(stage.login_setup for stage in plan.stages)
    return CampaignFile(
        plan=plan,
        job_types=[
            one.definition for one in await job_types.find_by_names(db, experiment.id, types)
        ],
        login_setups=await _list_setups(db, experiment.id, setups),
        active=None if row.draft else row.active,
        experiment=experiment.name,
    )


async def _apply_stage_settings(db: Database, row: Campaign, plan: CampaignPlan) -> CampaignPlan:
    """The plan with what is set of its stages elsewhere; the stages of a draft are not those of its plan."""
    if row.draft:
        return plan
    ends = {
        stage.name: stage.until_exhausted for stage in await stages.list_by_campaigns(db, [row.id])
    }
    now = [replace(s, until_exhausted=ends.get(s.name, s.until_exhausted)) for s in plan.stages]
    return replace(plan, stages=now)


async def find_referenced(
    db: Database,
    experiment: experiments.Experiment,
    said: CampaignFile,
    by: OwningParty,
    policy: BatchPolicy,
) -> ExistingThings:
    """What is there of that to which a file refers that is this party's."""
    plans, id = said.plan.stages, experiment.id
    types = _select_storable([*(s.job_type for s in plans), *(one.name for one in said.job_types)])
    setups = _select_storable(
        [*(s.login_setup for s in plans), *(o.setup.name for o in said.login_setups)]
    )
    keywords = said.plan.defaults["keywords"]
    named = _select_storable(
        find_host_name(one, experiment.name, keywords) for one in said.login_setups
    )
    hosts = await _find_hosts(db, id, named)
    found = await setup_uses.find_by_names(db, id, setups, by)
    active = KnownNames(
        await campaigns.find_active_ids(db, campaigns.JOB_TYPES, id, types),
        found.ids,
        await _find_datasets(db, experiment, said.plan),
        await campaigns.find_active_ids(db, campaigns.SCRIPTS, id, types),
        found.refused,
        BatchRules(
            policy,
            await batch_allowances.find_by_system(db, id),
            await batch_allowances.list_systems(db),
        ),
    )
    return ExistingThings(
        experiment=experiment.name,
        job_types={
            one.name: one.definition for one in await job_types.find_by_names(db, id, types)
        },
        login_setups={one.setup.name: one for one in await _list_setups(db, id, setups)},
        active=active,
        hosts=await _find_used_hosts(db, hosts),
        by=by,
        keywords=keywords,
    )


async def _find_datasets(
    db: Database, experiment: experiments.Experiment, plan: CampaignPlan
) -> dict[str, int]:
    """Those that are there, by what the file says."""
    called = plan.name_datasets(experiment.name)
    found = await datasets.find_ids(db, experiment.id, _select_storable(called.values()))
    return {said: found[name] for said, name in called.items() if name in found}


async def _find_hosts(
    db: Database, experiment_id: int, names: Sequence[str]
) -> dict[str, launch_hosts.LaunchHost]:
    """Launch hosts by name and, before that, by address; HERE is the only local one."""
    found = await launch_hosts.find_by_names(db, experiment_id, names)
    hosts = {host.name: host for host in reversed(found)}
    hosts |= {host.address: host for host in reversed(found) if host.address}
    if HERE in names and HERE not in hosts:
        local = await launch_hosts.list_local(db, experiment_id)
        hosts |= {HERE: local[0]} if len(local) == 1 else {}
    return hosts


async def _find_used_hosts(
    db: Database, hosts: Mapping[str, launch_hosts.LaunchHost]
) -> dict[str, UsedHost]:
    used = {name: await setup_uses.find_host(db, host.id) for name, host in hosts.items()}
    return {name: found for name, found in used.items() if found}


async def find_host_id(db: Database, experiment_id: int, name: str) -> int:
    """The id of the launch host that a file calls so."""
    return (await _find_hosts(db, experiment_id, [name]))[name].id


async def _list_setups(db: Database, experiment_id: int, names: list[str]) -> list[FileSetup]:
    rows = await login_setups.find_by_names(db, experiment_id, names)
    hosts = {
        h.id: h for h in await launch_hosts.find_by_ids(db, [row.launch_host_id for row in rows])
    }
    used = [(row.definition, hosts[row.launch_host_id]) for row in rows]
    return [FileSetup(setup, host.address or host.name) for setup, host in used]


def _select_storable(names: Iterable[str]) -> list[str]:
    """Those that can be there at all."""
    return list({name for name in names if not check_text(name, 100)})
