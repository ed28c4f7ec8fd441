"""What is to be said about a file where it is imported: against what is there."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from domain.campaigns.campaign_file import keys
from domain.campaigns.campaign_file.document import FileFinding, FilePlace, FindingLevel
from domain.campaigns.campaign_file.reading import (
    CampaignFile,
    FileReading,
    FileSetup,
    locate_finding,
)
from domain.campaigns.campaign_file.values import normalise_value, write_json
from domain.campaigns.campaigns import (
    MOST_DEPENDENCIES,
    KnownNames,
    check_campaign,
    check_stages_exist,
    describe_loop,
)
from domain.findings import Finding, make_camel_case
from domain.permissions import Role
from domain.setup.job_types import JobKind, JobTypeDefinition
from domain.setup.launch_hosts import fill_experiment
from domain.setup.setup_uses import OwningParty, UsedHost, explain_account_refusal

MOST_SHOWN = 200
MADE = ("job_type", "login_setup")
"""Kinds of sections of things that are made if they aren't there, and never changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingThings:
    """What there is of that to which the file refers."""

    experiment: str
    job_types: Mapping[str, JobTypeDefinition] = field(default_factory=dict)
    login_setups: Mapping[str, FileSetup] = field(default_factory=dict)
    active: KnownNames = field(default_factory=KnownNames)
    hosts: Mapping[str, UsedHost] = field(default_factory=dict)
    """Launch hosts by address and by name."""
    by: OwningParty = field(default_factory=lambda: OwningParty(0, Role.PRODUCTION))
    """Who owns what is made."""
    keywords: Mapping[str, str] = field(default_factory=dict)
    """The campaign's own."""

    def host_of(self, one: FileSetup) -> str:
        """The name or address of its launch host in this experiment."""
        return find_host_name(one, self.experiment, self.keywords)

    def why_not_made(self, one: FileSetup) -> str | None:
        """Why a login setup that isn't there can't be made, or nothing."""
        host = self.hosts.get(self.host_of(one))
        if host is None and self.host_of(one) == HERE:
            return "The experiment has no local launch host, or several: a service admin makes one; or name another."
        if host is None:
            name = self.host_of(one)[:100]
            return f"The experiment has no launch host {name!r}: its superuser makes it."
        return explain_account_refusal(host, one.setup.account, self.by)


HERE = "`hostname`"
"""How files name the host on which POMS itself runs, since its shell reads that."""
ALSO_HERE = frozenset({"$(hostname)", "$HOSTNAME", "${HOSTNAME}", "localhost"})


def find_host_name(one: FileSetup, experiment: str, keywords: Mapping[str, str]) -> str:
    """The name or address of a login setup's launch host, or HERE."""
    name = fill_experiment(one.host, experiment, keywords)
    return HERE if name in ALSO_HERE else name


def select_new(
    said: CampaignFile, there: ExistingThings
) -> tuple[list[JobTypeDefinition], list[FileSetup]]:
    """The job types and login setups that an import makes: those that aren't there."""
    return (
        [one for one in said.job_types if one.name not in there.job_types],
        [
            one
            for one in said.login_setups
            if one.setup.name not in there.login_setups and there.why_not_made(one) is None
        ],
    )


def check_file(reading: FileReading, there: ExistingThings) -> list[FileFinding]:
    """All findings, in the order of the file."""
    found = list(reading.findings)
    if reading.campaign_file is not None:
        found += _check_whole(reading.campaign_file, reading, there)
        if any(one.level is FindingLevel.REFUSED for one in found):
            return found
        found += _check_existing(reading.campaign_file, reading, there)
        found += _check_launchable(reading.campaign_file, reading, there)
        found = list(_downgrade_finding(found, reading.campaign_file, there))
    return sorted(dict.fromkeys(found), key=lambda finding: finding.place.line)


