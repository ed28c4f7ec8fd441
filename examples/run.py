"""Load the example campaign, launch it, follow it live, and account for every file.

python3 -m examples.run --url http://127.0.0.1:8080 --token TOKEN --store FOLDER [--faults 0.1]
    [--batch-system local]
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from examples.campaign import CAMPAIGN, EXPERIMENT, FILES, campaign, job_types
from poms import Client, Refused, taken
from poms.board import Board, account, terminal
from poms.client import Page, following, pages
from poms.following import Stages, is_live, until_quiet
from poms.generated.fragments import CampaignPart, LaunchPart, SubmissionPart
from poms.generated.input_types import (
    CampaignFilter,
    CreateExperimentInput,
    CreateJobTypeInput,
    CreateLaunchHostInput,
    CreateLoginSetupInput,
    SaveCampaignInput,
    SetMembershipInput,
    SubmissionsFilter,
)
from poms.generated.outputs_located import OutputsLocatedSubmissionOutputsNodes
from poms.generated.save_campaign import SaveCampaignSaveCampaignCampaignSaved

QUIET_S, MOST_S = 30.0, 1800.0


async def load(api: Client, faults: float, batch_system: str) -> CampaignPart:
    """Make whatever is not there yet, and return the campaign."""
    experiment = {"name": EXPERIMENT, "title": "The example's experiment"}
    made(await api.create_experiment(CreateExperimentInput.model_validate(experiment)))
    username = (await api.me()).viewer.person.username
    member = {"experiment": EXPERIMENT, "username": username, "role": "PRODUCTION"}
    made(await api.set_membership(SetMembershipInput.model_validate(member)))
    host = {"experiment": EXPERIMENT, "name": "here"}
    made(await api.create_launch_host(CreateLaunchHostInput.model_validate(host)))
    setup = {**host, "launchHost": "here"}
    made(await api.create_login_setup(CreateLoginSetupInput.model_validate(setup)))
    for each in job_types(batch_system):
        made(await api.create_job_type(CreateJobTypeInput.model_validate(each)))
    saved = await api.save_campaign(
        SaveCampaignInput.model_validate(campaign(faults, batch_system))
    )
    return taken(saved.save_campaign, SaveCampaignSaveCampaignCampaignSaved).campaign


def made(answer: BaseModel) -> None:
    """Be content with what is there, now or before."""
    (result,) = (getattr(answer, name) for name in type(answer).model_fields)
    if hasattr(result, "message") and result.typename__ != "NameTaken":
        raise Refused(result.message)


async def find(api: Client) -> CampaignPart | None:
    """The campaign, or None."""
    wanted = CampaignFilter(name_contains=CAMPAIGN)
    found = (await api.campaigns(wanted)).campaigns.nodes
    mine = (c for c in found if c.name == CAMPAIGN and c.experiment.name == EXPERIMENT)
    return next(mine, None)


async def launch(api: Client, campaign_id: str) -> None:
    """Launch what begins without another stage's outputs: the generator's first parameter."""
    asked = await api.launch_campaign(campaign_id, idempotency_key=f"example:{campaign_id}")
    done = taken(asked.launch_campaign, LaunchPart)
    for problem in filter(None, (each.problem for each in done.launches)):
        raise Refused(problem.message)


def is_whole(stages: Stages) -> bool:
    """Whether all files went through all stages."""
    done = {stage.name: stage for stage in stages}
    return not is_live(stages) and done["merge"].files_done == FILES


async def follow(api: Client, campaign_id: str) -> Stages:
    """Show a live line per stage until nothing goes on."""
    with Board() as board:
        async with asyncio.timeout(MOST_S):
            return await until_quiet(api, campaign_id, board.show, quiet_s=QUIET_S, whole=is_whole)


async def record(api: Client, found: CampaignPart) -> dict[str, Any]:
    """POMS's own record: which files each stage made and processed, and how many events they hold."""
    return {stage.name: await record_of(api, stage.id) for stage in found.stages}


async def record_of(api: Client, stage_id: str) -> dict[str, Any]:
    """The record of one stage."""
    made: list[OutputsLocatedSubmissionOutputsNodes] = []
    processed: list[str] = []

    async def page(after: str | None) -> Page[SubmissionPart]:
        asked = SubmissionsFilter(stage_id=stage_id)
        found = (await api.submissions(asked, 100, after)).submissions
        return found.nodes, following(found.page_info)

    async for submission in pages(page):
        processed += [name async for name in pages(partial(inputs, api, submission.id))]
        made += [file async for file in pages(partial(outputs, api, submission.id))]
    return {
        "files": sorted(file.name for file in made),
        "processed": sorted(processed),
        "events": sum(file.events or 0 for file in made),
    }


async def inputs(api: Client, id: str, after: str | None) -> Page[str]:
    """The names of inputs that a submission did."""
    found = (await api.inputs_done(id, after)).submission
    if found is None:
        raise Refused(f"There is no {id}.")
    names = [node.file.name for node in found.inputs.nodes if node.file]
    return names, following(found.inputs.page_info)


async def outputs(
    api: Client, id: str, after: str | None
) -> Page[OutputsLocatedSubmissionOutputsNodes]:
    """Files that a submission made, and that were seen."""
    found = (await api.outputs_located(id, after)).submission
    if found is None:
        raise Refused(f"There is no {id}.")
    return found.outputs.nodes, following(found.outputs.page_info)


def verify(store: Path, said: dict[str, Any]) -> int:
    """Let the verifier, which uses no code of ours, recompute everything from the files on disk."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(said, file)
        file.flush()
        script = Path(__file__).with_name("verify.py")
        words = [str(store / EXPERIMENT / CAMPAIGN), "--against", file.name]
        done = subprocess.run([sys.executable, "-I", str(script), *words], check=False)
        return done.returncode


async def run(asked: argparse.Namespace) -> int:
    """Load, launch, follow, account, verify."""
    async with Client(asked.url, asked.token) as api:
        found = await find(api) or await load(api, asked.faults, asked.batch_system)
        began = time.monotonic()
        here = SubmissionsFilter(campaign_id=found.id)
        if not (await api.submissions(here, 1)).submissions.nodes:
            await launch(api, found.id)
        stages = await follow(api, found.id)
        print(f"\nAfter {time.monotonic() - began:.0f} s:")
        terminal().print(account(stages))
        return verify(asked.store, await record(api, found))


def main() -> int:
    """`python -m examples.run`: see above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--store", required=True, type=Path)
    parser.add_argument(
        "--faults", type=float, default=0.1, help="share of jobs that fail on purpose"
    )
    parser.add_argument(
        "--batch-system", default="local", help="where jobs run: local, htcondor or slurm"
    )
    asked = parser.parse_args()
    return asyncio.run(run(asked))


if __name__ == "__main__":
    sys.exit(main())
