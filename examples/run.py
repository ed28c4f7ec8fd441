"""Load the example campaign, launch it, follow it live, and account for every file.

python3 -m examples.run --url http://127.0.0.1:8080 --token TOKEN --store FOLDER [--faults 0.1]
    [--batch-system local] [--rucio RUCIO.json --credentials FOLDER]
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

from examples.campaign import (
    CAMPAIGN,
    EXPERIMENT,
    JOBS,
    SLICES,
    build_campaign,
    build_job_types,
    build_rucio_catalog,
    build_rucio_credential,
)
from poms import Client, OperationRefused, expect_result
from poms.client import Page, find_next_cursor, iterate_pages
from poms.following import is_live, show_until_quiet
from poms.generated.fragments import (
    AccountPart,
    CampaignPart,
    LaunchPart,
    ProgressPart,
    SubmissionPart,
)
from poms.generated.input_types import (
    CampaignFilter,
    CreateCredentialInput,
    CreateExperimentInput,
    CreateJobTypeInput,
    CreateLaunchHostInput,
    CreateLoginSetupInput,
    SaveCampaignInput,
    SaveCatalogInput,
    SetMembershipInput,
    SubmissionsFilter,
)
from poms.generated.outputs_located import OutputsLocatedSubmissionOutputsNodes
from poms.generated.save_campaign import SaveCampaignSaveCampaignCampaignSaved
from poms.progress_view import ProgressView, make_account_table, make_terminal

QUIET_S, MOST_S = 30.0, 1800.0


async def load_campaign(api: Client, asked: argparse.Namespace) -> CampaignPart:
    """Make whatever is not there yet, and return the campaign."""
    faults, batch_system, jobs = asked.faults, asked.batch_system, asked.jobs
    experiment = {"name": EXPERIMENT, "title": "The example's experiment"}
    accept_existing(await api.create_experiment(CreateExperimentInput.model_validate(experiment)))
    username = (await api.me()).viewer.person.username
    member = {"experiment": EXPERIMENT, "username": username, "role": "PRODUCTION"}
    accept_existing(await api.set_membership(SetMembershipInput.model_validate(member)))
    if asked.rucio is not None:
        await record_rucio(api, asked)
    host = {"experiment": EXPERIMENT, "name": "here"}
    accept_existing(await api.create_launch_host(CreateLaunchHostInput.model_validate(host)))
    setup = {**host, "launchHost": "here"}
    accept_existing(await api.create_login_setup(CreateLoginSetupInput.model_validate(setup)))
    for each in build_job_types(batch_system):
        accept_existing(await api.create_job_type(CreateJobTypeInput.model_validate(each)))
    saved = await api.save_campaign(
        SaveCampaignInput.model_validate(build_campaign(faults, batch_system, jobs))
    )
    return expect_result(saved.save_campaign, SaveCampaignSaveCampaignCampaignSaved).campaign


async def record_rucio(api: Client, asked: argparse.Namespace) -> None:
    """Have the experiment's outputs declared in a Rucio, with the password that its file has."""
    experiment = (await api.experiment(EXPERIMENT)).experiment
    assert experiment is not None
    access = json.loads(asked.rucio.read_text(encoding="utf-8"))
    folder = asked.credentials / f"e{experiment.id.rpartition(':')[2]}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = folder / "rucio"
    secret.touch(mode=0o600)
    secret.write_text(access["password"], encoding="utf-8")
    credential = build_rucio_credential("rucio")
    accept_existing(await api.create_credential(CreateCredentialInput.model_validate(credential)))
    catalog = SaveCatalogInput.model_validate(build_rucio_catalog(access, asked.store))
    accept_existing(await api.save_catalog(catalog))


def accept_existing(answer: BaseModel) -> None:
    """Be content with what is there, now or before."""
    (result,) = (getattr(answer, name) for name in type(answer).model_fields)
    if hasattr(result, "message") and result.typename__ != "NameTaken":
        raise OperationRefused(result.message)


async def find_campaign(api: Client) -> CampaignPart | None:
    """The campaign, or None."""
    wanted = CampaignFilter(name_contains=CAMPAIGN)
    found = (await api.campaigns(wanted)).campaigns.nodes
    mine = (c for c in found if c.name == CAMPAIGN and c.experiment.name == EXPERIMENT)
    return next(mine, None)


async def launch_first_stages(api: Client, campaign_id: str) -> None:
    """Launch what begins without another stage's outputs: the generator's first parameter."""
    asked = await api.launch_campaign(campaign_id, idempotency_key=f"example:{campaign_id}")
    done = expect_result(asked.launch_campaign, LaunchPart)
    for problem in filter(None, (each.problem for each in done.launches)):
        raise OperationRefused(problem.message)


