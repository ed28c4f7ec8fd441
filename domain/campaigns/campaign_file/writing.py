"""From a campaign to the text of its file.

POMS's keys say what they can. What reads back differently is said once more, in sections of ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.campaigns.campaign_file import keys, values
from domain.campaigns.campaign_file.document import render_sections
from domain.campaigns.campaign_file.edges import OWN, PATTERN, UPSTREAM
from domain.campaigns.campaign_file.reading import CampaignFile, read_campaign_file
from domain.campaigns.campaign_file.values import normalise_value, read_readable_part
from domain.campaigns.plans import CampaignPlan, PlanEdge, StagePlan
from domain.setup.job_types import JobTypeDefinition, LoginSetupDefinition

Sections = dict[str, dict[str, str]]


def write_campaign_file(said: CampaignFile, role: str = "production") -> str:
    """The text of a campaign file, from which the same campaign is read; nobody reads the role."""
    sections = _write_own_sections(said, role)
    back = read_campaign_file(render_sections(sections)).campaign_file
    for header, told in (_write_remainder(said, back) if back else {}).items():
        sections[header] = {**told, **sections.get(header, {})}
    return render_sections(sections)


def _write_own_sections(said: CampaignFile, role: str) -> Sections:
    """What POMS's own keys can say, with what is kept as it is."""
    plan = said.plan
    sections: Sections = {
        "campaign": _write_campaign_section(said, role),
        "campaign_defaults": _write_defaults(plan),
    }
    for stage in plan.stages:
        sections[f"campaign_stage {stage.name}"] = _write_stage(
            stage, plan, sections["campaign_defaults"]
        )
        sections[f"dependencies {stage.name}"] = _write_dependencies(plan, stage.name)
    for name in {edge.downstream: None for edge in plan.dependencies}:
        if f"dependencies {name}" not in sections:
            sections[f"dependencies {name}"] = _write_dependencies(plan, name)
    for found in said.login_setups:
        header = f"login_setup {found.setup.name}"
        told = _write_definition(plan, header, keys.LOGIN_SETUP, found.setup)
        sections[header] = {keys.HOST: found.host, **told}
    for job_type in said.job_types:
        header = f"job_type {job_type.name}"
        sections[header] = _write_definition(plan, header, keys.JOB_TYPE, job_type)
    made = {f"job_type {one.name}" for one in said.job_types}
    made |= {f"login_setup {one.setup.name}" for one in said.login_setups}
    for header, kept in plan.verbatim.items():
        if header not in made:
            sections[header] = {**sections.get(header, {}), **kept}
    return sections


def _write_definition(
    plan: CampaignPlan,
    header: str,
    table: Sequence[keys.FileKey],
    one: JobTypeDefinition | LoginSetupDefinition,
) -> dict[str, str]:
    """What POMS's keys say; of which only a part could be read goes back as it was, unless it was changed since."""
    told = keys.write_keys(table, one)
    kept = plan.verbatim.get(header, {})
    for key in table:
        if key.key in kept and normalise_value(
            read_readable_part(key.read, kept[key.key])
        ) == normalise_value(getattr(one, key.field)):
            told[key.key] = kept[key.key]
    return told


def _write_campaign_section(said: CampaignFile, role: str) -> dict[str, str]:
    state = {None: {}, True: {"state": "Active"}, False: {"state": "Inactive"}}
    return {
        "experiment": said.experiment,
        "poms_role": role,
        "name": said.plan.name,
        **state[said.active],
        "campaign_stage_list": ",".join(stage.name for stage in said.plan.stages),
    }


def _write_defaults(plan: CampaignPlan) -> dict[str, str]:
    implied, value = keys.IMPLIED
    kept = plan.verbatim.get("campaign_defaults", {})
    mine = {
        keys.PARAMETERS.key: values.write_json(plan.parameters),
        keys.KEYWORDS.key: values.write_json({pair[0]: pair[1] for pair in plan.keywords}),
    }
    return {implied: value, **mine, **kept}


def _write_stage(
    stage: StagePlan, plan: CampaignPlan, defaults: Mapping[str, str]
) -> dict[str, str]:
    """All that differs from the defaults."""
    told = keys.write_keys(keys.STAGE, stage)
    told[keys.DATA] = _write_dataset(stage, fed=stage.name in plan.fed)
    return {key: text for key, text in told.items() if defaults.get(key) != text}


def _write_dataset(stage: StagePlan, *, fed: bool) -> str:
    name = stage.split.partition("(")[0].strip().lower()
    if name == "multiparam":
        return values.write_json(stage.parameter_lists)
    if name == "list":
        return ",".join(stage.parameter_lists[0]) if stage.parameter_lists else "None"
    return stage.dataset or (values.FROM_PARENT if fed else "None")


def _write_dependencies(plan: CampaignPlan, downstream: str) -> dict[str, str]:
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


def _write_remainder(said: CampaignFile, back: CampaignFile) -> Sections:
    """What POMS's keys don't say of it, in sections of ours."""
    plan = said.plan
    own: Sections = {"poms_campaign": _list_differences(plan, back.plan, keys.OWN_CAMPAIGN)}
    for stage, other in zip(plan.stages, back.plan.stages, strict=True):
        own[f"poms_stage {stage.name}"] = _list_differences(stage, other, keys.OWN_STAGE)
    for name in dict.fromkeys(edge.downstream for edge in plan.dependencies):
        wanted, found = (
            _write_edges(plan.dependencies, name),
            _write_edges(back.plan.dependencies, name),
        )
        own[f"poms_dependencies {name}"] = (
            {} if wanted == found else {OWN: values.write_json(wanted)}
        )
    types = {one.name: one for one in back.job_types}
    for job_type in said.job_types:
        told = _list_differences(job_type, types.get(job_type.name), keys.OWN_JOB_TYPE)
        own[f"poms_job_type {job_type.name}"] = told
    setups = {one.setup.name: one.setup for one in back.login_setups}
    for setup in (one.setup for one in said.login_setups):
        told = _list_differences(setup, setups.get(setup.name), keys.OWN_LOGIN_SETUP)
        own[f"poms_login_setup {setup.name}"] = told
    return own


def _list_differences(thing: Any, back: Any, table: Mapping[str, keys.Read]) -> dict[str, str]:
    """The fields that were not read as they are."""
    wanted = {field: values.normalise_value(getattr(thing, field)) for field in table}
    return {
        field: values.write_json(value)
        for field, value in wanted.items()
        if back is None or value != values.normalise_value(getattr(back, field))
    }


def _write_edges(edges: Sequence[PlanEdge], downstream: str) -> list[dict[str, Any]]:
    """The dependencies of a stage, as JSON has them."""
    found = [values.normalise_value(edge) for edge in edges if edge.downstream == downstream]
    return [{k: v for k, v in edge.items() if k != "downstream"} for edge in found]
