"""The same chaos on a real Slurm, whose controller stops in the middle of submits, is restarted, and killed.

One that is killed forgets its last seconds: what that means for launches is told in docs/chaos.md.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.conftest import check_reachable
from tests.batch.pool_chaos import make_slurm_chaos
from tests.batch.slurm_pool import SLURM, SlurmPool
from tests.workers.chaos_accounting import format_table
from tests.workers.services import run_services
from up import children

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


@pytest.fixture
def mortal(service_home: Path) -> Iterator[SlurmPool]:
    """A cluster of its own: others don't want its accidents."""
    check_reachable(SLURM)
    made = SlurmPool.start(service_home / "slurm-chaos", children.find_run_account())
    yield made
    made.stop()


@pytest.mark.timeout(600)
async def test_every_submission_runs_once_on_slurm(service_home: Path, mortal: SlurmPool) -> None:
    with run_services(service_home) as services:
        chaos = await make_slurm_chaos(services, service_home / "slurmchaos", mortal, SEED, 240, {})
        chaos.kills_services = False
        try:
            rows = await chaos.run(launches=2, hits=1)
            assert all(row.is_good for row in rows), f"seed {SEED}\n{format_table(rows)}"
            assert sum(row.launches for row in rows) >= 2 * len(chaos.faults)
        finally:
            chaos.house.stop()
            chaos.house.db.terminate()