def _downgrade_finding(
    found: Iterable[FileFinding], said: CampaignFile, there: ExistingThings
) -> Iterator[FileFinding]:
    """A job type that is there, or that no stage needs, keeps nothing from being launched."""
    needed = {f"job_type {one.job_type}" for one in said.plan.stages}
    needed |= {f"login_setup {one.login_setup}" for one in said.plan.stages}
    needed -= {f"job_type {name}" for name in there.job_types}
    needed -= {f"login_setup {name}" for name in there.login_setups}
    for finding in found:
        section = finding.place.section.removeprefix("poms_")
        spared = section.partition(" ")[0] in MADE and section not in needed
        milder = spared and finding.level is FindingLevel.DRAFT
        yield replace(finding, level=FindingLevel.WARNING) if milder else finding


def _check_whole(
    said: CampaignFile, reading: FileReading, there: ExistingThings
) -> Iterator[FileFinding]:
    if (given := len(said.plan.dependencies)) > MOST_DEPENDENCIES:
        message = f"A campaign has at most {MOST_DEPENDENCIES} dependencies, this has {given}."
        place = reading.places[f"dependencies[{MOST_DEPENDENCIES}]"]
        yield FileFinding(place, message, FindingLevel.REFUSED)
    if said.experiment not in ("", there.experiment):
        message = f"The file is of {said.experiment[:100]}: it is imported into {there.experiment}."
        yield FileFinding(reading.places["experiment"], message, FindingLevel.WARNING)


def _check_existing(
    said: CampaignFile, reading: FileReading, there: ExistingThings
) -> Iterator[FileFinding]:
    """What is there already is never changed; a launch host that isn't there can't be used."""
    for one in said.job_types:
        other = there.job_types.get(one.name)
        if other is not None:
            differing = _compare_fields(
                keys.OWN_JOB_TYPE, normalise_value(one), normalise_value(other)
            )
            yield from _explain_differences(reading, f"job_type {one.name}", differing)
    for found in said.login_setups:
        header = f"login_setup {found.setup.name}"
        setup = there.login_setups.get(found.setup.name)
        if setup is not None:
            differing = _compare_fields(
                keys.OWN_LOGIN_SETUP, normalise_value(found.setup), normalise_value(setup.setup)
            )
            if there.host_of(found) != setup.host:
                differing[keys.HOST] = setup.host
            yield from _explain_differences(reading, header, differing)
        if setup is None and (why := there.why_not_made(found)):
            yield FileFinding(reading.places[f"{header}.host"], why, FindingLevel.DRAFT)


def _compare_fields(
    fields: Collection[str], given: Mapping[str, Any], there: Mapping[str, Any]
) -> dict[str, Any]:
    """What is otherwise there, of the fields that a file can say."""
    return {name: there[name] for name in fields if given[name] != there[name]}


def _explain_differences(
    reading: FileReading, header: str, differing: Mapping[str, Any]
) -> Iterator[FileFinding]:
    for name, value in differing.items():
        place = (
            locate_finding(reading.places, f"{header}.{make_camel_case(name)}")
            or reading.places[header]
        )
        text = write_json(value)
        shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
        message = f"It is there already with {name} = {shown}, and stays so."
        yield FileFinding(place, message, FindingLevel.WARNING)


def _check_launchable(
    said: CampaignFile, reading: FileReading, there: ExistingThings
) -> Iterator[FileFinding]:
    """What keeps the campaign from being launched."""
    job_types, login_setups = select_new(said, there)
    known = KnownNames(
        {*there.active.job_types, *(one.name for one in job_types)},
        {*there.active.login_setups, *(one.setup.name for one in login_setups)},
        there.active.datasets,
        {*there.active.scripts, *(one.name for one in job_types if one.kind is JobKind.SCRIPT)},
        there.active.refused_setups,
        there.active.batch_rules,
    )
    for finding in check_campaign(said.plan, known):
        yield _place_finding(finding, reading, FindingLevel.DRAFT)
    for finding in check_stages_exist(said.plan):
        message = f"{finding.message} The dependency launches nothing until it has: add it, or take this out."
        yield _place_finding(replace(finding, message=message), reading, FindingLevel.WARNING)
    for finding in describe_loop(said.plan):
        yield _place_finding(finding, reading, FindingLevel.WARNING)


def _place_finding(finding: Finding, reading: FileReading, level: FindingLevel) -> FileFinding:
    place = locate_finding(reading.places, finding.path) or FilePlace(1)
    return FileFinding(place, finding.message, level)
