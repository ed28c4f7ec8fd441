"""A campaign file that `poms` uploads runs to its end wherever it says, and `poms watch` follows it."""

import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.pool import Pool as Database
from settings import Settings
from tests.application_server import SECRET, serve_application
from tests.batch.engines import Engine
from tests.batch.shared_house import OF_ITS_OWN, SMALL, SharedHouse
from tests.factories import Factory
from tests.poms.command_runner import INI, Poms, make_poms_of_anna
from tests.resolvers.conftest import PEOPLE


def write_file(house: SharedHouse, engine: Engine) -> str:
    """The file, with each stage's jobs on the batch system."""
    commands = {name: shlex.join(house.job(name, "2")) for name in ("gen", "proc")}
    there = f"batch_system = {json.dumps(engine.name)}\nresources = {json.dumps(SMALL)}\n"
    return f"{INI.format(**commands)}{there}[poms_stage proc]\n{there}"


@pytest.fixture
async def poms(
    db: Database, api_url: str, redis_url: str, house: SharedHouse, tmp_path: Path
) -> AsyncIterator[Poms]:
    """The command, and the service that it talks to."""
    await db.execute(PEOPLE)
    async with serve_application(
        Settings(api_url, redis_url, house.spool, house.store, SECRET)
    ) as address:
        yield make_poms_of_anna(f"http://{address}", tmp_path)


@pytest.mark.parametrize("engine", ["local_engine", "htcondor"], indirect=True)
async def test_a_campaign_that_is_uploaded_runs_to_its_end(
    poms: Poms, house: SharedHouse, engine: Engine, db: Database, tmp_path: Path
) -> None:
    await db.execute(OF_ITS_OWN)
    await Factory.make(db)
    file, again = tmp_path / "uploaded.ini", tmp_path / "again.ini"
    file.write_text(write_file(house, engine))
    planned = await poms("campaign", "diff", str(file), "--experiment", "hypot")
    assert (planned.code, "stage gen: added" in planned.out) == (0, True), planned
    assert await db.fetchval("SELECT count(*) FROM stage") == 0
    done = await poms("campaign", "upload", str(file), "--experiment", "hypot")
    assert (done.code, "revision 1, active" in done.out) == (0, True), done
    assert (await poms("campaign", "download", "uploaded", "-o", str(again))).code == 0
    same = await poms("--json", "campaign", "diff", str(again), "--experiment", "hypot")
    assert {change["change"] for change in same.json["changes"]} == {"UNCHANGED"}
    if engine.name == "local":
        house.runner()
    house.worker()
    assert (await poms("launch", "uploaded")).code == 0
    watched = await poms("--json", "watch", "uploaded", "--quiet", "4")
    assert watched.code == 0, watched.err + house.read_logs()
    last = json.loads(watched.out.splitlines()[-1])
    assert [(s["name"], s["outputsLocated"], s["filesDone"]) for s in last] == [
        ("gen", 3, 0),
        ("proc", 3, 3),
    ]
    ran = await db.fetch(
        "SELECT DISTINCT batch_system, slot FROM submission JOIN attempt ON submission_id = id"
    )
    assert {row["batch_system"] for row in ran} == {engine.name}
    assert all(engine.slot in row["slot"] for row in ran)
