"""Load the example campaign, launch it, follow it live, and account for every file.

python3 -m examples.run --url http://127.0.0.1:8080 --token TOKEN --store FOLDER [--faults 0.1]
    [--batch-system local]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from examples.campaign import CAMPAIGN, EXPERIMENT, FILES, JOB_TYPES, campaign
from examples.show import Board, table
from poms import Client, Refused

PROBLEM = "__typename ... on Problem { message }"
FIND = """query ($e: String!, $n: String!) {
  campaigns(filter: {experiment: $e, nameContains: $n}) { nodes { id name stages { id name } } } }"""
SUBMISSIONS = (
    "query ($f: SubmissionsFilter!) { submissions(filter: $f, first: 1) { nodes { id } } }"
)
PROGRESS = """
  stages { stageId name slices submissionsTotal submissions { state count } jobsTotal jobsIdle jobsRunning jobsHeld
    jobsSucceeded jobsFailed jobsRemoved filesWaiting filesDelivered filesConsumed filesSkipped filesDone filesFailed
    outputsDeclared outputsLocated outputsSuperseded eventsLocated cpuEfficiency wallEfficiency memoryEfficiency }"""
WATCH = f"subscription ($id: ID!) {{ campaignProgress(id: $id) {{ ... on CampaignProgress {{ {PROGRESS} }} }} }}"
NOW = f"query ($id: ID!) {{ campaignProgress(campaignId: $id) {{ {PROGRESS} }} }}"
LIVE = {"QUEUED", "NEW", "SUBMITTING", "UNCERTAIN", "IDLE", "RUNNING", "HELD"}
QUIET_S, MOST_S = 10.0, 1800.0


def load(api: Client, faults: float, batch_system: str) -> Any:
    """Make whatever is not there yet, and return the campaign."""
    made = f"{PROBLEM} ... on NameTaken {{ field }}"
    experiment = (
        "mutation ($i: CreateExperimentInput!) { createExperiment(input: $i) { %s } }" % made
    )
    api.do(experiment, "NameTaken", i={"name": EXPERIMENT, "title": "The example's experiment"})
    member = "mutation ($i: SetMembershipInput!) { setMembership(input: $i) { %s } }" % PROBLEM
    username = api.ask("{ viewer { person { username } } }")["person"]["username"]
    api.do(member, i={"experiment": EXPERIMENT, "username": username, "role": "PRODUCTION"})
    host = "mutation ($i: CreateLaunchHostInput!) { createLaunchHost(input: $i) { %s } }" % made
    api.do(host, "NameTaken", i={"experiment": EXPERIMENT, "name": "here"})
    setup = "mutation ($i: CreateLoginSetupInput!) { createLoginSetup(input: $i) { %s } }" % made
    api.do(setup, "NameTaken", i={"experiment": EXPERIMENT, "name": "here", "launchHost": "here"})
    job_type = "mutation ($i: CreateJobTypeInput!) { createJobType(input: $i) { %s } }" % made
    for each in JOB_TYPES:
        api.do(job_type, "NameTaken", i=each)
    save = (
        "mutation ($i: SaveCampaignInput!) { saveCampaign(input: $i) { %s "
        "... on InvalidCampaign { findings { path message } } } }" % PROBLEM
    )
    api.do(save, i=campaign(faults, batch_system))
    return find(api)


def find(api: Client) -> Any:
    """The campaign, or None."""
    try:
        found = api.ask(FIND, e=EXPERIMENT, n=CAMPAIGN)["nodes"]
    except Refused:
        return None
    return next((c for c in found if c["name"] == CAMPAIGN), None)


def launch(api: Client, campaign_id: str) -> None:
    """Launch what begins without another stage's outputs: the generator's first parameter."""
    started = f"{PROBLEM} ... on CampaignLaunched {{ launches {{ problem {{ message }} }} }}"
    operation = (
        "mutation ($id: ID!, $key: String) { launchCampaign(campaignId: $id, idempotencyKey: $key) { %s } }"
        % started
    )
    done = api.do(operation, id=campaign_id, key=f"example:{campaign_id}")
    for problem in filter(None, (each["problem"] for each in done.get("launches", ()))):
        raise Refused(problem["message"])


def is_live(stages: list[Any]) -> bool:
    """Whether any submission may still do something."""
    return any(s["state"] in LIVE and s["count"] for stage in stages for s in stage["submissions"])


def is_whole(stages: list[Any]) -> bool:
    """Whether all files went through all stages."""
    done = {stage["name"]: stage for stage in stages}
    return not is_live(stages) and done["merge"]["filesDone"] == FILES


def follow(api: Client, campaign_id: str) -> list[Any]:
    """Show a live line per stage until nothing goes on; comes back when the connection is lost."""
    board, end = Board(), time.monotonic() + MOST_S
    while time.monotonic() < end:
        try:
            watch(api, campaign_id, board)
            stages: list[Any] = settled(api, campaign_id)
            if stages:
                board.show(stages, at_once=True)
                return stages
        except (httpx2.HTTPError, Refused, ValueError, LookupError, TypeError) as e:
            board.say(f"Lost the connection ({e}); trying again.")
            time.sleep(1)
    return settled(api, campaign_id)


def watch(api: Client, campaign_id: str, board: Board) -> None:
    """Show the campaign for as long as something is live in it."""
    for found in api.listen(WATCH, id=campaign_id):
        board.show(found["stages"])
        if not is_live(found["stages"]):
            return


def settled(api: Client, campaign_id: str) -> list[Any]:
    """The stages once all is done, or nothing has begun for a while; empty when it goes on."""
    quiet = time.monotonic() + QUIET_S
    while True:
        stages: list[Any] = api.ask(NOW, id=campaign_id)["stages"]
        if is_live(stages):
            return []
        if is_whole(stages) or time.monotonic() > quiet:
            return stages
        time.sleep(0.3)


FILES_OF = """query ($id: ID!, $i: String, $o: String) { submission(id: $id) {
  inputs(outcome: [DONE], first: 100, after: $i) { nodes { file { name } } pageInfo { hasNextPage endCursor } }
  outputs(states: [LOCATED], first: 100, after: $o) { nodes { name events } pageInfo { hasNextPage endCursor } } } }"""
PAGE = """query ($f: SubmissionsFilter!, $a: String) { submissions(filter: $f, first: 100, after: $a) {
  nodes { id } pageInfo { hasNextPage endCursor } } }"""


def record(api: Client, found: Any) -> dict[str, Any]:
    """POMS's own record: which files each stage made and processed, and how many events they hold."""
    return {stage["name"]: record_of(api, stage["id"]) for stage in found["stages"]}


