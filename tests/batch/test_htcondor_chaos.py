"""The same chaos on a real HTCondor pool, whose schedd stops in the middle of submits and is killed."""

import os
import random
from pathlib import Path

import pytest

from batch.htcondor import HTCondor, HTCondorAccess
from tests.batch.pool_chaos import make_htcondor_chaos
from tests.batch.pools import Pool
from tests.conftest import wait_until
from tests.workers.chaos_accounting import format_table
from tests.workers.services import run_services

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


@pytest.mark.timeout(600)
async def test_every_submission_runs_once_on_htcondor(
    service_home: Path, access: HTCondorAccess, pool: Pool
) -> None:
    with run_services(service_home) as services:
        chaos = await make_htcondor_chaos(
            services, service_home / "chaos", access, pool, SEED, 240, {}
        )
        chaos.kills_services = False
        try:
            rows = await chaos.run(launches=2, hits=1)
            assert all(row.is_good for row in rows), f"seed {SEED}\n{format_table(rows)}"
            assert sum(row.launches for row in rows) >= 2 * len(chaos.faults)
        finally:
            chaos.house.stop()
            chaos.house.db.terminate()
            assert isinstance(chaos.system, HTCondor)
            chaos.system.close()
            pool.run("condor_rm", "-all")
            wait_until(lambda: not pool.queue(), what="an empty queue")
