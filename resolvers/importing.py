"""Importing campaign files: all of one, or nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from db import campaign_files, campaigns, job_types, login_setups
from db.experiments import Experiment
from db.pool import Connection
from domain.campaign_file import (
    CampaignFile,
    FindingLevel,
    Reading,
    There,
    check,
    made,
    read,
    write,
)
from domain.campaign_file import FileFinding as Found
from domain.names import MOST_REASON, wrong_text
from door.describe import thing
from resolvers import revisions, tenants
from resolvers.once import Ask, Done, once
from schema.campaigns import campaign as shown
from schema.context import Info
from schema.fields import changes
from schema.file_findings import FileFinding
from schema.importing import (
    CampaignImported,
    CampaignImportPlanned,
    ImportCampaignInput,
    ImportCampaignResult,
    ImportEffect,
)
from schema.problems import IdempotencyKeyReused, Invalid, NotPermitted
from schema.saving import InvalidCampaignFile, StaleRevision

MOST_FILE_NAME = 200
Refusal = NotPermitted | InvalidCampaignFile | StaleRevision


@dataclass(frozen=True, slots=True)
class Import:
    """What is asked: a file that was read, and where it goes."""

    experiment: Experiment
    file: str
    reading: Reading
    said: CampaignFile
    comment: str
    expected_revision: int | None = None
    takes_drafts: bool = True
    """What can't be launched is taken, as a draft."""

    @property
    def wanted(self) -> revisions.Wanted:
        """As for any other save."""
        return revisions.Wanted(
            self.experiment.id, self.said.plan, self.comment, self.expected_revision
        )


