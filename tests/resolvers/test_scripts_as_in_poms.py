"""Launch scripts whose stages others launch, in campaigns that sleep, loop, or log in by keywords: as POMS does it."""

from dataclasses import replace
from typing import Any

import pytest

from db.launching import queue, slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import recovery_chain
from db.submissions.submissions import Submission
from domain.changes import ServicePart
from domain.launching.queue import IfBusy
from tests.forced_states import force_state
from tests.resolvers.conftest import Ask
from tests.resolvers.test_importing import ACTIVATE, import_text
from tests.resolvers.test_launch_scripts import LAUNCH
from workers import advance

pytestmark = pytest.mark.usefixtures("configured")
HEAD = """\
[campaign]
name = spring
[campaign_defaults]
login_setup = here
job_type = fife
stage_type = regular
completion_type = located
campaign_keywords = {"who": "hypotpro"}
[job_type fife]
launch_script = fife_launch
parameters = [["-Osubmit.dataset=", "%(dataset)s"]]
"""
FILE = """
    INSERT INTO file (experiment_id, name, size, location)
    SELECT id, $1, 0, '' FROM experiment WHERE name = 'hypot' RETURNING id
"""
OUTPUT = """
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, file_id)
    VALUES ($1, 1, 1, 'x.art', '', 0, '', 'located', $2)
"""


async def import_stages(ask: Ask, db: Pool, text: str) -> dict[str, int]:
    """The ids of the stages of a campaign, whose launch scripts may run."""
    await db.execute("UPDATE launch_host SET account = 'nobody'")
    found = await import_text(ask, HEAD + text)
    assert not found["campaign"]["draft"], found["effect"]["findings"]
    rows = await db.fetch("SELECT name, id FROM stage WHERE active")
    return {row["name"]: row["id"] for row in rows}


async def launch_stage(ask: Ask, id: int) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(LAUNCH, {"stage": f"stage:{id}"}))["launchStage"]
    return found


async def end_submission(db: Pool, id: int) -> list[Submission]:
    """What is launched when its jobs are over, and well."""
    await force_state(db, "completed", "id = $1", id)
    async with db.acquire() as conn, conn.transaction():
        [member] = await recovery_chain.lock_members(conn, id)
        return await advance.settle_submission(conn, member)


def read_number(launched: dict[str, Any]) -> int:
    return int(launched["id"].partition(":")[2])


async def test_a_stage_with_work_of_its_own_works_on_that_by_hand_and_on_its_parents_when_triggered(
    ask: Ask, db: Pool
) -> None:
    raw = await db.fetchval("UPDATE dataset SET head = 1 WHERE name = 'raw' RETURNING id")
    await db.execute(
        "INSERT INTO dataset_file VALUES ($1, 0, $2)", raw, await db.fetchval(FILE, "r")
    )
    text = "[campaign_stage gen]\n[campaign_stage reco]\ndataset_or_split_data = raw\n"
    text += "[campaign_stage ana]\ncs_split_type = list\ndataset_or_split_data = a,b\n"
    for name in ("reco", "ana"):
        text += f"[dependencies {name}]\ncampaign_stage_1 = gen\nfile_pattern_1 = %.art\n"
    ids = await import_stages(ask, db, text + "[dependencies gen]\ncampaign_stage_1 = gen\n")
    for name, dataset in (("reco", "raw"), ("ana", "a"), ("gen", "None")):
        launched = await launch_stage(ask, ids[name])
        assert launched["configuration"]["command"] == [
            "fife_launch",
            f"-Osubmit.dataset={dataset}",
        ]
    first = read_number(launched)
    made = {one.stage_id: one.runs_with.command[1] for one in await end_submission(db, first)}
    assert made == {  # the edge of gen to itself is not counted
        ids["gen"]: "-Osubmit.dataset=None",
        ids["reco"]: f"-Osubmit.dataset=poms_depends_{first}_1",
        ids["ana"]: f"-Osubmit.dataset=poms_depends_{first}_2",
    }
    assert not await db.fetchval("SELECT count(*) FROM dataset WHERE name LIKE 'poms_depends%'")
    # Where it is known what was made, the name is that of a dataset with these files, as they come.
    await db.execute("UPDATE job_type SET consumption = 'payload' WHERE name = 'fife'")
    second = read_number(await launch_stage(ask, ids["gen"]))
    file = await db.fetchval(FILE, "x.art")
    await db.execute(OUTPUT, second, file)
    await db.execute("UPDATE submission SET outputs_located = 1 WHERE id = $1", second)
    made = {one.stage_id: one.runs_with.command[1] for one in await end_submission(db, second)}
    assert made[ids["reco"]] == f"-Osubmit.dataset=poms_depends_{second}_1"
    heads = await db.fetch(
        "SELECT name, head FROM dataset WHERE name LIKE 'poms_depends%' ORDER BY 1"
    )
    assert [(row[0], row[1]) for row in heads] == [
        (f"poms_depends_{second}_{n}", 1) for n in (1, 2)
    ]
    assert await db.fetchval("SELECT head FROM dataset WHERE id = $1", raw) == 1


