"""A launch script finds what it works on by its name, and what its launcher has uploaded."""

import sys
from pathlib import Path

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool as Database
from poms import Client
from settings import Settings
from tests.application_server import SECRET, make_token, serve_application
from tests.batch.launch_script_fixture import ScriptFixture
from tests.batch.pools import Pool
from tests.batch.shared_house import SharedHouse
from tests.workers.house import ROOT, wait_until

READ = """
cat "$1" && echo
[ "$POMS_DATASET" = "$2" ] && "$3" -m poms dataset files "$2" | sed 's/^/It reads /'
shift 3 && exec "$@"
"""


@pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
async def test_a_launch_script_finds_its_files_by_name_and_its_uploads(
    house: SharedHouse, db: Database, pool: Pool, api_url: str, redis_url: str, tmp_path: Path
) -> None:
    script = await ScriptFixture.make(
        house, db, pool, consumption="exit_code", patterns=[], words=["-terse"], executable="/bin/true", more=[""] * 3,
    )  # fmt: skip
    await db.execute("UPDATE stage SET split = 'nfiles(3)'")
    given = ["$UPLOADS/x.cfg", "%(dataset)s", sys.executable]
    first = ["bash", "-c", READ, "read", *given]
    await db.execute("UPDATE job_type SET command = $1 || command", first)
    uploads = house.tmp / "uploads"
    uploads.mkdir()
    settings = Settings(api_url, redis_url, house.spool, house.store, SECRET, uploads=uploads)
    (tmp_path / "x.cfg").write_text("as uploaded")
    async with serve_application(settings) as address:
        url, token = f"http://{address}", make_token("anna")
        told = {"POMS_URL": url, "POMS_TOKEN": token, "PYTHONPATH": str(ROOT)}
        await db.execute("UPDATE login_setup SET environment = environment || $1", told)
        async with Client(url, token) as client:
            await client.put_upload("hypot", tmp_path / "x.cfg")
            id = await script.launch()
            (tmp_path / "x.cfg").write_text("as changed later")
            await client.put_upload("hypot", tmp_path / "x.cfg")
        house.worker(POMS_HTCONDOR_INTERVAL_S="1", POMS_UPLOADS=str(uploads))
        await wait_until(script.settled, "the end of all", house, within=120)
    output = (await script.output(id)).splitlines()
    assert "as uploaded" in output, output
    read = [line.removeprefix("It reads ") for line in output if line.startswith("It reads ")]
    assert read == [str(house.store / "raw" / f"f_{n}.txt") for n in range(3)], output
    assert await script.value("state", id) == "located"
    other = await slices.launch_next(db, script.stage_id, LaunchRequest(script.plant.person_id))
    assert other.submission is not None
    assert other.submission.runs_with.works_on != f"raw_slice1_stage{script.stage_id}"
