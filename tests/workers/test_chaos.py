"""Whatever dies while launches are made: each ran once at the batch system, and what is left over is told.

POMS_TEST_SEED replays a seed. The long form is `python -m bench.chaos`.
"""

import os
import random
from pathlib import Path

import pytest

from batch.local import Local
from db.pool import Pool
from tests.plant import Plant
from tests.workers.chaos import Chaos, table
from tests.workers.house import House
from tests.workers.services import Services

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


@pytest.mark.timeout(280)
async def test_every_submission_runs_once_on_the_local_system(
    services: Services, own_db: Pool, tmp_path: Path
) -> None:
    house = House(own_db, services.cluster.dsn(), services.server.url, tmp_path)
    plant = await Plant.make(own_db)
    stage = await plant.stage("quick", ["/bin/true"], kind="generator", patterns=[])
    settings = {"POMS_RECONCILE_S": "1", "POMS_LAUNCH_LEASE_S": "3"}
    chaos = Chaos(SEED, house, services, plant, stage, Local(house.spool), settings)
    runners = [house.runner()]

    async def kill_runner() -> None:
        runners[-1].kill()
        runners[-1].wait()
        runners.append(house.runner())

    chaos.own = {"the runner killed": kill_runner}
    try:
        rows = await chaos.run(launches=6, hits=2)
        assert all(row.is_good for row in rows), f"seed {SEED}\n{table(rows)}"
        assert sum(row.launches for row in rows) == 42
    finally:
        house.stop()
