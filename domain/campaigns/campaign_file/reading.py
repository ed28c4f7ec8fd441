"""From the text of a campaign file to the campaign that it says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.campaigns.campaign_file import keys, values
from domain.campaigns.campaign_file.document import (
    FileDocument,
    FileFinding,
    FilePlace,
    FileSection,
    FindingLevel,
    parse_document,
)
from domain.campaigns.campaign_file.edges import read_edges
from domain.campaigns.campaign_file.notes import ReadingNotes
from domain.campaigns.campaign_file.older_words import upgrade_document
from domain.campaigns.campaigns import MOST_STAGES
from domain.campaigns.plans import CampaignPlan, PlanEdge, StagePlan
from domain.findings import make_camel_case
from domain.names import check_name, check_text
from domain.setup.job_types import JobKind, JobTypeDefinition, LoginSetupDefinition

MOST_FILE, MOST_LINES, MOST_SECTIONS = 500_000, 10_000, 2_000
NOT_OURS = frozenset({"node_positions"})
"""Sections that say nothing here, and are kept as they are."""


@dataclass(frozen=True, slots=True)
class FileSetup:
    """A login setup, with its launch host as the file calls it: by its address."""

    setup: LoginSetupDefinition
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFile:
    """All that a file says."""

    plan: CampaignPlan
    job_types: Sequence[JobTypeDefinition] = ()
    login_setups: Sequence[FileSetup] = ()
    active: bool | None = None
    """Whether it shall launch; None where the file doesn't say."""
    experiment: str = ""
    """Of whose it was written; nobody has to heed that."""


@dataclass(frozen=True, slots=True)
class FileReading:
    """What was read, and what is to be said about it."""

    campaign_file: CampaignFile | None
    """None where the file can't be taken at all."""
    findings: Sequence[FileFinding]
    places: Mapping[str, FilePlace]
    """Where things stand, by the paths of the domain's findings."""


def read_campaign_file(text: str) -> FileReading:
    """Read a campaign file; whatever POMS accepts is accepted, with findings."""
    said = check_text(text, MOST_FILE)
    if text.count("\n") > MOST_LINES:  # the parser's errors cost the square of their number
        said = f"A campaign file has at most {MOST_LINES} lines."
    if said:
        return FileReading(None, [FileFinding(FilePlace(1), said, FindingLevel.REFUSED)], {})
    document, wrong = parse_document(text)
    document, old = upgrade_document(document)
    wrong += [] if wrong else _check_required(document)
    if wrong:
        return FileReading(None, sorted([*wrong, *old], key=_sort_key), {})
    notes = ReadingNotes(findings=dict.fromkeys(old))
    said_by = _build_campaign_file(document, notes)
    return FileReading(said_by, sorted(notes.findings, key=_sort_key), notes.places)


def _sort_key(finding: FileFinding) -> int:
    return finding.place.line


def _check_required(document: FileDocument) -> list[FileFinding]:
    """What a file must have: a campaign with a name, and stages, as many as one can have."""
    if "campaign" not in document.sections:
        return [FileFinding(FilePlace(1), "There is no section [campaign].", FindingLevel.REFUSED)]
    campaign, stages = document.get("campaign"), document.of_kind("campaign_stage")
    name = campaign.entries.get("name")
    said = [
        (
            campaign.place("name"),
            check_name(name.value) if name else "A campaign has a name: name = …",
        )
    ]
    if not stages:
        no_stage = "There is no section [campaign_stage …]: a campaign has at least one stage."
        said.append((campaign.place(), no_stage))
    if len(document.sections) > MOST_SECTIONS:
        many = f"A file has at most {MOST_SECTIONS} sections, this has {len(document.sections)}."
        said.append((campaign.place(), many))
    if len(stages) > MOST_STAGES:
        many = f"A campaign has at most {MOST_STAGES} stages, this has {len(stages)}."
        said.append((stages[MOST_STAGES].place(), many))
    return [FileFinding(place, text, FindingLevel.REFUSED) for place, text in said if text]


