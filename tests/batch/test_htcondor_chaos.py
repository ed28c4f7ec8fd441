"""The same chaos on a real HTCondor pool, whose schedd stops in the middle of submits and is killed."""

import os
import random
import signal
from pathlib import Path

import pytest

from batch.htcondor import Access, HTCondor
from tests.batch.pools import Pool
from tests.batch.shared import chaos_on
from tests.conftest import wait_until
from tests.workers.chaos import Chaos, stopped_in_a_submit, table
from tests.workers.services import Services, serving

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


async def on_htcondor(
    services: Services, folder: Path, access: Access, pool: Pool, seed: int, within_s: float
) -> Chaos:
    """A house on the pool, and what may be done to the schedd."""
    given = {
        "POMS_HTCONDOR_COLLECTOR": access.collector,
        "POMS_HTCONDOR_TOKENS": str(access.tokens),
        "POMS_HTCONDOR_FILE_SYSTEM": access.file_system,
    }
    system = HTCondor(access, folder / "spool")
    chaos = await chaos_on(system, services, folder, given, seed, within_s)

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
        chaos = await on_htcondor(services, service_home / "chaos", access, pool, SEED, 120)
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
