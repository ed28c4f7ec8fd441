"""What a launch hands over: the folder that travels with its jobs, and what the batch system is asked."""

import asyncio
from pathlib import Path
from typing import Any

from batch import Launch
from batch.directory import Generator, InputFile, Order, Unit, prepare
from db import launches
from db.launches import LaunchAttempt
from db.submissions import Submission
from domain.batch_options import BatchOptions
from domain.credentials import Unusable
from domain.environment import Launched, environment
from domain.jobs import Resources
from domain.launches import LaunchState
from domain.stages import StageKind
from workers import credentials, memory
from workers.outcomes import Anew, Lost, NotToldYet, ours
from workers.points import around
from workers.tools import Tools


async def intend(tools: Tools, submission: Submission) -> LaunchAttempt:
    """Begin a new attempt, unless nothing may be submitted now."""
    if why := await memory.held_back(tools):
        raise Anew(f"It waits: {why}.")
    async with around("launch.intend"):
        return ours(await launches.intend(tools.db, submission.id, tools.holder))


async def ready(
    tools: Tools, submission: Submission, attempt: LaunchAttempt
) -> tuple[LaunchAttempt, Path, Path | None]:
    """Prepare all and write down that it is about to be submitted: with the launch directory and the credential."""
    async with around("launch.prepare"):
        directory = await prepared(tools, submission, attempt)
        credential = await _credential(tools, submission)
    if not await memory.keep(tools):
        raise Lost
    async with around("launch.send"):
        sent = await launches.step(
            tools.db, attempt, tools.holder, [LaunchState.INTENDED], LaunchState.SENT
        )
    return ours(sent), directory, credential


async def _credential(tools: Tools, submission: Submission) -> Path | None:
    try:
        return await credentials.of_launch(tools, submission)
    except Unusable as error:
        raise NotToldYet(f"The credential can't be used any more: {error}") from error


async def prepared(tools: Tools, submission: Submission, attempt: LaunchAttempt) -> Path:
    """Write what travels with the jobs; the same again finds it made."""
    config = submission.configuration
    units = await launches.units(tools.db, submission.id)
    await launches.say(tools.db, attempt, f"Preparing {len(units)} work units as {attempt.mark}.")
    store = tools.store / config["experiment"] / config["campaign"] / config["stage"]
    if submission.is_test:
        store = store / f"test-{submission.family}"
    order = Order(
        mark=attempt.mark,
        command=config["command"],
        check=config["output_check"],
        environment=config["environment"] | variables(submission),
        patterns=config["patterns"],
        store=str(store),
        units=[_unit(unit) for unit in units],
    )
    return await asyncio.to_thread(prepare, tools.spool, order)


def _unit(unit: dict[str, Any]) -> Unit:
    generator = unit["generator"]
    return Unit(
        number=unit["number"],
        files=[InputFile(**file) for file in unit["files"]],
        generator=Generator(**generator) if generator else None,
        parameter=unit["parameter"],
    )


def variables(submission: Submission) -> dict[str, str]:
    """What its jobs and its launch script find in their environment, besides the login setup's."""
    config = submission.configuration
    launched = Launched(
        experiment=config["experiment"],
        campaign_id=submission.campaign_id,
        campaign=config["campaign"],
        stage_id=submission.stage_id,
        stage=config["stage"],
        kind=config.get("kind", StageKind.REGULAR),  # older launches don't say
        version=config["version"],
        submission_id=submission.id,
        parent_id=submission.origin_id or submission.upstream_id,
        launcher_id=submission.created_by,
        is_test=submission.is_test,
    )
    return environment(launched)


def launch(
    submission: Submission, attempt: LaunchAttempt, directory: Path, credential: Path | None
) -> Launch:
    """What is handed to the batch system."""
    config = submission.configuration
    return Launch(
        mark=attempt.mark,
        directory=directory,
        jobs=range(1, submission.jobs + 1),
        resources=Resources(**config["resources"]),
        name=f"{config['campaign']}/{config['stage']}",
        priority=submission.priority,
        attributes={"POMS_SUBMISSION_ID": str(submission.id), "POMS_MARK": attempt.mark},
        options=BatchOptions.of(config.get("batch_options", {})),
        credential=credential,
    )
