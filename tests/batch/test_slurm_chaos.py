"""The same chaos on a real Slurm, whose controller stops in the middle of submits and is killed."""

import os
import random
from pathlib import Path

import pytest

from batch.slurm import Slurm
from tests.batch.shared import chaos_on
from tests.batch.slurm_pool import SlurmPool
from tests.batch.test_slurm_campaign import settings
from tests.conftest import wait_until
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

    async def kill_controller() -> None:
        slurm_pool.daemons["slurmctld"].kill()
        slurm_pool.daemons.pop("slurmctld").wait()
        slurm_pool.begin("slurmctld")
        wait_until(slurm_pool.is_up, within=30)

    with serving(service_home) as services:
        chaos = await chaos_on(system, services, folder, settings(slurm_pool), SEED, 120)
        chaos.own = {
            "the controller stopped in a submit": stopped_in_a_submit(chaos, controller),
            "the controller killed": kill_controller,
        }
        try:
            rows = await chaos.run(launches=5, hits=1)
            assert all(row.is_good for row in rows), f"seed {SEED}\n{table(rows)}"
            assert sum(row.launches for row in rows) == 40
        finally:
            chaos.house.stop()
            chaos.house.db.terminate()
            slurm_pool.empty()
