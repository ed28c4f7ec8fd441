"""Programs that submit by themselves, on a real pool: what they submit is adopted, whatever dies when."""

import getpass
import re
from pathlib import Path

import pytest

from db.batch import discrepancies
from db.pool import Pool as Database
from db.submissions import actions
from domain.submissions.jobs import JobActionVerb
from tests.batch.launch_script_fixture import (
    KIND,
    NUMBERED,
    ScriptFixture,
    make_own_keys,
    needs_sshd,
    run_sshd,
)
from tests.batch.pools import Pool
from tests.batch.shared_house import SMALL, SharedHouse
from tests.workers.house import wait_until
from tests.workers.test_kill_points import kill_worker_at

pytestmark = pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
SILENCE_S = 60


async def test_a_script_that_submits_three_clusters_is_followed_to_its_end(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    held = f"{NUMBERED}\nhold = true"
    script = await ScriptFixture.make(
        house, db, pool, silence_s=SILENCE_S, bad=["3"], more=[NUMBERED, NUMBERED, held]
    )
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()

    async def adopted() -> bool:
        return bool(await db.fetchval("SELECT count(*) FROM cluster WHERE jobs = 2"))

    await wait_until(adopted, "the first cluster", house)
    assert await script.value("state", id) == "submitting"
    assert script.noted("ends") == 0

    async def is_held() -> bool:
        return bool(await script.value("jobs_held", id) == 2)

    await wait_until(is_held, "the held jobs", house, within=120)
    rows = await db.fetch("SELECT number, native_id, state, text FROM job ORDER BY number")
    assert [row["state"] for row in rows][4:] == ["held", "held"]
    assert "on hold at user's request" in rows[4]["text"]
    assert await db.fetchval("SELECT count(*) FROM cluster") == 3
    assert len({row["native_id"] for row in rows}) == 6
    await actions.request_action(db, id, JobActionVerb.RELEASE, "go on", script.plant.person_id)
    await wait_until(script.settled, "the end of all", house, within=120)
    states = await db.fetch(
        "SELECT state, exit_code, reason, cpu_s, wall_s FROM job WHERE submission_id = $1 ORDER BY number",
        id,
    )
    assert [row["state"] for row in states].count("succeeded") == 5
    (failed,) = [row for row in states if row["state"] == "failed"]
    assert (failed["exit_code"], failed["reason"]) == (7, "exit")
    assert all(row["wall_s"] is not None and row["cpu_s"] is not None for row in states)
    families = await db.fetch("SELECT state, jobs FROM submission ORDER BY id")
    assert [tuple(row) for row in families] == [("located", 6), ("located", 1)]
    assert await script.count_done() == 6
    assert (script.noted("begins"), script.noted("submits"), script.noted("ends")) == (2, 4, 2)
    output = await script.output(id)
    assert "I am" in output
    assert "2 job(s) submitted to cluster" in output
    assert not await db.fetchval("SELECT count(*) FROM discrepancy")


async def test_what_a_script_had_not_submitted_when_it_failed_is_recovered(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    script = await ScriptFixture.make(house, db, pool, exit=3)
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()
    await wait_until(script.settled, "the end of all", house, within=120)
    rows = await db.fetch(
        "SELECT state, reason, text FROM job WHERE submission_id = $1 ORDER BY number", id
    )
    assert [row["state"] for row in rows] == ["succeeded"] * 2 + ["failed"] * 4
    said = "The launch script ended with exit code 3 before it had submitted this job."
    assert {(row["reason"], row["text"]) for row in rows[2:]} == {("not_submitted", said)}
    attempt = await db.fetchrow("SELECT * FROM launch_attempt WHERE submission_id = $1", id)
    assert attempt is not None
    assert (attempt["script_end"], attempt["exit_code"]) == ("exited", 3)
    families = await db.fetch("SELECT state, jobs, files FROM submission ORDER BY id")
    assert [tuple(row) for row in families] == [("located", 6, 6), ("located", 4, 4)]
    assert await script.count_done() == 6
    assert (script.noted("begins"), script.noted("submits")) == (2, 3)


async def test_programs_that_know_nothing_of_us_are_accounted_for_by_their_exit_codes(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    program = house.tmp / "simple.sh"
    program.write_text('#!/bin/sh\n[ "$1" != 4 ]\n')
    program.chmod(0o755)
    script = await ScriptFixture.make(
        house, db, pool, consumption="exit_code", completion="complete", patterns=[], words=["-terse"],
        executable=str(program), more=[""] * 3,
    )  # fmt: skip
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()

    async def is_over() -> bool:
        return await script.value("ended_at", id) is not None

    await wait_until(is_over, "its end", house, within=120)
    rows = await db.fetch(
        "SELECT state, reason, exit_code FROM job WHERE submission_id = $1 ORDER BY number", id
    )
    assert [row["state"] for row in rows] == ["succeeded"] * 3 + ["failed"] + ["succeeded"] * 2
    assert (rows[3]["reason"], rows[3]["exit_code"]) == ("exit", 1)
    files = await db.fetch(
        "SELECT outcome FROM input_file WHERE submission_id = $1 ORDER BY number", id
    )
    assert [row["outcome"] for row in files] == ["done"] * 3 + ["failed"] + ["done"] * 2
    assert (await script.value("files_done", id), await script.value("files_failed", id)) == (5, 1)


async def test_with_exit_codes_alone_each_stage_after_is_launched_once_by_the_name_that_poms_gives(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    script = await ScriptFixture.make(
        house, db, pool, consumption="exit_code", patterns=[], words=["-terse"], executable="/bin/true", more=[""] * 3,
    )  # fmt: skip
    plant = script.plant
    command = [*await db.fetchval("SELECT command FROM job_type"), "%(dataset)s"]
    fed = [await plant.dataset(f"stage:{name}") for name in ("reco", "merge")]
    reco = await plant.stage("reco", command, dataset_id=fed[0], resources=SMALL, split="nfiles(1)")
    merge = await plant.stage("merge", command, dataset_id=fed[1], resources=SMALL)
    for upstream, downstream in ((script.stage_id, merge), (script.stage_id, reco), (reco, merge)):
        await plant.edge(upstream, downstream, ["*.root"])
    await db.execute("UPDATE stage SET batch_system = 'htcondor'")
    await db.execute(KIND, "exit_code")
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    first = await script.launch()
    await wait_until(script.settled, "the end of all", house, within=120)
    rows = await db.fetch(
        "SELECT id, stage_id, upstream_id, state, reason FROM submission ORDER BY id"
    )
    assert {(row["stage_id"], row["upstream_id"]) for row in rows[1:3]} == {
        (reco, first),
        (merge, first),
    }
    of_reco = next(row["id"] for row in rows if row["stage_id"] == reco)
    assert [(row["stage_id"], row["upstream_id"]) for row in rows[3:]] == [(merge, of_reco)]
    for row in rows:
        assert row["state"] == "located"
        assert "nothing but exit codes" in row["reason"]
        number = 2 if (row["stage_id"], row["upstream_id"]) == (merge, first) else 1
        name = f"poms_depends_{row['upstream_id']}_{number}" if row["upstream_id"] else ""
        assert f"It works on {name}".strip() in (await script.output(row["id"])).splitlines()
    assert await db.fetchval("SELECT count(*) FROM slice WHERE ordinals IS NOT NULL") == 1


@pytest.mark.parametrize(
    ("point", "submitted", "repair"),
    [
        ("script.run.before", 0, "relaunch"),
        ("script.adopt.before", 1, "inspect"),
        ("script.count.before", 1, "inspect"),
        ("script.ended.before", 3, "inspect"),
        ("script.settled.before", 3, None),
        ("script.conclude.before", 3, None),
        ("script.conclude.after", 3, None),
    ],
)
async def test_a_script_dies_with_its_worker_and_is_never_run_again_by_itself(
    house: SharedHouse, db: Database, pool: Pool, point: str, submitted: int, repair: str | None
) -> None:
    script = await ScriptFixture.make(house, db, pool, silence_s=1 if submitted == 3 else 30)
    id = await script.launch()
    await kill_worker_at(house, point, POMS_HTCONDOR_INTERVAL_S="1")
    await db.execute("UPDATE submission SET lease_until = now() WHERE lease_until IS NOT NULL")
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    if not submitted:
        await wait_until(lambda: is_undecided(db), "the discrepancy", house)
        found = await db.fetchval("SELECT id FROM discrepancy")
        await discrepancies.request_repair(db, found, script.plant.person_id)
    await wait_until(script.settled, "the end of all", house, within=120)
    assert await script.count_done() == 6
    filed = await db.fetch("SELECT kind, repair, details FROM discrepancy")
    is_filed = [("cut_off_script", repair)] * (repair is not None)
    assert [(row["kind"], row["repair"]) for row in filed] == is_filed, filed
    whole = ["begins", *["submits"] * 3, "ends"]
    assert script.of(id) == (["begins", "submits"] if submitted == 1 else whole)
    assert await db.fetchval("SELECT count(*) FROM submission") == 1 + (submitted == 1)


async def is_undecided(db: Database) -> bool:
    return bool(
        await db.fetchval(
            "SELECT count(*) FROM submission s JOIN discrepancy d ON d.submission_id = s.id"
            " WHERE s.state = 'uncertain' AND s.lease_holder IS NULL"
        )
    )


async def test_one_who_removes_the_jobs_stops_the_script_first(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    script = await ScriptFixture.make(
        house, db, pool, silence_s=60, more=[f"{NUMBERED}\nhold = true"] * 3
    )
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()

    async def is_held() -> bool:
        return bool(await script.value("jobs_held", id) == 2)

    await wait_until(is_held, "the first jobs", house)
    await actions.request_action(db, id, JobActionVerb.REMOVE, "a mistake", script.plant.person_id)
    await wait_until(script.settled, "the end of all", house)
    row = await db.fetchrow("SELECT state, reason, jobs_removed FROM submission")
    assert row is not None
    assert tuple(row) == ("cancelled", "a mistake", 6)
    assert script.of(id) == ["begins", "submits"]


async def test_a_script_that_submits_nothing_has_failed_to_launch_and_says_why(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    script = await ScriptFixture.make(house, db, pool)
    await db.execute("UPDATE job_type SET recoveries = '[]', command = $1", ["sh", "-c", WORDS])
    house.worker(POMS_HTCONDOR_INTERVAL_S="1", POMS_SCRIPT_LIMIT_S="1.5", SECRET="hidden")
    id = await script.launch()
    await wait_until(script.settled, "the end of all", house)
    row = await db.fetchrow("SELECT state, reason FROM submission")
    assert row is not None
    assert row["state"] == "launch_failed"
    said = "The launch script was stopped after 2 s, its time limit, and had submitted nothing."
    assert row["reason"].startswith(f"{said} Its last words:")
    assert "set up: 1" in row["reason"]
    output = await script.output(id)
    assert "hidden" not in output
    assert "POMS_DATABASE_URL" not in output
    assert "Use job id 5.0@elsewhere.example.org" in output
    found = await db.fetchrow("SELECT kind, native_id, repair FROM discrepancy")
    assert found is not None
    assert tuple(found) == ("not_followed", "5@elsewhere.example.org", "inspect")


WORDS = """
env
echo "set up: $SET_UP"
echo Use job id 5.0@elsewhere.example.org to retrieve output
sleep 60
"""


@needs_sshd
async def test_a_script_runs_on_another_host_by_ssh(
    house: SharedHouse, db: Database, pool: Pool
) -> None:
    script = await ScriptFixture.make(house, db, pool)
    with run_sshd(house.tmp / "sshd") as (port, configuration):
        await db.execute("UPDATE launch_host SET kind = 'ssh', address = $1", f"far:{port}")
        await db.execute("UPDATE login_setup SET account = $1", getpass.getuser())
        await db.execute("UPDATE launch_host SET accounts = ARRAY['*']")
        await db.execute(
            "INSERT INTO allowed_account SELECT id, 'production', accounts FROM launch_host"
        )
        keys = make_own_keys(house.tmp / "keys", script.plant.experiment_id, configuration)
        house.worker(POMS_HTCONDOR_INTERVAL_S="1", POMS_SSH_KEYS=str(keys))
        id = await script.launch()
        await wait_until(script.settled, "the end of all", house, within=120)
    assert await script.value("state", id) == "located"
    assert await script.count_done() == 6
    output = await script.output(id)
    assert "[POMS] The launch script runs on far" in output
    (folder,) = re.findall(r"I am \d+ in (\S+) \[\]", output)
    assert "sandbox" not in folder
    assert not Path(folder).exists()
