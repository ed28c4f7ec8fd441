"""The same chaos on a real HTCondor pool, whose schedd stops in the middle of submits and is killed."""

import os
import random
from pathlib import Path

import pytest

from batch.htcondor import Access, HTCondor
from tests.batch.maltreated import on_htcondor
from tests.batch.pools import Pool
from tests.conftest import wait_until
from tests.workers.reckoning import table
from tests.workers.services import serving

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


@pytest.mark.timeout(280)
async def test_every_submission_runs_once_on_htcondor(
    service_home: Path, access: Access, pool: Pool
) -> None:
    with serving(service_home) as services:
        chaos = await on_htcondor(services, service_home / "chaos", access, pool, SEED, 120)
        try:
            rows = await chaos.run(launches=5, hits=1)
            assert all(row.is_good for row in rows), f"seed {SEED}\n{table(rows)}"
            assert sum(row.launches for row in rows) >= 40
        finally:
            chaos.house.stop()
            chaos.house.db.terminate()
            assert isinstance(chaos.system, HTCondor)
            chaos.system.close()
            pool.run("condor_rm", "-all")
            wait_until(lambda: not pool.queue(), what="an empty queue")
