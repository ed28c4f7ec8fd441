"""A schedd that lives and does not answer keeps its own launches, and nothing else of the workers."""

import asyncio
import signal

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool as Database
from db.submissions import actions
from domain.submissions.jobs import JobActionVerb
from tests.batch.batch_fixtures import stop_process
from tests.batch.engines import Engine
from tests.batch.pools import Pool
from tests.batch.shared_house import SharedHouse, make_campaign
from tests.workers.house import wait_until

OF_STAGE = "SELECT count(*) FROM submission WHERE stage_id = $1 AND state = $2"


@pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
async def test_a_schedd_that_hangs_keeps_nothing_else(
    house: SharedHouse, db: Database, engine: Engine, pool: Pool
) -> None:
    away = await make_campaign(engine.name, house, db)
    plant = away.plant
    here = await plant.stage(
        "here", house.job("here"), kind="generator", most_unfinished=1, patterns=["here_*"]
    )
    house.runner()
    first = house.worker()
    known = "SELECT count(*) FROM batch_system WHERE reachable"
    await wait_until(lambda: _is_count(db, known, 2), "two batch systems that answer", house)
    with stop_process(pool.process("condor_schedd")):
        await away.launch()
        gone = "SELECT count(*) FROM batch_system WHERE name = 'htcondor' AND NOT reachable"
        await wait_until(lambda: _is_count(db, gone, 1), "a schedd that is seen to hang", house)
        made = [
            await slices.launch_next(db, here, LaunchRequest(plant.person_id)) for _ in range(3)
        ]
        last = made[-1].submission
        assert last is not None
        await actions.request_action(db, last.id, JobActionVerb.REMOVE, "no", plant.person_id)
        await wait_until(lambda: _is_count(db, OF_STAGE, 1, here, "cancelled"), "an action", house)
        await wait_until(
            lambda: _is_count(db, OF_STAGE, 2, here, "located"), "launches elsewhere", house
        )
        first.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            while first.poll() is None:
                await asyncio.sleep(0.05)
        assert first.returncode == 0, house.read_logs()


async def _is_count(db: Database, query: str, count: int, *given: object) -> bool:
    return bool(await db.fetchval(query, *given) == count)