async def test_a_loop_goes_round_once_wherever_it_begins(ask: Ask, db: Pool) -> None:
    text = "".join(f"[campaign_stage {name}]\n" for name in "abc")
    for down, up in ("ba", "cb", "ac"):
        text += f"[dependencies {down}]\ncampaign_stage_1 = {up}\n"
    ids = await import_stages(ask, db, text)
    for begin, order in (("a", "bc"), ("b", "ca")):
        launched = await launch_stage(ask, ids[begin])
        assert launched["configuration"]["command"][1] == "-Osubmit.dataset=None"
        last = read_number(launched)
        for name in order:
            [follower] = await end_submission(db, last)
            assert follower.stage_id == ids[name]
            last = follower.id
        assert await end_submission(db, last) == []


async def test_a_launch_by_hand_wakes_an_inactive_campaign_and_no_other_one(
    ask: Ask, db: Pool
) -> None:
    text = "[campaign_stage gen]\n[campaign_stage reco]\ncs_split_type = nfiles(1)\n"
    text += "[dependencies reco]\ncampaign_stage_1 = gen\n"
    ids = await import_stages(ask, db, text)
    campaign = f"campaign:{await db.fetchval('SELECT id FROM campaign')}"
    await ask(ACTIVATE, {"id": campaign, "active": False})
    active = "SELECT active FROM campaign"
    person = await db.fetchval("SELECT id FROM person WHERE username = 'anna'")
    scheduled = LaunchRequest(person, part=ServicePart.SCHEDULE)
    outcome = await slices.launch_next(db, ids["gen"], scheduled)
    assert outcome.submission
    assert outcome.submission.state == "queued"
    assert await queue.list_free_heads(db) == []
    again = await slices.launch_next(db, ids["gen"], replace(scheduled, if_busy=IfBusy.QUEUE_ONE))
    assert again.refusal is slices.LaunchRefusal.BUSY
    assert (await launch_stage(ask, ids["reco"]))["__typename"] == "DatasetWithoutFiles"
    assert not await db.fetchval(active)
    assert (await launch_stage(ask, ids["gen"]))["__typename"] == "Submission"
    assert await db.fetchval(active)
    [waiting] = await queue.list_free_heads(db)
    assert waiting.id == outcome.submission.id
    await import_text(ask, f"{HEAD}{text}[campaign_stage later]\ncompletion_pct = 500\n")
    assert (await launch_stage(ask, ids["gen"]))["__typename"] == "StageInactive"


async def test_an_account_is_what_its_keywords_say_at_the_launch_where_that_is_allowed(
    ask: Ask, db: Pool
) -> None:
    ids = await import_stages(ask, db, "[campaign_stage gen]\n")
    await db.execute(
        "UPDATE launch_host SET kind = 'ssh', address = 'a.example.org', accounts = '{hypot*}'"
    )
    await db.execute(
        "INSERT INTO allowed_account SELECT id, 'production', '{hypot*}' FROM launch_host"
    )
    for account, found in (
        ("%(who)s", "hypotpro"),
        ("%(experiment)s_%(experimenter)s", "hypot_anna"),
    ):
        await db.execute("UPDATE login_setup SET account = $1", account)
        launched = await launch_stage(ask, ids["gen"])
        assert launched["configuration"]["login"]["account"] == found
    for account, why in (
        ("%(version)sroot", "No service admin lets the experiment use the account root on here."),
        ("%(dataset)s", "'None' is no user name"),
        ("%(site)s", "There is no keyword 'site'"),
    ):
        await db.execute("UPDATE login_setup SET account = $1", account)
        assert why in (await launch_stage(ask, ids["gen"]))["message"]
