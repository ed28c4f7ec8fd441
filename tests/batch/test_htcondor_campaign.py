"""The whole service on a real HTCondor pool: a campaign of two stages, end to end."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.htcondor import Access
from db.pool import Pool as Database
from tests.batch.pools import Pool
from tests.batch.shared import Shared, campaign_on, run_the_example
from tests.conftest import wait_until
from tests.workers.house import until
from tests.workers.test_kill_points import dies_at

_serial = itertools.count()


def settings(access: Access) -> dict[str, str]:
    """What makes a service use this pool."""
    return {
        "POMS_HTCONDOR_COLLECTOR": access.collector,
        "POMS_HTCONDOR_TOKENS": str(access.tokens),
        "POMS_HTCONDOR_FILE_SYSTEM": access.file_system,
    }


@pytest.fixture
def house(
    db: Database, database_url: str, redis_url: str, service_home: Path, access: Access, pool: Pool
) -> Iterator[Shared]:
    folder = service_home / f"house{next(_serial)}"
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o777)
    made = Shared(db, database_url, redis_url, folder, settings=settings(access))
    yield made
    made.stop()
    pool.run("condor_rm", "-all")
    wait_until(lambda: not pool.queue(), what="an empty queue")


async def test_a_campaign_runs_to_its_end_on_htcondor_and_every_file_is_accounted_for(
    house: Shared, db: Database
) -> None:
    campaign = await campaign_on("htcondor", house, db)
    house.worker()
    await campaign.launch()
    await until(campaign.done, "the campaign's end", house, within=120)
    await campaign.check()
    states = await db.fetch("SELECT state, batch_system FROM submission ORDER BY id")
    assert [tuple(row) for row in states] == [("located", "htcondor")] * 4
    slots = await db.fetch("SELECT DISTINCT slot FROM attempt")
    assert all("@" in row["slot"] for row in slots)


async def test_a_campaign_runs_on_machines_that_see_nothing_of_ours(
    house: Shared, db: Database
) -> None:
    campaign = await campaign_on("htcondor", house, db)
    await db.execute("UPDATE stage SET batch_system = 'far-away'")
    given = {name.removeprefix("POMS_HTCONDOR_"): value for name, value in house.settings.items()}
    house.settings = {f"POMS_HTCONDOR_FAR_AWAY_{name}": value for name, value in given.items()}
    house.worker(POMS_HTCONDOR="far-away", POMS_HTCONDOR_FAR_AWAY_CARRIES="1")
    await campaign.launch()
    await until(campaign.done, "the campaign's end", house, within=120)
    await campaign.check()
    carried = await db.fetch("SELECT DISTINCT batch_system FROM submission")
    assert [row["batch_system"] for row in carried] == ["far-away"]
    assert not list(house.spool.glob("launches/*/starts/*"))


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
    campaign = await campaign_on("htcondor", house, db)
    await campaign.launch()
    await dies_at(house, point)
    house.worker()
    await until(campaign.done, "the campaign's end", house, within=120)
    await campaign.check()


@pytest.mark.skipif(
    os.environ.get("POMS_POOLS") != "required", reason="takes minutes: set POMS_POOLS=required"
)
@pytest.mark.timeout(600)
def test_the_example_is_exactly_right_on_htcondor(
    service_home: Path, access: Access, pool: Pool
) -> None:
    run_the_example(service_home / "run-on-htcondor", "htcondor", settings(access))
    # Not on anything else: the pool's own record of the jobs that ended.
    assert pool.run("condor_history", "-af", "ExitCode").stdout.split().count("0") > 216
