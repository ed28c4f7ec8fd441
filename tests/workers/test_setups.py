"""Login setups at the launch: secrets reach the jobs and nobody else, and what may not be used waits."""

import os

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from tests.factories import Factory
from tests.resolvers.test_setup_secrets import list_tables_with
from tests.workers.house import House, wait_until

SECRET = "hunter2-and-more"
KEEP = "INSERT INTO login_setup_secret SELECT id, 'HIDDEN', $1 FROM login_setup"
SAYS = 'echo "it is $HIDDEN."; echo x > "out_$POMS_JOB"; test "$HIDDEN" != "$0"'


async def launch_stage(plant: Factory, stage: int) -> int:
    found = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert found.submission is not None, found
    return found.submission.id


async def test_a_secret_reaches_the_job_and_is_masked_in_what_it_says(
    house: House, plant: Factory
) -> None:
    await plant.db.execute(KEEP, SECRET)
    stage = await plant.stage("gen", ["sh", "-c", SAYS, SECRET[:-1]], kind="generator")
    failing = await plant.stage(
        "bad", ["sh", "-c", SAYS.replace("!=", "=")], kind="generator", recoveries=[]
    )
    ids = [await launch_stage(plant, stage), await launch_stage(plant, failing)]
    house.runner()
    house.worker()

    async def over() -> bool:
        done = "SELECT count(*) FROM submission WHERE ended_at IS NOT NULL"
        return bool(await plant.db.fetchval(done) == len(ids))

    await wait_until(over, "the end of both", house)
    rows = await plant.db.fetch("SELECT state, log_tail FROM job ORDER BY submission_id")
    assert [row["state"] for row in rows] == ["succeeded", "failed"]
    assert "it is ***." in rows[1]["log_tail"]
    assert await list_tables_with(plant.db, SECRET) == {"login_setup_secret"}
    told = [*house.spool.glob("launches/*/secrets.json")]
    # The group is the launch's own account, where there is one.
    assert {path.stat().st_mode & 0o777 for path in told} == {0o640 if os.geteuid() == 0 else 0o600}
    kept = [
        path
        for path in house.spool.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert {path.name for path in kept} <= {"secrets.json", "job.log"}


async def test_a_launch_that_may_not_use_its_setup_any_more_stays_new_until_it_may(
    house: House, plant: Factory
) -> None:
    stage = await plant.stage("gen", ["sh", "-c", 'echo x > "out_$POMS_JOB"'], kind="generator")
    id = await launch_stage(plant, stage)
    await plant.db.execute("UPDATE login_setup SET owning_role = 'shifter'")
    house.runner()
    house.worker()

    async def waits() -> bool:
        row = await plant.db.fetchrow("SELECT state, reason FROM submission WHERE id = $1", id)
        assert row is not None
        return row["state"] == "new" and "not shared with production" in row["reason"]

    await wait_until(waits, "the launch that waits", house)
    assert not await plant.db.fetchval("SELECT count(*) FROM launch_attempt")
    await plant.db.execute("UPDATE login_setup SET shared_with = '{production}'")
    await plant.db.execute("UPDATE submission SET lease_until = now()")

    async def launched() -> bool:
        return bool(await plant.db.fetchval("SELECT state = 'located' FROM submission"))

    await wait_until(launched, "its end", house)
