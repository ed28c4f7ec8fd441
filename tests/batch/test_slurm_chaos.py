"""The same chaos on a real Slurm, whose controller stops in the middle of submits and is restarted.

Nobody kills the controller: it would forget what it acknowledged in its last seconds, and give the same job ids
again. Then Slurm itself takes a new job for the old one, and drains the node.
"""

import os
import random
from pathlib import Path

import pytest

from batch.slurm import Slurm
from tests.batch.engines import on_slurm
from tests.batch.shared import chaos_on
from tests.batch.slurm_pool import SlurmPool
from tests.workers.chaos import stopped_in_a_submit, table
from tests.workers.services import serving

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


@pytest.mark.timeout(280)
async def test_every_submission_runs_once_on_slurm(
    service_home: Path, slurm_pool: SlurmPool
) -> None:
    folder = service_home / "slurmchaos"
    system = Slurm(slurm_pool.access(), folder / "spool")

    def controller() -> int:
        return slurm_pool.daemons["slurmctld"].pid

    async def restart_controller() -> None:
        slurm_pool.restart()

    with serving(service_home) as services:
        chaos = await chaos_on(system, services, folder, on_slurm(slurm_pool).settings, SEED, 120)
        chaos.own = {
            "the controller stopped in a submit": stopped_in_a_submit(chaos, controller),
            "the controller restarted": restart_controller,
        }
        try:
            rows = await chaos.run(launches=5, hits=1)
            assert all(row.is_good for row in rows), f"seed {SEED}\n{table(rows)}"
            assert sum(row.launches for row in rows) == 40
        finally:
            chaos.house.stop()
            chaos.house.db.terminate()
            slurm_pool.empty()
