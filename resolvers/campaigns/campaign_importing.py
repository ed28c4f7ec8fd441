"""Importing campaign files: all of one, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from db.campaigns import campaign_files, campaigns
from db.people.experiments import Experiment
from db.pool import Connection
from db.setup import job_types, login_setups
from domain.campaigns.campaign_file.checking import ExistingThings, check_file, select_new
from domain.campaigns.campaign_file.document import FileFinding as Found
from domain.campaigns.campaign_file.document import FindingLevel
from domain.campaigns.campaign_file.reading import CampaignFile, FileReading, read_campaign_file
from domain.campaigns.campaign_file.values import normalise_value
from domain.campaigns.campaign_file.writing import write_campaign_file
from domain.campaigns.plans import CampaignPlan
from domain.names import MOST_REASON, check_text
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.campaigns import revisions
from resolvers.mutations import begin_change, declare_mutation
from resolvers.timeouts import COMPUTING
from schema.campaigns.campaign_importing import (
    CampaignImported,
    CampaignImportPlanned,
    ImportCampaignInput,
    ImportCampaignResult,
    ImportEffect,
)
from schema.campaigns.campaign_saving import InvalidCampaignFile, StageEffect, StaleRevision
from schema.campaigns.campaigns import Campaign, show_campaign
from schema.campaigns.file_findings import FileFinding
from schema.context import Info
from schema.problems import Invalid, NotFound, NotPermitted

MOST_FILE_NAME = 200
Refusal = NotPermitted | InvalidCampaignFile | StaleRevision


@dataclass(frozen=True, slots=True)
class CampaignImport:
    """What is asked: a file that was read, and where it goes."""

    experiment: Experiment
    file: str
    reading: FileReading
    campaign_file: CampaignFile
    comment: str
    expected_revision: int | None = None
    takes_drafts: bool = True
    """What can't be launched is taken, as a draft."""

    @property
    def revision_request(self) -> revisions.RevisionRequest:
        """As for any other save."""
        return revisions.RevisionRequest(
            self.experiment.id, self.campaign_file.plan, self.comment, self.expected_revision
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    campaign_id: int
    effect: ImportEffect

    async def show(self, info: Info) -> Campaign:
        """The campaign as it is now."""
        return await show_campaign(info, self.campaign_id)


@declare_object_type
class ImportMutations:
    """Importing campaign files."""

    @declare_mutation("create")
    async def import_campaign(
        self,
        info: Info,
        input: ImportCampaignInput,  # noqa: A002
    ) -> ImportCampaignResult:
        """Create or change a whole campaign from its file, with the job types and login setups that
        aren't there yet. What can't be launched becomes an inactive draft, with findings that say why."""
        experiment = await tenants.find_experiment(info, input.experiment)
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        if wrong := _check_import_input(input):
            return wrong
        reading = await COMPUTING.call(lambda: read_campaign_file(input.text))
        if reading.campaign_file is None:
            return build_invalid_file(input.file_name, reading.findings)
        comment = input.comment or f"Imported from {input.file_name}"
        asked = CampaignImport(
            experiment,
            input.file_name,
            reading,
            reading.campaign_file,
            comment,
            input.expected_revision,
        )
        done = await import_into(await begin_change(), info, asked)
        if not isinstance(done, Imported):
            return done
        if input.dry_run:
            return CampaignImportPlanned(planned=done.effect)
        return CampaignImported(campaign=await done.show(info), effect=done.effect)


def _check_import_input(input: ImportCampaignInput) -> Invalid | None:  # noqa: A002
    for field, text, most in (
        ("fileName", input.file_name, MOST_FILE_NAME),
        ("comment", input.comment, MOST_REASON),
    ):
        if said := check_text(text, most):
            return Invalid(message=said, field=field)
    return None


async def activate_draft(
    conn: Connection, info: Info, row: campaigns.Campaign
) -> Imported | Refusal:
    """Let a draft launch: import it once more, as if from its own file, where it must be sound now."""
    found = await campaign_files.find_campaign_file(conn, row)
    experiment = await info.context.load.experiment.load(row.experiment_id)
    assert found is not None and experiment is not None  # noqa: S101, PT018 - a draft was imported
    file = f"{row.name}.ini"
    reading = read_campaign_file(write_campaign_file(found, row.owning_role))
    if reading.campaign_file is None:
        return build_invalid_file(file, reading.findings)
    asked = CampaignImport(
        experiment, file, reading, reading.campaign_file, "Activated", takes_drafts=False
    )
    return await import_into(conn, info, asked)


async def import_into(conn: Connection, info: Info, asked: CampaignImport) -> Imported | Refusal:
    """Import a file under its campaign's row lock."""
    wanted = asked.revision_request
    before = await campaigns.lock(conn, asked.experiment.id, wanted.plan.name)
    if refusal := revisions.find_save_refusal(info, wanted, before):
        return refusal
    party = await revisions.find_campaign_party(conn, info, asked.experiment.id, before)
    there = await campaign_files.find_referenced(
        conn, asked.experiment, asked.campaign_file, party, info.context.app_state.batch_policy
    )
    found = check_file(asked.reading, there)
    levels = {finding.level for finding in found}
    draft = FindingLevel.DRAFT in levels
    if FindingLevel.REFUSED in levels or (draft and not asked.takes_drafts):
        return build_invalid_file(asked.file, found)
    effect = await _make_definitions(conn, info, asked, there)
    if isinstance(effect, NotPermitted):
        return effect
    effect.draft, effect.findings = draft, FileFinding.of_all(asked.file, found)
    owner = tenants.build_owner(info, asked.experiment.id)
    row = before or await campaigns.create(conn, asked.experiment.id, wanted.plan.name, owner)
    if row is None:  # somebody else has just made it
        return await import_into(conn, info, asked)
    if not draft:
        ids = await revisions.resolve_references(conn, info, wanted, party)
        effect.changes = await revisions.save_stages(conn, row, wanted.plan, ids)
    effect.is_unchanged = await _is_unchanged(conn, asked, row, effect)
    effect.revision = row.revision if effect.is_unchanged else row.revision + 1
    if not effect.is_unchanged:
        await _save_import(conn, info, asked, row, draft=draft)
    return Imported(row.id, effect)


async def _is_unchanged(
    conn: Connection, asked: CampaignImport, row: campaigns.Campaign, effect: ImportEffect
) -> bool:
    """Whether the campaign is what the file says already, so that no revision is made of it."""
    newest = await campaigns.find_revision(conn, row.id, row.revision)
    if newest is None or row.draft != effect.draft:
        return False
    same_stages = all(one.change is StageEffect.UNCHANGED for one in effect.changes)
    same_activity = effect.draft or asked.campaign_file.active in (None, row.active)
    made = effect.job_types or effect.login_setups
    same_plan = _list_said(CampaignPlan.of(newest.body)) == _list_said(asked.campaign_file.plan)
    return same_plan and same_stages and same_activity and not made


def _list_said(plan: CampaignPlan) -> Any:
    """What a plan says, but for `until_exhausted`: unsaid it stays as it is, and the stages tell whether it changes."""
    stages = [replace(stage, until_exhausted=None) for stage in plan.stages]
    return normalise_value(replace(plan, stages=stages).body)


async def _save_import(
    conn: Connection, info: Info, asked: CampaignImport, row: campaigns.Campaign, *, draft: bool
) -> None:
    """Keep the revision; what was no campaign that launches before is one now, unless the file says no."""
    plan = asked.revision_request.plan
    active = asked.campaign_file.active
    if active is None and row.draft:
        active = True
    save = campaigns.RevisionSave(
        plan.description,
        plan.defaults,
        plan.body,
        info.context.viewer.person_id,
        asked.comment,
        draft=draft,
        active=False if draft else active,
    )
    await campaigns.save_revision(conn, row.id, save)


async def _make_definitions(
    conn: Connection, info: Info, asked: CampaignImport, there: ExistingThings
) -> ImportEffect | NotPermitted:
    """Make the job types and login setups that aren't there."""
    said, experiment = asked.campaign_file, asked.experiment
    types, setups = select_new(said, there)
    if (types or setups) and not tenants.may_create(info, experiment.id):
        return tenants.report_not_permitted(
            "create", f"job types and login setups in {experiment.name}"
        )
    owner = there.by.person_id, there.by.role
    for job_type in types:
        await job_types.create(conn, experiment.id, job_type, *owner)
    for one in setups:
        host = await campaign_files.find_host_id(conn, experiment.id, there.host_of(one))
        uses = login_setups.LoginSetupUses(host, None)
        await login_setups.create(conn, experiment.id, one.setup, uses, owner)
    return ImportEffect(
        name=said.plan.name, revision=0, is_unchanged=False, draft=False, changes=[], findings=[],
        job_types=[one.name for one in types],
        login_setups=[one.setup.name for one in setups],
    )  # fmt: skip


def build_invalid_file(file: str, found: Sequence[Found]) -> InvalidCampaignFile:
    """The problem of a file with these findings: the first that matters is its message."""
    worst = [f for f in found if f.level is not FindingLevel.WARNING]
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    message = f"{file}, line {worst[0].place.line}: {worst[0].message}{more}"
    return InvalidCampaignFile(message=message, findings=FileFinding.of_all(file, found))