@thing
class ImportMutations:
    """Importing campaign files."""

    @changes("create")
    async def import_campaign(
        self,
        info: Info,
        input: ImportCampaignInput,  # noqa: A002
    ) -> ImportCampaignResult:
        """Create or change a whole campaign from its file, with the job types and login setups that
        aren't there yet. What can't be launched becomes an inactive draft, with findings that say why."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        if wrong := _wrong(input):
            return wrong
        reading = await asyncio.to_thread(read, input.text)
        if reading.said is None:
            return invalid(input.file_name, reading.findings)
        comment = input.comment or f"Imported from {input.file_name}"
        asked = Import(
            experiment, input.file_name, reading, reading.said, comment, input.expected_revision
        )
        if input.dry_run:
            return await _dry_run(info, asked)
        effects: list[ImportEffect] = []

        async def effect(conn: Connection) -> str | Refusal:
            return await bring_in(conn, info, asked, effects)

        done = await once(info, Ask("importCampaign", input.idempotency_key, input), effect)
        if not isinstance(done, Done):
            return cast(Refusal | IdempotencyKeyReused, done)
        campaign = await shown(info, int(done.result))
        if campaign is None:  # deleted since
            return tenants.unknown("campaign", reading.said.plan.name)
        return CampaignImported(campaign=campaign, effect=effects[0] if effects else None)


def _wrong(input: ImportCampaignInput) -> Invalid | None:  # noqa: A002
    for field, text, most in (
        ("fileName", input.file_name, MOST_FILE_NAME),
        ("comment", input.comment, MOST_REASON),
    ):
        if said := wrong_text(text, most):
            return Invalid(message=said, field=field)
    return None


async def _dry_run(info: Info, asked: Import) -> CampaignImportPlanned | Refusal:
    """Do it all, and take it back."""
    effects: list[ImportEffect] = []
    async with info.context.db.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        try:
            done = await bring_in(conn, info, asked, effects)
        finally:
            await transaction.rollback()
    return CampaignImportPlanned(planned=effects[0]) if isinstance(done, str) else done


async def activate(
    info: Info, row: campaigns.Campaign
) -> campaigns.Campaign | NotPermitted | InvalidCampaignFile:
    """Let a draft launch: import it once more, as if from its own file, where it must be sound now."""
    found = await campaign_files.of_campaign(info.context.db, row)
    experiment = await info.context.load.experiment.load(row.experiment_id)
    assert found is not None and experiment is not None  # noqa: S101, PT018 - a draft was imported
    file = f"{row.name}.ini"
    reading = read(write(found, row.owning_role))
    if reading.said is None:
        return invalid(file, reading.findings)
    asked = Import(experiment, file, reading, reading.said, "Activated", takes_drafts=False)

    async def effect(conn: Connection) -> str | Refusal:
        return await bring_in(conn, info, asked, [])

    done = await once(info, Ask("setCampaignActive", None, None), effect)
    if not isinstance(done, Done):
        return cast(NotPermitted | InvalidCampaignFile, done)  # no revision was expected
    [now] = await campaigns.by_ids(info.context.db, [row.id])
    return now


async def bring_in(
    conn: Connection, info: Info, asked: Import, effects: list[ImportEffect]
) -> str | Refusal:
    """Import a file under its campaign's row lock; gives the campaign's id."""
    wanted = asked.wanted
    before = await campaigns.lock(conn, asked.experiment.id, wanted.plan.name)
    if refusal := revisions.refusal(info, wanted, before):
        return refusal
    there = await campaign_files.there(conn, asked.experiment, asked.said)
    found = check(asked.reading, there)
    levels = {finding.level for finding in found}
    draft = FindingLevel.DRAFT in levels
    if FindingLevel.REFUSED in levels or (draft and not asked.takes_drafts):
        return invalid(asked.file, found)
    effect = await _make(conn, info, asked, there)
    if isinstance(effect, NotPermitted):
        return effect
    effect.draft, effect.findings = draft, FileFinding.of_all(asked.file, found)
    owner = tenants.owner(info, asked.experiment.id)
    row = before or await campaigns.create(conn, asked.experiment.id, wanted.plan.name, owner)
    if row is None:  # somebody else has just made it
        return await bring_in(conn, info, asked, effects)
    if not draft:
        ids = await revisions.ids(conn, wanted)
        effect.changes = await revisions.save_stages(conn, row, wanted.plan, ids)
    effect.revision = row.revision + 1
    await _save(conn, info, asked, row, draft=draft)
    effects.append(effect)
    return str(row.id)


async def _save(
    conn: Connection, info: Info, asked: Import, row: campaigns.Campaign, *, draft: bool
) -> None:
    """Keep the revision; what was no campaign that launches before is one now, unless the file says no."""
    plan = asked.wanted.plan
    active = asked.said.active
    if active is None and row.draft:
        active = True
    save = campaigns.Save(
        plan.description,
        plan.defaults,
        plan.body,
        info.context.viewer.person_id,
        asked.comment,
        draft=draft,
        active=False if draft else active,
    )
    await campaigns.save(conn, row.id, save)


async def _make(
    conn: Connection, info: Info, asked: Import, there: There
) -> ImportEffect | NotPermitted:
    """Make the job types and login setups that aren't there."""
    said, experiment = asked.said, asked.experiment
    types, setups = made(said, there)
    if (types or setups) and not tenants.may_create(info, experiment.id):
        return tenants.refused("create", f"job types and login setups in {experiment.name}")
    owner = tenants.owner(info, experiment.id)
    for job_type in types:
        await job_types.create(conn, experiment.id, job_type, *owner)
    for one in setups:
        host = await campaign_files.host(conn, experiment.id, one.host)
        uses = login_setups.Uses(host, None)
        await login_setups.create(conn, experiment.id, one.setup, uses, owner)
    return ImportEffect(
        name=said.plan.name, revision=0, draft=False, changes=[], findings=[],
        job_types=[one.name for one in types],
        login_setups=[one.setup.name for one in setups],
    )  # fmt: skip


def invalid(file: str, found: Sequence[Found]) -> InvalidCampaignFile:
    """The problem of a file with these findings: the first that matters is its message."""
    worst = [f for f in found if f.level is not FindingLevel.WARNING]
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    message = f"{file}, line {worst[0].place.line}: {worst[0].message}{more}"
    return InvalidCampaignFile(message=message, findings=FileFinding.of_all(file, found))