def _build_campaign_file(document: FileDocument, notes: ReadingNotes) -> CampaignFile:
    job_types = list(_build_job_types(document, notes))
    login_setups = list(_build_login_setups(document, notes))
    active = _read_campaign_section(document, notes)
    dependencies = read_edges(document, notes)
    stages = [
        _build_stage(n, section, document, notes)
        for n, section in enumerate(document.of_kind("campaign_stage"))
    ]
    plan = _build_plan(document, notes, stages, dependencies)
    experiment = document.get("campaign").entries.get("experiment")
    notes.places["experiment"] = document.get("campaign").place("experiment")
    return CampaignFile(
        plan=plan,
        job_types=job_types,
        login_setups=login_setups,
        active=active,
        experiment=experiment.value if experiment else "",
    )


def _build_plan(
    document: FileDocument,
    notes: ReadingNotes,
    stages: Sequence[StagePlan],
    dependencies: Sequence[PlanEdge],
) -> CampaignPlan:
    own, defaults = document.get("poms_campaign"), document.get("campaign_defaults")
    spoken = defaults if keys.KEYWORDS.key in defaults.entries else document.get("campaign")
    said = notes.read_keys([keys.PARAMETERS], defaults, path="defaults.", passed=own.entries)
    said |= notes.read_keys([keys.KEYWORDS], spoken, path="defaults.", passed=own.entries)
    said |= notes.own(own, keys.OWN_CAMPAIGN)
    notes.places |= {f"defaults.{field}": own.place(field) for field in own.entries}
    notes.places["name"] = document.get("campaign").place("name")
    notes.places["stages"] = notes.places["dependencies"] = document.get("campaign").place()
    _report_leftover(document, notes)
    return CampaignPlan(
        name=document.get("campaign").entries["name"].value,
        stages=stages,
        dependencies=dependencies,
        verbatim=notes.verbatim,
        **said,
    )


def _read_campaign_section(document: FileDocument, notes: ReadingNotes) -> bool | None:
    """Whether it is active; the defaults are kept as they are, for those who add stages later."""
    section, defaults = document.get("campaign"), document.get("campaign_defaults")
    notes.unknown(section, {*keys.CAMPAIGN, keys.KEYWORDS.key})
    known = {key.key for key in keys.STAGE} | {keys.DATA}
    notes.unknown(defaults, {keys.PARAMETERS.key, keys.KEYWORDS.key}, known | keys.KEPT)
    implied, value = keys.IMPLIED
    if notes.verbatim.get(defaults.header, {}).get(implied) == value:
        del notes.verbatim[defaults.header][implied]
        notes.verbatim = {header: kept for header, kept in notes.verbatim.items() if kept}
    _check_stage_list(section, document, notes)
    state = section.entries.get("state")
    return None if state is None or not state.value else state.value.lower() == "active"


def _check_stage_list(section: FileSection, document: FileDocument, notes: ReadingNotes) -> None:
    """A list of stages that isn't that of the sections; POMS doesn't read it either."""
    entry = section.entries.get("campaign_stage_list")
    if entry is None:
        return
    names = {stage.name for stage in document.of_kind("campaign_stage")}
    split = entry.value.split(",") if "," in entry.value else entry.value.split()
    listed = {name.strip() for name in split if name.strip()}
    for name in sorted(listed - names):
        notes.say(
            section.place("campaign_stage_list"),
            f"The list has a stage {name[:100]!r} without a section.",
        )
    for name in sorted(names - listed):
        notes.say(
            section.place("campaign_stage_list"), f"The list leaves out the stage {name[:100]!r}."
        )


def _build_stage(
    n: int, section: FileSection, document: FileDocument, notes: ReadingNotes
) -> StagePlan:
    path, defaults = f"stages[{n}].", document.get("campaign_defaults")
    own = document.get(f"poms_stage {section.name}")
    notes.places[f"stages[{n}]"] = notes.places[f"{path}name"] = section.place()
    said = notes.read_keys(keys.STAGE, section, defaults, path, own.entries)
    said.setdefault("merge_overrides", False)
    notes.unknown(section, {key.key for key in keys.STAGE} | {keys.DATA}, keys.KEPT)
    told = notes.own(own, keys.OWN_STAGE, path)
    split = str(told.get("split", said.get("split", "none")))
    said |= _read_stage_data((section, own, defaults), notes, path, split) | told
    return StagePlan(name=section.name, **{**keys.UNSAID, **said})


