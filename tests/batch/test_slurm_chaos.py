"""The same chaos on a real Slurm, whose controller stops in the middle of submits, is restarted, and killed.

One that is killed forgets its last seconds: what that means for launches is told in docs/chaos.md.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.conftest import reachable
from tests.batch.maltreated import on_slurm
from tests.batch.slurm_pool import SLURM, SlurmPool
from tests.workers.reckoning import table
from tests.workers.services import serving
from up import children

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


@pytest.fixture
def mortal(service_home: Path) -> Iterator[SlurmPool]:
    """A cluster of its own: others don't want its accidents."""
    reachable(SLURM)
    made = SlurmPool.start(service_home / "slurm-chaos", children.account())
    yield made
    made.stop()


@pytest.mark.timeout(400)
async def test_every_submission_runs_once_on_slurm(service_home: Path, mortal: SlurmPool) -> None:
    with serving(service_home) as services:
        chaos = await on_slurm(services, service_home / "slurmchaos", mortal, SEED, 120)
        try:
            rows = await chaos.run(launches=5, hits=1)
            assert all(row.is_good for row in rows), f"seed {SEED}\n{table(rows)}"
            assert sum(row.launches for row in rows) >= 45
        finally:
            chaos.house.stop()
            chaos.house.db.terminate()
