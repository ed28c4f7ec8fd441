"""From a campaign to the text of its file.

POMS's keys say what they can. What reads back differently is said once more, in sections of ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.campaign_file import keys, values
from domain.campaign_file.document import render
from domain.campaign_file.edges import OWN, PATTERN, UPSTREAM
from domain.campaign_file.reading import CampaignFile, read
from domain.plans import Edge, Plan, StagePlan

Sections = dict[str, dict[str, str]]


def write(said: CampaignFile, role: str = "production") -> str:
    """The text of a campaign file, from which the same campaign is read; nobody reads the role."""
    sections = _poms(said, role)
    back = read(render(sections)).said
    for header, told in (_own(said, back) if back else {}).items():
        sections[header] = {**told, **sections.get(header, {})}
    return render(sections)


def _poms(said: CampaignFile, role: str) -> Sections:
    """What POMS's own keys can say, with what is kept as it is."""
    plan = said.plan
    sections: Sections = {"campaign": _campaign(said, role), "campaign_defaults": _defaults(plan)}
    for stage in plan.stages:
        sections[f"campaign_stage {stage.name}"] = _stage(
            stage, plan, sections["campaign_defaults"]
        )
        sections[f"dependencies {stage.name}"] = _dependencies(plan, stage.name)
    for name in {edge.downstream: None for edge in plan.dependencies}:
        if f"dependencies {name}" not in sections:
            sections[f"dependencies {name}"] = _dependencies(plan, name)
    for found in said.login_setups:
        told = keys.written(keys.LOGIN_SETUP, found.setup)
        sections[f"login_setup {found.setup.name}"] = {keys.HOST: found.host, **told}
    for job_type in said.job_types:
        sections[f"job_type {job_type.name}"] = keys.written(keys.JOB_TYPE, job_type)
    made = {f"job_type {one.name}" for one in said.job_types}
    made |= {f"login_setup {one.setup.name}" for one in said.login_setups}
    for header, kept in plan.verbatim.items():
        if header not in made:
            sections[header] = {**sections.get(header, {}), **kept}
    return sections


def _campaign(said: CampaignFile, role: str) -> dict[str, str]:
    state = {None: {}, True: {"state": "Active"}, False: {"state": "Inactive"}}
    return {
        "experiment": said.experiment,
        "poms_role": role,
        "name": said.plan.name,
        **state[said.active],
        "campaign_stage_list": ",".join(stage.name for stage in said.plan.stages),
    }


def _defaults(plan: Plan) -> dict[str, str]:
    implied, value = keys.IMPLIED
    kept = plan.verbatim.get("campaign_defaults", {})
    mine = {
        keys.PARAMETERS.key: values.to_json(plan.parameters),
        keys.KEYWORDS.key: values.to_json({pair[0]: pair[1] for pair in plan.keywords}),
    }
    return {implied: value, **mine, **kept}


def _stage(stage: StagePlan, plan: Plan, defaults: Mapping[str, str]) -> dict[str, str]:
    """All that differs from the defaults."""
    told = keys.written(keys.STAGE, stage)
    told[keys.DATA] = _data(stage, fed=stage.name in plan.fed)
    return {key: text for key, text in told.items() if defaults.get(key) != text}


def _data(stage: StagePlan, *, fed: bool) -> str:
    name = stage.split.partition("(")[0].strip().lower()
    if name == "multiparam":
        return values.to_json(stage.parameter_lists)
    if name == "list":
        return ",".join(stage.parameter_lists[0]) if stage.parameter_lists else "None"
    return stage.dataset or (values.FROM_PARENT if fed else "None")


def _dependencies(plan: Plan, downstream: str) -> dict[str, str]:
    kept = plan.verbatim.get(f"dependencies {downstream}", {})
    lines = [
        (edge.upstream, pattern)
        for edge in plan.dependencies
        if edge.downstream == downstream
        for pattern in (edge.patterns or [""])
    ]
    free = (n for n in range(1, len(lines) + len(kept) + 1) if f"{UPSTREAM}{n}" not in kept)
    told = {}
    for n, (upstream, pattern) in zip(free, lines, strict=False):
        told[f"{UPSTREAM}{n}"] = upstream
        told[f"{PATTERN}{n}"] = values.write_edge_pattern(pattern)
    return told


def _own(said: CampaignFile, back: CampaignFile) -> Sections:
    """What POMS's keys don't say of it, in sections of ours."""
    plan = said.plan
    own: Sections = {"poms_campaign": _differs(plan, back.plan, keys.OWN_CAMPAIGN)}
    for stage, other in zip(plan.stages, back.plan.stages, strict=True):
        own[f"poms_stage {stage.name}"] = _differs(stage, other, keys.OWN_STAGE)
    for name in dict.fromkeys(edge.downstream for edge in plan.dependencies):
        wanted, found = _edges(plan.dependencies, name), _edges(back.plan.dependencies, name)
        own[f"poms_dependencies {name}"] = {} if wanted == found else {OWN: values.to_json(wanted)}
    types = {one.name: one for one in back.job_types}
    for job_type in said.job_types:
        told = _differs(job_type, types.get(job_type.name), keys.OWN_JOB_TYPE)
        own[f"poms_job_type {job_type.name}"] = told
    setups = {one.setup.name: one.setup for one in back.login_setups}
    for setup in (one.setup for one in said.login_setups):
        told = _differs(setup, setups.get(setup.name), keys.OWN_LOGIN_SETUP)
        own[f"poms_login_setup {setup.name}"] = told
    return own


def _differs(thing: Any, back: Any, table: Mapping[str, keys.Read]) -> dict[str, str]:
    """The fields that were not read as they are."""
    wanted = {field: values.plain(getattr(thing, field)) for field in table}
    return {
        field: values.to_json(value)
        for field, value in wanted.items()
        if back is None or value != values.plain(getattr(back, field))
    }


def _edges(edges: Sequence[Edge], downstream: str) -> list[dict[str, Any]]:
    """The dependencies of a stage, as JSON has them."""
    found = [values.plain(edge) for edge in edges if edge.downstream == downstream]
    return [{k: v for k, v in edge.items() if k != "downstream"} for edge in found]
