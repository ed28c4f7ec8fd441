"""The whole service on a real Slurm: a campaign of two stages, and the example as `make run` runs it."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.pool import Pool as Database
from tests.batch.conftest import reachable
from tests.batch.shared import Shared, campaign_on, run_the_example
from tests.batch.slurm_pool import SLURM, SlurmPool
from tests.workers.house import until
from tests.workers.test_kill_points import dies_at

_serial = itertools.count()


def settings(pool: SlurmPool) -> dict[str, str]:
    """What makes a service use this cluster."""
    access = pool.access()
    return {
        "POMS_SLURM": "1",
        "POMS_SLURM_PROGRAMS": str(access.programs),
        "POMS_SLURM_CONFIGURATION": str(access.configuration),
        "POMS_SLURM_INTERVAL_S": "0.5",
    }


@pytest.fixture
def house(
    db: Database, database_url: str, redis_url: str, service_home: Path, slurm_pool: SlurmPool
) -> Iterator[Shared]:
    folder = service_home / f"slurmhouse{next(_serial)}"
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o777)
    made = Shared(db, database_url, redis_url, folder, settings=settings(slurm_pool))
    yield made
    made.stop()
    slurm_pool.empty()


async def test_a_campaign_runs_to_its_end_on_slurm_and_every_file_is_accounted_for(
    house: Shared, db: Database
) -> None:
    campaign = await campaign_on("slurm", house, db)
    house.worker()
    await campaign.launch()
    await until(campaign.done, "the campaign's end", house, within=120)
    await campaign.check()
    states = await db.fetch("SELECT state, batch_system FROM submission ORDER BY id")
    assert [tuple(row) for row in states] == [("located", "slurm")] * 4
    slots = await db.fetch("SELECT DISTINCT slot FROM attempt")
    assert [row["slot"] for row in slots] == ["localhost"]


@pytest.mark.parametrize(
    "point",
    [
        "launch.submit.before",
        "launch.submit.after",
        "launch.open.before",
        "launch.open.after",
        "watch.commit.before",
        "watch.commit.after",
    ],
)
async def test_a_worker_that_is_killed_here_loses_and_doubles_nothing(
    house: Shared, db: Database, point: str
) -> None:
    campaign = await campaign_on("slurm", house, db)
    await campaign.launch()
    await dies_at(house, point)
    house.worker()
    await until(campaign.done, "the campaign's end", house, within=120)
    await campaign.check()


@pytest.fixture
def ours(service_home: Path) -> Iterator[SlurmPool]:
    """A cluster of our own user, to whom the checkout and its Python belong."""
    reachable(SLURM)
    made = SlurmPool.start(service_home / "slurm-ours", None)
    yield made
    made.stop()


@pytest.mark.skipif(
    os.environ.get("POMS_POOLS") != "required", reason="takes minutes: set POMS_POOLS=required"
)
@pytest.mark.timeout(600)
def test_the_example_is_exactly_right_on_slurm(service_home: Path, ours: SlurmPool) -> None:
    run_the_example(service_home / "run-on-slurm", "slurm", settings(ours))
    # Not on anything else: the cluster's own record of the jobs that ended.
    assert (ours.folder / "log/jobcomp").read_text().count("JobState=COMPLETED") > 216
