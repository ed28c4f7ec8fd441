"""The whole service on a real HTCondor pool: a campaign of two stages, end to end."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.htcondor import Access
from db.pool import Pool as Database
from tests.batch.pools import Pool
from tests.conftest import wait_until
from tests.plant import Plant
from tests.workers.campaigns import Two, two
from tests.workers.house import House, until
from tests.workers.test_kill_points import dies_at

_serial = itertools.count()
OF_ITS_OWN = "UPDATE change_head SET history_id = gen_random_uuid()"
"""The tests' databases are clones; without this their marks in the one pool would be the same."""
ON_HTCONDOR = "UPDATE stage SET batch_system = 'htcondor'"
SMALL = {"memory_mb": 100, "disk_mb": 1}


class Shared(House):
    """A house whose folders and commands another user can reach: who runs the jobs."""

    settings: dict[str, str]

    def job(self, *words: str) -> list[str]:
        return ["python3", *super().job(*words)[1:]]

    def worker(self, kill_at: str = "", **settings: str) -> subprocess.Popen[bytes]:
        before = os.umask(0)
        try:
            return super().worker(kill_at, **self.settings, **settings)
        finally:
            os.umask(before)


@pytest.fixture
def house(
    db: Database, database_url: str, redis_url: str, service_home: Path, access: Access, pool: Pool
) -> Iterator[Shared]:
    folder = service_home / f"house{next(_serial)}"
    (folder / "store").mkdir(parents=True)
    (folder / "store").chmod(0o777)
    made = Shared(db, database_url, redis_url, folder)
    made.settings = {
        "POMS_HTCONDOR_COLLECTOR": access.collector,
        "POMS_HTCONDOR_TOKENS": str(access.tokens),
        "POMS_HTCONDOR_FILE_SYSTEM": access.file_system,
    }
    yield made
    made.stop()
    pool.run("condor_rm", "-all")
    wait_until(lambda: not pool.queue(), what="an empty queue")


async def on_htcondor(house: Shared, db: Database) -> Two:
    await db.execute(OF_ITS_OWN)
    campaign = await two(house, await Plant.make(db), resources=SMALL)
    await db.execute(ON_HTCONDOR)
    return campaign


async def test_a_campaign_runs_to_its_end_on_htcondor_and_every_file_is_accounted_for(
    house: Shared, db: Database
) -> None:
    campaign = await on_htcondor(house, db)
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
    campaign = await on_htcondor(house, db)
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
    campaign = await on_htcondor(house, db)
    await campaign.launch()
    await dies_at(house, point)
    house.worker()
    await until(campaign.done, "the campaign's end", house, within=120)
    await campaign.check()
