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
from domain.environment import Launched, environment
from domain.jobs import Resources
from domain.stages import StageKind
from workers.tools import Tools


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
        environment=config["environment"] | _environment(submission),
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


def _environment(submission: Submission) -> dict[str, str]:
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
