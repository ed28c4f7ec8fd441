"""What is to be said about a file where it is imported: against what is there."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from domain.campaign_file.document import FileFinding, FindingLevel, Place
from domain.campaign_file.reading import CampaignFile, FileSetup, Reading, locate
from domain.campaign_file.values import plain
from domain.campaigns import MOST_DEPENDENCIES, Known, problems
from domain.job_types import JobKind, JobType

MADE = ("job_type", "login_setup")
"""Kinds of sections of things that are made if they aren't there, and never changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """What there is of that to which the file refers."""

    experiment: str
    job_types: Mapping[str, JobType] = field(default_factory=dict)
    login_setups: Mapping[str, FileSetup] = field(default_factory=dict)
    active: Known = field(default_factory=Known)
    hosts: Collection[str] = ()
    """Addresses and names of launch hosts."""


def made(said: CampaignFile, there: There) -> tuple[list[JobType], list[FileSetup]]:
    """The job types and login setups that an import makes: those that aren't there."""
    return (
        [one for one in said.job_types if one.name not in there.job_types],
        [
            one
            for one in said.login_setups
            if one.setup.name not in there.login_setups and one.host in there.hosts
        ],
    )


def check(reading: Reading, there: There) -> list[FileFinding]:
    """All findings, in the order of the file."""
    found = list(reading.findings)
    if reading.said is not None:
        found += _of_the_whole(reading.said, reading, there)
        if any(one.level is FindingLevel.REFUSED for one in found):
            return found
        found += _already(reading.said, reading, there)
        found += _problems(reading.said, reading, there)
        found = list(_milder(found, reading.said, there))
    return sorted(dict.fromkeys(found), key=lambda finding: finding.place.line)


def _milder(
    found: Iterable[FileFinding], said: CampaignFile, there: There
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


def _of_the_whole(said: CampaignFile, reading: Reading, there: There) -> Iterator[FileFinding]:
    if (given := len(said.plan.dependencies)) > MOST_DEPENDENCIES:
        message = f"A campaign has at most {MOST_DEPENDENCIES} dependencies, this has {given}."
        place = reading.places[f"dependencies[{MOST_DEPENDENCIES}]"]
        yield FileFinding(place, message, FindingLevel.REFUSED)
    if said.experiment not in ("", there.experiment):
        message = f"The file is of {said.experiment[:100]}: it is imported into {there.experiment}."
        yield FileFinding(reading.places["experiment"], message, FindingLevel.WARNING)


def _already(said: CampaignFile, reading: Reading, there: There) -> Iterator[FileFinding]:
    """What is there already is never changed; a launch host that isn't there can't be used."""
    for one in said.job_types:
        other = there.job_types.get(one.name)
        if other is not None and plain(one) != plain(other):
            yield _stays(reading, f"job_type {one.name}")
    for found in said.login_setups:
        header = f"login_setup {found.setup.name}"
        setup = there.login_setups.get(found.setup.name)
        if setup is not None and plain(found) != plain(setup):
            yield _stays(reading, header)
        if setup is None and found.host not in there.hosts:
            message = (
                f"The experiment has no launch host {found.host[:100]!r}: its superuser makes it."
            )
            yield FileFinding(reading.places[f"{header}.host"], message, FindingLevel.DRAFT)


def _stays(reading: Reading, header: str) -> FileFinding:
    message = "It is there already, and stays as it is there, which is different."
    return FileFinding(reading.places[header], message, FindingLevel.WARNING)


def _problems(said: CampaignFile, reading: Reading, there: There) -> Iterator[FileFinding]:
    """What keeps the campaign from being launched."""
    job_types, login_setups = made(said, there)
    known = Known(
        {*there.active.job_types, *(one.name for one in job_types)},
        {*there.active.login_setups, *(one.setup.name for one in login_setups)},
        there.active.datasets,
        {*there.active.scripts, *(one.name for one in job_types if one.kind is JobKind.SCRIPT)},
    )
    for finding in problems(said.plan, known):
        place = locate(reading.places, finding.path) or Place(1)
        yield FileFinding(place, finding.message, FindingLevel.DRAFT)
