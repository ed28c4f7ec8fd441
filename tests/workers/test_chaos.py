"""Whatever dies while launches are made: each ran once at the batch system, and what is left over is told.

POMS_TEST_SEED replays a seed. The long form is `python -m bench.chaos`.
"""

import os
import random
from pathlib import Path

import pytest

from tests.workers.chaos import on_local
from tests.workers.reckoning import table
from tests.workers.services import Services

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


@pytest.mark.timeout(280)
async def test_every_submission_runs_once_on_the_local_system(
    services: Services, tmp_path: Path
) -> None:
    chaos = await on_local(services, tmp_path, SEED, within_s=60)
    try:
        rows = await chaos.run(launches=6, hits=2)
        assert all(row.is_good for row in rows), f"seed {SEED}\n{table(rows)}"
        assert sum(row.launches for row in rows) >= 42
    finally:
        chaos.house.stop()
        chaos.house.db.terminate()
