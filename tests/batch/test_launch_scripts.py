"""Programs that submit by themselves, on a real pool: what they submit is adopted, whatever dies when."""

import getpass
import re
from pathlib import Path

import pytest

from db import actions, discrepancies
from db.pool import Pool as Database
from domain.jobs import Verb
from tests.batch.pools import Pool
from tests.batch.scripted import NUMBERED, SSHD, Scripted, sshd
from tests.batch.shared import Shared
from tests.workers.house import until
from tests.workers.test_kill_points import dies_at

pytestmark = pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
SILENCE_S = 60


async def test_a_script_that_submits_three_clusters_is_followed_to_its_end(
    house: Shared, db: Database, pool: Pool
) -> None:
    held = f"{NUMBERED}\nhold = true"
    script = await Scripted.make(
        house, db, pool, silence_s=SILENCE_S, bad=["3"], more=[NUMBERED, NUMBERED, held]
    )
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()

    async def adopted() -> bool:
        return bool(await db.fetchval("SELECT count(*) FROM cluster WHERE jobs = 2"))

    await until(adopted, "the first cluster", house)
    assert await script.value("state", id) == "submitting"
    assert script.noted("ends") == 0

    async def is_held() -> bool:
        return bool(await script.value("jobs_held", id) == 2)

    await until(is_held, "the held jobs", house, within=120)
    rows = await db.fetch("SELECT number, native_id, state, text FROM job ORDER BY number")
    assert [row["state"] for row in rows][4:] == ["held", "held"]
    assert "on hold at user's request" in rows[4]["text"]
    assert await db.fetchval("SELECT count(*) FROM cluster") == 3
    assert len({row["native_id"] for row in rows}) == 6
    await actions.ask(db, id, Verb.RELEASE, "go on", script.plant.person_id)
    await until(script.settled, "the end of all", house, within=120)
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
    assert await script.done() == 6
    assert (script.noted("begins"), script.noted("submits"), script.noted("ends")) == (2, 4, 2)
    output = await script.output(id)
    assert "I am" in output
    assert "2 job(s) submitted to cluster" in output
    assert not await db.fetchval("SELECT count(*) FROM discrepancy")


async def test_what_a_script_had_not_submitted_when_it_failed_is_recovered(
    house: Shared, db: Database, pool: Pool
) -> None:
    script = await Scripted.make(house, db, pool, exit=3)
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()
    await until(script.settled, "the end of all", house, within=120)
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
    assert await script.done() == 6
    assert (script.noted("begins"), script.noted("submits")) == (2, 3)


async def test_programs_that_know_nothing_of_us_are_accounted_for_by_their_exit_codes(
    house: Shared, db: Database, pool: Pool
) -> None:
    program = house.tmp / "simple.sh"
    program.write_text('#!/bin/sh\n[ "$1" != 4 ]\n')
    program.chmod(0o755)
    script = await Scripted.make(
        house, db, pool, consumption="exit_code", completion="complete", patterns=[], words=["-terse"],
        executable=str(program), more=[""] * 3,
    )  # fmt: skip
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()

    async def is_over() -> bool:
        return await script.value("ended_at", id) is not None

    await until(is_over, "its end", house, within=120)
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