def _read_stage_data(
    sections: tuple[FileSection, FileSection, FileSection],
    notes: ReadingNotes,
    path: str,
    split: str,
) -> dict[str, Any]:
    """What it works on: the split says whether that is a dataset or the values of parameters."""
    section, own, defaults = sections
    name = split.partition("(")[0].strip().lower()
    reads = {"multiparam": values.read_lists, "list": values.read_list}
    field = "parameter_lists" if name in reads else "dataset"
    key = keys.FileKey(keys.DATA, field, reads.get(name, values.read_dataset))
    found = notes.read_keys([key], section, defaults, path, own.entries)
    place = notes.places.get(f"{path}{make_camel_case(field)}", section.place(keys.DATA))
    for other in ("dataset", "parameterLists"):
        notes.places.setdefault(f"{path}{other}", place)
    return found


def _build_job_types(document: FileDocument, notes: ReadingNotes) -> Iterator[JobTypeDefinition]:
    for section in document.of_kind("job_type"):
        own = document.get(f"poms_job_type {section.name}")
        said = _read_definition(section, own, notes, keys.JOB_TYPE, keys.OWN_JOB_TYPE)
        if said.get("kind") is not JobKind.PAYLOAD:
            said = {**keys.LAUNCH_SCRIPT, **said}
        made = JobTypeDefinition(**{"name": section.name, "command": [], **said})
        if _is_sound(made, notes, section, own):
            yield made


def _build_login_setups(document: FileDocument, notes: ReadingNotes) -> Iterator[FileSetup]:
    for section in document.of_kind("login_setup"):
        own = document.get(f"poms_login_setup {section.name}")
        host = section.entries.get(keys.HOST)
        said = _read_definition(section, own, notes, keys.LOGIN_SETUP, keys.OWN_LOGIN_SETUP)
        made = LoginSetupDefinition(name=section.name, **said)
        if _is_sound(made, notes, section, own):
            yield FileSetup(made, host.value if host else "")


def _read_definition(
    section: FileSection,
    own: FileSection,
    notes: ReadingNotes,
    table: Sequence[keys.FileKey],
    own_table: Mapping[str, keys.Read],
) -> dict[str, Any]:
    """What a job type or a login setup says."""
    path = f"{section.header}."
    notes.places[section.header] = section.place()
    notes.places[f"{path}{keys.HOST}"] = section.place(keys.HOST)
    notes.unknown(section, {key.key for key in table} | {keys.HOST})
    said = notes.read_keys(table, section, path=path, passed=own.entries)
    return said | notes.own(own, own_table, path)


def _is_sound(
    made: JobTypeDefinition | LoginSetupDefinition,
    notes: ReadingNotes,
    section: FileSection,
    own: FileSection,
) -> bool:
    """One that can't be made is kept as it is written; what could not be read is said already."""
    headers = {section.header, own.header}
    if notes.drafts.isdisjoint(headers):
        for finding in made.findings():
            place = (
                locate_finding(notes.places, f"{section.header}.{finding.path}") or section.place()
            )
            notes.say(place, finding.message, FindingLevel.DRAFT)
    if notes.drafts.isdisjoint(headers):
        return True
    notes.keep_all(section)
    notes.keep_all(own)
    return False


def locate_finding(places: Mapping[str, FilePlace], path: str) -> FilePlace | None:
    """Where something stands of which the domain found something: `stages[2].split`."""
    while path and path not in places:
        cut = max(path.rfind("."), path.rfind("["))
        path = path[: max(cut, 0)]
    return places.get(path)


ALONE = frozenset({"campaign", "campaign_defaults", "poms_campaign"})
NAMED = frozenset(
    {"campaign_stage", "dependencies", "poms_dependencies", "job_type", "login_setup"}
)
BESIDE = {
    "poms_stage": "campaign_stage",
    "poms_job_type": "job_type",
    "poms_login_setup": "login_setup",
}
"""Sections of ours, and beside which of POMS's they stand."""


def _report_leftover(document: FileDocument, notes: ReadingNotes) -> None:
    """Sections that belong to nothing."""
    for section in document.sections.values():
        kind, name = section.kind, section.name
        known = section.header in ALONE or (kind in NAMED and bool(name))
        if known or f"{BESIDE.get(kind)} {name}" in document.sections:
            continue
        notes.keep_all(section)
        if section.header not in NOT_OURS:
            notes.say(section.place(), "No such section here: it is kept and means nothing.")