def record_of(api: Client, stage_id: str) -> dict[str, Any]:
    """The record of one stage, page by page."""
    files: list[Any] = []
    processed: list[str] = []
    for submission_id in submissions(api, stage_id):
        at: dict[str, Any] = {"i": None, "o": None}
        more = {"inputs": True, "outputs": True}
        while any(more.values()):
            page = api.ask(FILES_OF, id=submission_id, **at)
            if more["inputs"]:
                processed += [node["file"]["name"] for node in page["inputs"]["nodes"]]
            if more["outputs"]:
                files += page["outputs"]["nodes"]
            for what, key in (("inputs", "i"), ("outputs", "o")):
                more[what] = more[what] and page[what]["pageInfo"]["hasNextPage"]
                at[key] = page[what]["pageInfo"]["endCursor"] or at[key]
    return {
        "files": sorted(f["name"] for f in files),
        "processed": sorted(processed),
        "events": sum(f["events"] or 0 for f in files),
    }


def submissions(api: Client, stage_id: str) -> list[str]:
    """All submissions of a stage."""
    ids: list[str] = []
    after = None
    while True:
        page = api.ask(PAGE, f={"stageId": stage_id}, a=after)
        ids += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return ids


def verify(store: Path, said: dict[str, Any]) -> int:
    """Let the verifier, which uses no code of ours, recompute everything from the files on disk."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(said, file)
        file.flush()
        script = Path(__file__).with_name("verify.py")
        words = [str(store / EXPERIMENT / CAMPAIGN), "--against", file.name]
        done = subprocess.run([sys.executable, "-I", str(script), *words], check=False)
        return done.returncode


def main() -> int:
    """Load, launch, follow, account, verify."""
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
    api = Client(asked.url, asked.token)
    found = find(api) or load(api, asked.faults, asked.batch_system)
    began = time.monotonic()
    if not api.ask(SUBMISSIONS, f={"campaignId": found["id"]})["nodes"]:
        launch(api, found["id"])
    stages = follow(api, found["id"])
    table(stages, time.monotonic() - began)
    return verify(asked.store, record(api, found))


if __name__ == "__main__":
    sys.exit(main())
