"""A credential that the schedd refuses costs the launches that bring it, and nobody else's."""

import time
from pathlib import Path

import jwt
import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool as Database
from domain.batch.admission import FAULTS
from tests.batch.engines import Engine
from tests.batch.shared_house import OF_ITS_OWN, ON, SMALL, SharedHouse
from tests.factories import Factory
from tests.workers.credentials import CredentialFolder
from tests.workers.house import wait_until

REFUSED = """
    SELECT count(DISTINCT a.submission_id) FROM launch_attempt a JOIN submission s ON s.id = a.submission_id
     WHERE s.experiment_id = $1 AND s.reason <> '' AND a.state = 'abandoned'
"""
FORGED = "a key that is not the pool's, and long enough for it"
OPENED = "SELECT count(*) FROM change WHERE kind = 'batch_system.circuit_opened'"


def forge_token() -> str:
    """An IDTOKEN that is whole and of the pool's own domain, but signed by somebody else."""
    says = {"iss": "pool.test", "sub": "dune@pool.test", "iat": int(time.time()), "jti": "1"}
    return jwt.encode(says, FORGED, "HS256", headers={"kid": "POOL"})


async def launch_new(plant: Factory, stage: int) -> int:
    outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None, outcome.why
    return outcome.submission.id


async def stage_of(house: SharedHouse, plant: Factory) -> int:
    return await plant.stage(
        "gen", house.job("gen"), kind="generator", patterns=["*"], resources=SMALL, recoveries=[]
    )


@pytest.mark.parametrize("engine", ["htcondor", "far_htcondor"], indirect=True)
async def test_refused_credentials_of_one_experiment_keep_no_launch_of_the_other_waiting(
    house: SharedHouse, db: Database, engine: Engine
) -> None:
    await db.execute(OF_ITS_OWN)
    mine = await Factory.make(db)
    my_stage = await stage_of(house, mine)
    credential = await CredentialFolder.make(house, mine)
    Path(credential.file).write_text(forge_token())
    theirs = await Factory.make(db, "other", "theirs")
    their_stage = await stage_of(house, theirs)
    await db.execute(ON, engine.name)
    house.worker(**credential.settings)
    refused = [await launch_new(mine, my_stage) for _ in range(FAULTS + 2)]

    async def all_were_refused() -> bool:
        return bool(await db.fetchval(REFUSED, mine.experiment_id) == len(refused))

    await wait_until(all_were_refused, "that all are refused", house, within=120)
    for _ in range(2):
        id = await launch_new(theirs, their_stage)

        async def is_located(id: int = id) -> bool:
            said = "SELECT state FROM submission WHERE id = $1"
            return bool(await db.fetchval(said, id) == "located")

        await wait_until(is_located, "the end of the other's launch", house, within=120)
    system = await db.fetchrow(
        "SELECT opened_at, reachable FROM batch_system WHERE name = $1", engine.name
    )
    assert system is not None
    assert (system["opened_at"], system["reachable"]) == (None, True)
    assert await db.fetchval(OPENED) == 0
    for row in await db.fetch("SELECT state, reason FROM submission WHERE id = ANY($1)", refused):
        assert row["state"] in ("new", "submitting", "uncertain")
        assert row["state"] == "submitting" or "own credential pass.token" in row["reason"]