@pytest.mark.parametrize(
    ("point", "submitted", "repair"),
    [
        ("script.run.before", 0, "relaunch"),
        ("script.adopt.before", 1, "look"),
        ("script.count.before", 1, "look"),
        ("script.ended.before", 3, "look"),
        ("script.settled.before", 3, None),
        ("script.conclude.before", 3, None),
        ("script.conclude.after", 3, None),
    ],
)
async def test_a_script_dies_with_its_worker_and_is_never_run_again_by_itself(
    house: Shared, db: Database, pool: Pool, point: str, submitted: int, repair: str | None
) -> None:
    script = await Scripted.make(house, db, pool, silence_s=1 if submitted == 3 else 30)
    id = await script.launch()
    await dies_at(house, point, POMS_HTCONDOR_INTERVAL_S="1")
    await db.execute("UPDATE submission SET lease_until = now() WHERE lease_until IS NOT NULL")
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    if not submitted:
        await until(lambda: undecided(db), "the discrepancy", house)
        found = await db.fetchval("SELECT id FROM discrepancy")
        await discrepancies.ask(db, found, script.plant.person_id)
    await until(script.settled, "the end of all", house, within=120)
    assert await script.done() == 6
    filed = await db.fetch("SELECT kind, repair, details FROM discrepancy")
    is_filed = [("cut_off_script", repair)] * (repair is not None)
    assert [(row["kind"], row["repair"]) for row in filed] == is_filed, filed
    whole = ["begins", *["submits"] * 3, "ends"]
    assert script.of(id) == (["begins", "submits"] if submitted == 1 else whole)
    assert await db.fetchval("SELECT count(*) FROM submission") == 1 + (submitted == 1)


async def undecided(db: Database) -> bool:
    return bool(
        await db.fetchval(
            "SELECT count(*) FROM submission s JOIN discrepancy d ON d.submission_id = s.id"
            " WHERE s.state = 'uncertain' AND s.lease_holder IS NULL"
        )
    )


async def test_one_who_removes_the_jobs_stops_the_script_first(
    house: Shared, db: Database, pool: Pool
) -> None:
    script = await Scripted.make(
        house, db, pool, silence_s=60, more=[f"{NUMBERED}\nhold = true"] * 3
    )
    house.worker(POMS_HTCONDOR_INTERVAL_S="1")
    id = await script.launch()

    async def is_held() -> bool:
        return bool(await script.value("jobs_held", id) == 2)

    await until(is_held, "the first jobs", house)
    await actions.ask(db, id, Verb.REMOVE, "a mistake", script.plant.person_id)
    await until(script.settled, "the end of all", house)
    row = await db.fetchrow("SELECT state, reason, jobs_removed FROM submission")
    assert row is not None
    assert tuple(row) == ("cancelled", "a mistake", 6)
    assert script.of(id) == ["begins", "submits"]


async def test_a_script_that_submits_nothing_has_failed_to_launch_and_says_why(
    house: Shared, db: Database, pool: Pool
) -> None:
    script = await Scripted.make(house, db, pool)
    await db.execute("UPDATE job_type SET recoveries = '[]', command = $1", ["sh", "-c", WORDS])
    house.worker(POMS_HTCONDOR_INTERVAL_S="1", POMS_SCRIPT_LIMIT_S="1.5", SECRET="hidden")
    id = await script.launch()
    await until(script.settled, "the end of all", house)
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
    assert tuple(found) == ("not_followed", "5@elsewhere.example.org", "look")


WORDS = """
env
echo "set up: $SET_UP"
echo Use job id 5.0@elsewhere.example.org to retrieve output
sleep 60
"""


@pytest.mark.skipif(not Path(SSHD).exists(), reason="there is no sshd")
async def test_a_script_runs_on_another_host_by_ssh(
    house: Shared, db: Database, pool: Pool
) -> None:
    script = await Scripted.make(house, db, pool)
    with sshd(house.tmp / "sshd") as (port, configuration):
        await db.execute("UPDATE launch_host SET kind = 'ssh', address = $1", f"127.0.0.1:{port}")
        await db.execute("UPDATE login_setup SET account = $1", getpass.getuser())
        house.worker(POMS_HTCONDOR_INTERVAL_S="1", POMS_SSH_CONFIGURATION=str(configuration))
        id = await script.launch()
        await until(script.settled, "the end of all", house, within=120)
    assert await script.value("state", id) == "located"
    assert await script.done() == 6
    output = await script.output(id)
    assert "[POMS] The launch script runs on 127.0.0.1" in output
    (folder,) = re.findall(r"I am \d+ in (\S+) \[\]", output)
    assert "sandbox" not in folder
    assert not Path(folder).exists()
