"""What a launch hands over: the folder that travels with its jobs, and what the batch system is asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from batch import Launch
from batch.directory import (
    InputFile,
    LaunchOrder,
    LaunchUnit,
    OrderChanged,
    prepare_directory,
)
from db.launching import launches, stage_launch_view
from db.launching.launches import LaunchAttempt
from db.setup import batch_allowances
from db.setup.login_setups import read_secrets
from db.submissions.submissions import Submission
from domain.files.store import locate_launch_folder, locate_stage_folder
from domain.launching.environment import LaunchSubject, build_launch_environment
from domain.launching.launches import LaunchState
from domain.people.experiment_folders import locate_experiment_folder
from domain.setup.batch_options import check_batch_options
from domain.setup.batch_rules import BatchAllowance, BatchRules
from domain.setup.credentials import CredentialUnusable
from domain.submissions.units import UnitIdentity
from lanes import LaneUnavailable
from workers import catalog_launches, credentials, installation, restore_guard
from workers.failpoints import wrap_failpoints
from workers.outcomes import LaunchAnew, LaunchLost, NotToldYet, require_ours
from workers.tools import WorkerTools


async def begin_attempt(tools: WorkerTools, submission: Submission) -> LaunchAttempt:
    """Begin a new attempt, unless nothing may be submitted now."""
    if why := await installation.explain_hold(tools, submission.batch_system):
        raise LaunchAnew(f"It waits: {why}.")
    async with wrap_failpoints("launch.intend"):
        return require_ours(await launches.begin_attempt(tools.db, submission.id, tools.holder))


async def prepare_attempt(
    tools: WorkerTools, submission: Submission, attempt: LaunchAttempt
) -> tuple[LaunchAttempt, Path, Path | None]:
    """Prepare all and write down that it is about to be submitted: with the launch directory and the credential."""
    try:
        async with wrap_failpoints("launch.prepare"):
            directory = await prepare_order(tools, submission, attempt)
            credential = await _find_credential(tools, submission)
        is_kept = await restore_guard.keep_high_water_mark(tools)
    except (OSError, LaneUnavailable) as wrong:
        raise LaunchAnew(f"It waits: it can't be prepared now ({wrong}).") from wrong
    if not is_kept:
        raise LaunchLost
    async with wrap_failpoints("launch.send"):
        sent = await launches.advance_attempt(
            tools.db, attempt, tools.holder, [LaunchState.INTENDED], LaunchState.SENT
        )
    return require_ours(sent), directory, credential


async def _find_credential(tools: WorkerTools, submission: Submission) -> Path | None:
    try:
        return await credentials.find_launch_credential(tools, submission)
    except CredentialUnusable as error:
        raise NotToldYet(f"The credential can't be used any more: {error}") from error


async def prepare_order(tools: WorkerTools, submission: Submission, attempt: LaunchAttempt) -> Path:
    """Write what travels with the jobs; the same again finds it made."""
    config = submission.runs_with.fill_late_keywords(submission.id)
    units = await launches.list_units(tools.db, submission.id)
    await launches.append_log(
        tools.db, attempt, f"Preparing {len(units)} work units as {attempt.mark}."
    )
    order = LaunchOrder(
        mark=attempt.mark,
        command=config.command,
        check=config.output_check,
        environment={**config.environment, **await read_variables(tools, submission)},
        patterns=config.patterns,
        secrets=await read_secrets(tools.db, submission.id),
        store=str(_build_output_folder(tools.store, submission, attempt)),
        units=[_build_unit(unit) for unit in units],
        folder=str(locate_experiment_folder(tools.store, submission.experiment_id)),
        verify=tools.verify_inputs,
    )
    try:
        return await tools.lanes.prepare.call(lambda: prepare_directory(tools.spool, order))
    except OrderChanged as changed:
        # Another version of POMS prepared it, and its worker died before it handed anything over.
        said = f"It begins anew: {changed}."
        step = [LaunchState.INTENDED], LaunchState.ABANDONED
        require_ours(
            await launches.advance_attempt(tools.db, attempt, tools.holder, *step, message=said)
        )
        raise LaunchAnew(said) from changed


def _build_output_folder(store: Path, submission: Submission, attempt: LaunchAttempt) -> Path:
    """Where its jobs put what they make."""
    stage = locate_stage_folder(
        store, submission.experiment_id, submission.campaign_id, submission.stage_id
    )
    return locate_launch_folder(
        stage, attempt.mark, submission.family if submission.is_test else None
    )


def _build_unit(unit: dict[str, Any]) -> LaunchUnit:
    generator = unit["generator"]
    return LaunchUnit(
        number=unit["number"],
        files=[InputFile(**file) for file in unit["files"]],
        generator=UnitIdentity(**generator) if generator else None,
        parameter=unit["parameter"],
    )


async def read_variables(tools: WorkerTools, submission: Submission) -> dict[str, str]:
    """What its jobs and its launch script find in their environment, besides the login setup's."""
    config = submission.runs_with
    launched = LaunchSubject(
        experiment=config.experiment,
        campaign_id=submission.campaign_id,
        campaign=config.campaign,
        stage_id=submission.stage_id,
        stage=config.stage,
        job_type_id=config.job_type_id,
        kind=config.kind,
        version=config.version,
        dataset=config.dataset_word,
        submission_id=submission.id,
        parent_id=submission.origin_id or submission.upstream_id,
        launcher=await stage_launch_view.find_username(tools.db, submission.created_by),
        is_test=submission.is_test,
    )
    in_catalog = await catalog_launches.read_variables(tools, submission)
    return build_launch_environment(launched) | in_catalog


async def explain_order_wait(tools: WorkerTools, submission: Submission) -> str | None:
    """Why a launch waits with what it asks of its batch system, or nothing: what is allowed may have changed."""
    allowances = await batch_allowances.find_by_system(tools.db, submission.experiment_id)
    options = submission.runs_with.batch_options
    rules = BatchRules(tools.batch_policy, allowances)
    wrong = [
        *check_batch_options("batchOptions", options),
        *rules.problems("batchOptions", submission.batch_system, options),
    ]
    return f"It waits: {wrong[0].path}: {wrong[0].message}" if wrong else None


def build_launch(
    submission: Submission,
    attempt: LaunchAttempt,
    directory: Path,
    credential: Path | None,
    folders: Sequence[Path],
    allowance: BatchAllowance,
    store: Path,
) -> Launch:
    """What is handed to the batch system."""
    config = submission.runs_with
    return Launch(
        mark=attempt.mark,
        directory=directory,
        jobs=range(1, submission.jobs + 1),
        resources=config.resources,
        name=f"{config.campaign}/{config.stage}",
        priority=submission.priority,
        attributes={"POMS_SUBMISSION_ID": str(submission.id), "POMS_MARK": attempt.mark},
        options=allowance.fill(config.batch_options),
        accounting_group=allowance.accounting_group,
        credential=credential,
        folders=folders,
        experiment=config.experiment,
        experiment_id=submission.experiment_id,
        store=str(_build_output_folder(store, submission, attempt)),
    )
