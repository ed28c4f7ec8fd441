"""Whatever dies while launches are made: each ran once at the batch system, and what is left over is told.

POMS_TEST_SEED replays a seed. The long form is `python -m bench.chaos`.
"""

import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.small_disks import SmallDisk
from tests.workers.accidents import DISKS_MB, choose_database_folder, make_small_disks
from tests.workers.chaos_accounting import format_table
from tests.workers.local_chaos import make_local_chaos
from tests.workers.services import Services, run_services

SEED = int(os.environ.get("POMS_TEST_SEED", random.randrange(10**6)))


@pytest.fixture
def disks() -> Iterator[Mapping[str, SmallDisk]]:
    with make_small_disks(DISKS_MB) as made:
        yield made


@pytest.fixture
def services(service_home: Path, disks: Mapping[str, SmallDisk]) -> Iterator[Services]:
    """The database on a disk that can be filled, if there is one."""
    with run_services(choose_database_folder(disks, service_home)) as made:
        yield made


@pytest.mark.timeout(400)
async def test_every_submission_runs_once_on_the_local_system(
    services: Services, tmp_path: Path, disks: Mapping[str, SmallDisk]
) -> None:
    chaos = await make_local_chaos(services, tmp_path, SEED, 120, disks)
    try:
        rows = await chaos.run(launches=2, hits=1)
        assert all(row.is_good for row in rows), f"seed {SEED}\n{format_table(rows)}"
        assert sum(row.launches for row in rows) >= 2 * len(chaos.faults)
    finally:
        chaos.house.stop()
        chaos.house.db.terminate()
