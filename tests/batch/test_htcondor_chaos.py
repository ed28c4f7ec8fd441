"""The same chaos on a real HTCondor pool, whose schedd stops in the middle of submits and is killed."""

import os
import random
import signal
from pathlib import Path

import pytest

from batch.htcondor import Access, HTCondor
from db.migrate import migrate
from db.pool import open_pool
from tests.batch.pools import Pool
from tests.batch.shared import ON, SMALL, Shared
from tests.conftest import wait_until
from tests.plant import Plant
from tests.workers.chaos import Chaos, stopped_in_a_submit, table
from tests.workers.services import Services, serving

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


async def chaos_on(
    services: Services, folder: Path, access: Access, pool: Pool, seed: int
) -> Chaos:
    """A house on the pool, and what may be done to the schedd."""
    await migrate(services.cluster.dsn())
    db = await open_pool(services.cluster.dsn())
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o777)
    house = Shared(db, services.cluster.dsn(), services.server.url, folder)
    house.settings = {
        "POMS_HTCONDOR_COLLECTOR": access.collector,
        "POMS_HTCONDOR_TOKENS": str(access.tokens),
        "POMS_HTCONDOR_FILE_SYSTEM": access.file_system,
    }
    plant = await Plant.make(db)
    command = ["/bin/true"]
    stage = await plant.stage("quick", command, kind="generator", patterns=[], resources=SMALL)
    await db.execute(ON, "htcondor")
    system = HTCondor(access, house.spool)
    settings = {"POMS_RECONCILE_S": "2", "POMS_LAUNCH_LEASE_S": "8"}
    chaos = Chaos(seed, house, services, plant, stage, system, settings, within_s=120)

    def schedd() -> int:
        return pool.process("condor_schedd")

    async def kill_schedd() -> None:
        os.kill(schedd(), signal.SIGKILL)
        wait_until(lambda: pool.run("condor_q", "-totals").returncode == 0, within=30)

    chaos.own = {
        "the schedd stopped in a submit, workers killed": stopped_in_a_submit(chaos, schedd),
        "the schedd killed": kill_schedd,
    }
    return chaos


@pytest.mark.timeout(280)
async def test_every_submission_runs_once_on_htcondor(
    service_home: Path, access: Access, pool: Pool
) -> None:
    with serving(service_home) as services:
        chaos = await chaos_on(services, service_home / "chaos", access, pool, SEED)
        try:
            rows = await chaos.run(launches=5, hits=1)
            assert all(row.is_good for row in rows), f"seed {SEED}\n{table(rows)}"
            assert sum(row.launches for row in rows) == 40
        finally:
            chaos.house.stop()
            chaos.house.db.terminate()
            assert isinstance(chaos.system, HTCondor)
            chaos.system.close()
            pool.run("condor_rm", "-all")
            wait_until(lambda: not pool.queue(), what="an empty queue")
