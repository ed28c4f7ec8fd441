"""What campaign files are about, read together: a campaign with what it refers to, and what is there."""

from collections.abc import Iterable
from dataclasses import replace

from db import campaigns, datasets, experiments, job_types, launch_hosts, login_setups, stages
from db.campaigns import Campaign
from db.pool import Database
from domain.campaign_file import CampaignFile, FileSetup, There
from domain.campaigns import Known
from domain.names import wrong_text
from domain.plans import Plan


async def of_campaign(db: Database, row: Campaign) -> CampaignFile | None:
    """A campaign's newest revision with its job types and login setups, as its file says it."""
    newest = await campaigns.revision(db, row.id, row.revision)
    if newest is None:
        return None
    plan = await _as_it_is(db, row, Plan.of(newest.body))
    [experiment] = await experiments.by_ids(db, [row.experiment_id])
    types = _sound(stage.job_type for stage in plan.stages)
    setups = _sound(stage.login_setup for stage in plan.stages)
    return CampaignFile(
        plan=plan,
        job_types=[one.wanted for one in await job_types.by_names(db, experiment.id, types)],
        login_setups=await _setups(db, experiment.id, setups),
        active=None if row.draft else row.active,
        experiment=experiment.name,
    )


async def _as_it_is(db: Database, row: Campaign, plan: Plan) -> Plan:
    """The plan with what is set of its stages elsewhere; the stages of a draft are not those of its plan."""
    if row.draft:
        return plan
    ends = {stage.name: stage.until_exhausted for stage in await stages.of_campaigns(db, [row.id])}
    now = [replace(s, until_exhausted=ends.get(s.name, s.until_exhausted)) for s in plan.stages]
    return replace(plan, stages=now)


async def there(db: Database, experiment: experiments.Experiment, said: CampaignFile) -> There:
    """What is there of that to which a file refers."""
    plans, id = said.plan.stages, experiment.id
    types = _sound([*(s.job_type for s in plans), *(one.name for one in said.job_types)])
    setups = _sound([*(s.login_setup for s in plans), *(o.setup.name for o in said.login_setups)])
    hosts = await launch_hosts.called(db, id, _sound(one.host for one in said.login_setups))
    active = Known(
        await campaigns.ids_of(db, campaigns.JOB_TYPES, id, types),
        await campaigns.ids_of(db, campaigns.LOGIN_SETUPS, id, setups),
        await datasets.ids_of(db, id, _sound(s.dataset for s in plans if s.dataset is not None)),
        await campaigns.ids_of(db, campaigns.SCRIPTS, id, types),
    )
    return There(
        experiment=experiment.name,
        job_types={one.name: one.wanted for one in await job_types.by_names(db, id, types)},
        login_setups={one.setup.name: one for one in await _setups(db, id, setups)},
        active=active,
        hosts={name for host in hosts for name in (host.name, host.address) if name},
    )


async def host(db: Database, experiment_id: int, name: str) -> int:
    """The id of the launch host with this address or name, the address first."""
    found = await launch_hosts.called(db, experiment_id, [name])
    return min(found, key=lambda host: host.address != name).id


async def _setups(db: Database, experiment_id: int, names: list[str]) -> list[FileSetup]:
    rows = await login_setups.by_names(db, experiment_id, names)
    hosts = {h.id: h for h in await launch_hosts.by_ids(db, [row.launch_host_id for row in rows])}
    used = [(row.wanted, hosts[row.launch_host_id]) for row in rows]
    return [FileSetup(setup, host.address or host.name) for setup, host in used]


def _sound(names: Iterable[str]) -> list[str]:
    """Those that can be there at all."""
    return list({name for name in names if not wrong_text(name, 100)})