async def follow_campaign(api: Client, campaign_id: str, files: int) -> ProgressPart:
    """Show a live line per stage until so many files went through all of them and all outputs were seen, or nothing
    goes on."""

    def is_whole(progress: ProgressPart) -> bool:
        merged = next(stage.account for stage in progress.stages if stage.name == "merge")
        is_seen = not any(stage.outputs_declared for stage in progress.stages)
        return merged.done.count == files and is_seen and not is_live(progress)

    with ProgressView() as board:
        async with asyncio.timeout(MOST_S):
            return await show_until_quiet(
                api, campaign_id, board.show, quiet_s=QUIET_S, whole=is_whole
            )


async def fetch_record(api: Client, found: CampaignPart, progress: ProgressPart) -> dict[str, Any]:
    """POMS's own record: which files each stage made and processed, how many events they hold, and its account."""
    account_of = {stage.stage_id: show_account(stage.account) for stage in progress.stages}
    return {
        stage.name: {**await record_of(api, stage.id), "account": account_of[stage.id]}
        for stage in found.stages
    }


def show_account(account: AccountPart) -> dict[str, int]:
    """The numbers of an account that files on disk can tell, too."""
    parts = ("done", "in_work", "waiting", "owed", "lost", "waived")
    return {
        "given": account.given,
        **{part: getattr(account, part).count for part in parts},
        "files": account.outputs_located.count,
        "events": account.events_located,
    }


async def record_of(api: Client, stage_id: str) -> dict[str, Any]:
    """The record of one stage."""
    made: list[OutputsLocatedSubmissionOutputsNodes] = []
    processed: list[str] = []

    async def page(after: str | None) -> Page[SubmissionPart]:
        asked = SubmissionsFilter(stage_id=stage_id)
        found = (await api.submissions(asked, 100, after)).submissions
        return found.nodes, find_next_cursor(found.page_info)

    async for submission in iterate_pages(page):
        processed += [
            name async for name in iterate_pages(partial(list_done_inputs, api, submission.id))
        ]
        made += [
            file async for file in iterate_pages(partial(list_located_outputs, api, submission.id))
        ]
    return {
        "files": sorted(file.name for file in made),
        "processed": sorted(processed),
        "events": sum(file.events or 0 for file in made),
    }


async def list_done_inputs(api: Client, id: str, after: str | None) -> Page[str]:
    """The names of inputs that a submission did."""
    found = (await api.inputs_done(id, after)).submission
    if found is None:
        raise OperationRefused(f"There is no {id}.")
    names = [node.file.name for node in found.inputs.nodes if node.file]
    return names, find_next_cursor(found.inputs.page_info)


async def list_located_outputs(
    api: Client, id: str, after: str | None
) -> Page[OutputsLocatedSubmissionOutputsNodes]:
    """Files that a submission made, and that were seen."""
    found = (await api.outputs_located(id, after)).submission
    if found is None:
        raise OperationRefused(f"There is no {id}.")
    return found.outputs.nodes, find_next_cursor(found.outputs.page_info)


async def list_folders(api: Client, store: Path, campaign_id: str) -> list[Path]:
    """Where the campaign's files lie; those of versions that named folders by names are where they were."""
    experiment = (await api.experiment(EXPERIMENT)).experiment
    assert experiment is not None
    numbers = [id.rpartition(":")[2] for id in (experiment.id, campaign_id)]
    folders = [store / f"e{numbers[0]}" / f"c{numbers[1]}", store / EXPERIMENT / CAMPAIGN]
    return [folder for folder in folders if folder.is_dir()] or folders[:1]


def verify_files(folders: list[Path], said: dict[str, Any], rucio: Path | None) -> int:
    """Let the verifier, which uses no code of ours, recompute everything from the files on disk, and ask Rucio."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(said, file)
        file.flush()
        script = Path(__file__).with_name("verify.py")
        words = [*map(str, folders), "--against", file.name]
        words += ["--rucio", str(rucio)] if rucio else []
        done = subprocess.run([sys.executable, "-I", str(script), *words], check=False)
        return done.returncode


async def run_example(asked: argparse.Namespace) -> int:
    """Load, launch, follow, account, verify."""
    async with Client(asked.url, asked.token) as api:
        found = await find_campaign(api) or await load_campaign(api, asked)
        began = time.monotonic()
        here = SubmissionsFilter(campaign_id=found.id)
        if not (await api.submissions(here, 1)).submissions.nodes:
            await launch_first_stages(api, found.id)
        progress = await follow_campaign(api, found.id, SLICES * asked.jobs)
        print(f"\nAfter {time.monotonic() - began:.0f} s:")
        make_terminal().print(make_account_table(progress.stages))
        folders = await list_folders(api, asked.store, found.id)
        return verify_files(folders, await fetch_record(api, found, progress), asked.rucio)


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
    parser.add_argument(
        "--jobs", type=int, default=JOBS, help="jobs for each parameter of the generator"
    )
    parser.add_argument("--rucio", type=Path, help="a file that says where Rucio is")
    parser.add_argument("--credentials", type=Path, help="the workers' folder of credentials")
    asked = parser.parse_args()
    if asked.rucio is not None and asked.credentials is None:
        parser.error("--rucio needs --credentials, where the workers find its password")
    return asyncio.run(run_example(asked))


if __name__ == "__main__":
    sys.exit(main())
