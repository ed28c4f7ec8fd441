"""`poms launch` and `poms watch` on a campaign that really runs."""

import asyncio
import json
from pathlib import Path

import pytest

from db.pool import Pool
from tests.factories import Factory
from tests.poms.command_runner import INI, Poms
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.house import House


@pytest.fixture
def house(db: Pool, database_url: str, redis_url: str, tmp_path: Path) -> House:
    return House(db, database_url, redis_url, tmp_path)


async def test_a_campaign_is_launched_and_watched_to_its_end(
    poms: Poms, house: House, db: Pool
) -> None:
    await make_two_stage_campaign(house, await Factory.make(db))
    house.runner()
    house.worker()
    try:
        nothing = await poms("watch", "toy", "--quiet", "0.1")
        assert (nothing.code, "Nothing was launched" in nothing.err) == (7, True), nothing
        launched = await poms("--json", "launch", "toy/gen", "--key", "monday")
        again = await poms("--json", "launch", "toy/gen", "--key", "monday")
        assert launched.code == 0, launched.err
        assert [s["id"] for s in launched.json] == [s["id"] for s in again.json] == ["submission:1"]
        async with asyncio.timeout(90):
            watched = await poms("--json", "watch", "toy", "--quiet", "4")
        assert watched.code == 0, watched.err + house.read_logs()
        lines = [json.loads(line) for line in watched.out.splitlines()]
        assert [(s["name"], s["jobsSucceeded"], s["filesDone"]) for s in lines[-1]] == [
            ("gen", 4, 0),
            ("proc", 2, 4),
        ]
        for stage in lines[-1]:
            account = stage["account"]
            assert (account["verdict"], account["given"], account["done"]) == (
                "DONE", 4, {"count": 4, "percent": 100},
            )  # fmt: skip
        shown = await poms("status", "toy")
        assert shown.out.count("located") == 5  # the head of a column, and four submissions
    finally:
        house.stop()


async def test_what_can_not_be_launched_is_uploaded_as_a_draft_with_findings(
    poms: Poms, db: Pool, tmp_path: Path
) -> None:
    await Factory.make(db)
    file = tmp_path / "draft.ini"
    file.write_text(
        INI.format(gen="true", proc="true").replace("completion_pct = 100", "completion_pct = 500")
    )
    done = await poms("campaign", "upload", str(file), "--experiment", "hypot")
    assert (done.code, "revision 1, draft" in done.out) == (0, True)
    line = file.read_text().splitlines().index("completion_pct = 500") + 1
    assert f"draft.ini:{line}: [campaign_defaults] completion_pct: draft: " in done.out
    refused = await poms("campaign", "activate", "uploaded")
    assert (refused.code, refused.out) == (1, "")
    assert "completion_pct: " in refused.err


async def test_how_a_campaign_comes_out_has_its_own_exit_codes(
    poms: Poms, house: House, db: Pool
) -> None:
    plant = await Factory.make(db)
    await plant.stage("bad", ["false"], kind="generator", jobs_per_slice=2, recoveries=[])
    house.runner()
    house.worker()
    try:
        assert (await poms("launch", "toy/bad")).code == 0
        watched = await poms("watch", "toy", "--quiet", "1")
        assert (watched.code, "Nothing of it was done" in watched.err) == (6, True), (
            house.read_logs()
        )
        assert (await poms("watch", "toy", "--test", "--quiet", "0.1")).code == 7
        done = "UPDATE submission SET jobs_failed = 1, jobs_succeeded = 1"
        await db.execute(done)
        assert (await poms("watch", "toy", "--quiet", "0.1")).code == 5
        shown = await poms("status", "toy")
        assert ("failed, 1 lost" in shown.out, "1/2" in shown.out) == (True, True), shown.out
        await db.execute("UPDATE submission SET jobs_failed = 2, jobs_succeeded = 0")
        logs = await poms("logs", "submission:1")
        assert logs.out.startswith("2 failed jobs\n\n2 jobs: exit, exit code 1")
        planned = await poms("recover", "submission:1", "--type", "failed", "--plan")
        assert (planned.code, "in 2 jobs\nfalse" in planned.out) == (0, True), planned
        assert await db.fetchval("SELECT count(*) FROM submission") == 1
        assert (await poms("recover", "submission:1", "--type", "failed", stdin="n\n")).code == 1
        made = await poms("--json", "recover", "submission:1", "--type", "failed", "--yes")
        assert (made.code, made.json["id"], made.json["jobsTotal"]) == (0, "submission:2", 2), made
    finally:
        house.stop()
