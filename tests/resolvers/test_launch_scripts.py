"""Launch scripts through the API: what they may be, where they may be, and what is seen of them."""

from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import JOB_TYPE, SAVE, Ask, build_campaign_input, build_stage_input

SHOWN = "query ($id: ID!) { node(id: $id) { ... on JobType { kind consumption } } }"
LAUNCH = """
    mutation ($stage: ID!) {
      launchStage(input: {id: $stage}) { __typename ... on Submission { id configuration } ... on Problem { message } }
    }
"""
PREVIEW = "query ($stage: ID!) { previewLaunch(id: $stage) { launch { command planHash } problem { message } } }"
CLUSTERS = """
    query ($id: ID!) { node(id: $id) { ... on Submission {
      clusters { batchSystem nativeId attempt jobs } launchAttempts { scriptEnd exitCode }
    } } }
"""

pytestmark = pytest.mark.usefixtures("configured")


async def save_script(ask: Ask, **more: Any) -> dict[str, Any]:
    given = {
        "experiment": "hypot",
        "name": "fife",
        "command": ["fife_launch", "-c", "x.cfg"],
        **more,
    }
    found: dict[str, Any] = (await ask(JOB_TYPE, {"input": given}))["createJobType"]
    return found


async def save_script_campaign(ask: Ask, **given: Any) -> dict[str, Any]:
    wanted = build_campaign_input(
        build_stage_input("gen", jobType="fife", kind="GENERATOR", **given)
    )
    found: dict[str, Any] = (await ask(SAVE, {"input": wanted}))["saveCampaign"]
    return found


async def test_a_job_type_says_what_it_is_and_who_tells_of_its_files(ask: Ask) -> None:
    made = await save_script(ask, kind="SCRIPT", consumption="EXIT_CODE")
    found = await ask(SHOWN, {"id": made["id"]})
    assert found["node"] == {"kind": "SCRIPT", "consumption": "EXIT_CODE"}
    plain = await ask(SHOWN, {"id": (await save_script(ask, name="plain"))["id"]})
    assert plain["node"] == {"kind": "PAYLOAD", "consumption": "PAYLOAD"}
    wrong = await save_script(ask, name="wrong", consumption="EXIT_CODE")
    assert wrong["__typename"] == "InvalidJobType"
    assert [finding["path"] for finding in wrong["findings"]] == ["consumption"]


@pytest.mark.parametrize("batch_system", ["local", "slurm"])
async def test_a_stage_has_its_script_where_jobs_can_be_followed(
    ask: Ask, db: Pool, batch_system: str
) -> None:
    await save_script(ask, kind="SCRIPT")
    refused = await save_script_campaign(ask, batchSystem=batch_system)
    assert refused["__typename"] == "InvalidCampaign"
    (finding,) = refused["findings"]
    assert finding["path"] == "stages[0].batchSystem"
    assert f"{batch_system} can't be" in finding["message"]
    saved = await save_script_campaign(ask, batchSystem="htcondor")
    assert saved["__typename"] == "CampaignSaved", saved
    # A job type that becomes a script later, or a stage that somebody moves, is refused when it is launched.
    await db.execute("UPDATE stage SET batch_system = $1", batch_system)
    id = saved["campaign"]["stages"][0]["id"]
    launched = (await ask(LAUNCH, {"stage": id}))["launchStage"]
    assert f"{batch_system} can't be" in launched["message"]


async def test_a_launch_keeps_where_its_script_runs_and_shows_its_clusters(
    ask: Ask, db: Pool
) -> None:
    await save_script(ask, kind="SCRIPT", parameters=[{"key": "--stage=", "value": "%(stage)s"}])
    await db.execute("UPDATE login_setup SET setup = $1", ["setup code %(version)s"])
    await db.execute("UPDATE launch_host SET account = 'hypotpro'")
    saved = await save_script_campaign(ask, batchSystem="htcondor", softwareVersion="v3")
    id = saved["campaign"]["stages"][0]["id"]
    command = ["fife_launch", "-c", "x.cfg", "--stage=gen"]
    shown = (await ask(PREVIEW, {"stage": id}))["previewLaunch"]
    assert shown["launch"]["command"] == command
    launched = (await ask(LAUNCH, {"stage": id}))["launchStage"]
    config = launched["configuration"]
    assert (config["job_kind"], config["consumption"]) == ("script", "payload")
    assert config["command"] == command
    assert config["login"]["setup"] == ["setup code v3"]
    number = int(launched["id"].split(":")[1])
    await db.execute(
        "INSERT INTO launch_attempt VALUES ($1, 1, 'htcondor', 'm', 'sent', 'me')", number
    )
    await db.execute("UPDATE launch_attempt SET script_end = 'exited', exit_code = 3")
    await db.execute("INSERT INTO cluster VALUES ('htcondor', '17', $1, 1, 1, 3)", number)
    await db.execute("INSERT INTO cluster VALUES ('htcondor', '18', $1, 1, 4, NULL)", number)
    seen = (await ask(CLUSTERS, {"id": launched["id"]}))["node"]
    assert [(c["nativeId"], c["jobs"]) for c in seen["clusters"]] == [("17", 3), ("18", None)]
    assert seen["launchAttempts"] == [{"scriptEnd": "EXITED", "exitCode": 3}]


async def test_a_keyword_in_the_setup_is_a_plain_word_or_nothing_is_launched(
    ask: Ask, db: Pool
) -> None:
    await save_script(ask, kind="SCRIPT")
    await db.execute("UPDATE login_setup SET setup = $1", ["setup code %(version)s"])
    await db.execute("UPDATE launch_host SET account = 'hypotpro'")
    saved = await save_script_campaign(ask, batchSystem="htcondor", softwareVersion="v3; rm -rf /")
    id = saved["campaign"]["stages"][0]["id"]
    launched = (await ask(LAUNCH, {"stage": id}))["launchStage"]
    assert "only plain words" in launched["message"]
