"""The whole service on real pools: a campaign of two stages, end to end, and the example as `make run` runs it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.pool import Pool as Database
from tests.batch.conftest import check_reachable
from tests.batch.engines import Engine, make_slurm_engine
from tests.batch.pools import Pool
from tests.batch.shared_house import EXAMPLE_FILES, SharedHouse, make_campaign, run_the_example
from tests.batch.slurm_pool import SLURM, SlurmPool
from tests.workers.house import wait_until
from tests.workers.test_kill_points import kill_workers_around


async def test_a_campaign_runs_to_its_end_and_every_file_is_accounted_for(
    house: SharedHouse, db: Database, engine: Engine
) -> None:
    campaign = await make_campaign(engine.name, house, db)
    house.worker()
    await campaign.launch()
    await wait_until(campaign.is_done, "the campaign's end", house, within=120)
    await campaign.check()
    states = await db.fetch("SELECT state, batch_system FROM submission ORDER BY id")
    assert [tuple(row) for row in states] == [("located", engine.name)] * 4
    slots = await db.fetch("SELECT DISTINCT slot FROM attempt")
    assert all(engine.slot in row["slot"] for row in slots)


@pytest.mark.parametrize("engine", ["htcondor"], indirect=True)
async def test_a_campaign_runs_on_machines_that_see_nothing_of_ours(
    house: SharedHouse, db: Database, engine: Engine
) -> None:
    campaign = await make_campaign("htcondor", house, db)
    await db.execute("UPDATE stage SET batch_system = 'far-away'")
    given = {name.removeprefix("POMS_HTCONDOR_"): value for name, value in engine.settings.items()}
    house.settings = {f"POMS_HTCONDOR_FAR_AWAY_{name}": value for name, value in given.items()}
    house.worker(POMS_HTCONDOR="far-away", POMS_HTCONDOR_FAR_AWAY_CARRIES="1")
    await campaign.launch()
    await wait_until(campaign.is_done, "the campaign's end", house, within=120)
    await campaign.check()
    carried = await db.fetch("SELECT DISTINCT batch_system FROM submission")
    assert [row["batch_system"] for row in carried] == ["far-away"]
    assert not list(house.spool.glob("launches/*/starts/*"))


EFFECTS = ("launch.submit", "launch.open", "watch.commit")
# What differs where all is spooled is submitting and reading; the rest takes its time there.
SPOOLED = ("launch.submit", "watch.commit")


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        *((engine, name) for engine in ("htcondor", "slurm_engine") for name in EFFECTS),
        *(("far_htcondor", name) for name in SPOOLED),
    ],
    indirect=["engine"],
)
async def test_workers_that_are_killed_here_lose_and_double_nothing(
    house: SharedHouse, db: Database, engine: Engine, name: str
) -> None:
    campaign = await make_campaign(engine.name, house, db)
    await campaign.launch()
    await kill_workers_around(house, campaign.plant, name)
    house.worker()
    await wait_until(campaign.is_done, "the campaign's end", house, within=120)
    await campaign.check()


takes_minutes = pytest.mark.skipif(
    os.environ.get("POMS_POOLS") != "required", reason="takes minutes: set POMS_POOLS=required"
)


@takes_minutes
@pytest.mark.timeout(600)
def test_the_example_is_exactly_right_on_htcondor(
    service_home: Path, htcondor: Engine, pool: Pool
) -> None:
    run_the_example(service_home / "run-on-htcondor", "htcondor", htcondor.settings)
    # Not on anything else: the pool's own record of the jobs that ended.
    assert pool.run("condor_history", "-af", "ExitCode").stdout.split().count("0") > EXAMPLE_FILES


@pytest.fixture
def ours(service_home: Path) -> Iterator[SlurmPool]:
    """A cluster of our own user, to whom the checkout and its Python belong."""
    check_reachable(SLURM)
    made = SlurmPool.start(service_home / "slurm-ours", None)
    yield made
    made.stop()


@takes_minutes
@pytest.mark.timeout(600)
def test_the_example_is_exactly_right_on_slurm(service_home: Path, ours: SlurmPool) -> None:
    run_the_example(service_home / "run-on-slurm", "slurm", make_slurm_engine(ours).settings)
    # Not on anything else: the cluster's own record of the jobs that ended.
    assert (ours.folder / "log/jobcomp").read_text().count("JobState=COMPLETED") > EXAMPLE_FILES
