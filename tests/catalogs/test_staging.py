"""Launches of files on tape: a real Rucio brings them to disk first, and lets them go when their jobs have ended."""

import os
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from catalogs.opening import CatalogClients
from catalogs.rucio import RucioCatalog
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions.submissions import Submission
from tests.catalogs import test_rucio
from tests.catalogs.catalog_servers import CatalogServer
from tests.catalogs.opened_catalogs import DISK, open_rucio
from tests.catalogs.test_launches_in_sam import DUE, ENDED, FILES, MOVE, kill_while_working
from tests.catalogs.test_listed_by_workers import CREDENTIAL
from tests.catalogs.test_listings import WorkerKilled
from tests.factories import Factory
from tests.worker_tools import make_worker_tools
from tests.workers.kill_points import NAMES
from workers import advance, catalog_launches, failpoints
from workers.credential_store import CredentialStore
from workers.tools import WorkerTools

CATALOG = """
    INSERT INTO catalog (experiment_id, name, kind, url, settings, credential_id)
    VALUES ($1, 'rucio', 'rucio', $2, $3, $4) RETURNING id
"""
SETTINGS = {
    "account": "root",
    "user": "poms",
    "staging_scope": "dune",
    "staging_disk": DISK,
}
OF_ITS_OWN = "UPDATE change_head SET history_id = gen_random_uuid()"
"""The tests' databases are clones; without this their marks in the one Rucio would be the same."""
FOUND = "SELECT * FROM catalog_launch WHERE submission_id = $1"


@dataclass
class StagedLaunch:
    """A stage of three files that lie on tape, and a worker."""

    db: Pool
    tools: WorkerTools
    rucio: RucioCatalog
    names: list[str]
    plant: Factory
    stage: int

    @classmethod
    async def make(
        cls, db: Pool, worker_db: Pool, rucio: RucioCatalog, url: str, folder: Path, prefix: str
    ) -> "StagedLaunch":
        names = [f"{prefix}_{n}.root" for n in range(3)]
        await test_rucio.declare_files(rucio, f"{prefix}_source", names, test_rucio.TAPE)
        await db.execute(OF_ITS_OWN)
        plant = await Factory.make(db)
        credential = await db.fetchval(CREDENTIAL, plant.experiment_id, plant.person_id, "password")
        (folder / f"e{plant.experiment_id}").mkdir()
        (folder / f"e{plant.experiment_id}/secret").write_text("secret\n")
        await db.execute(CATALOG, plant.experiment_id, url, SETTINGS, credential)
        dataset = await plant.dataset("raw")
        dids = [f"dune:{name}" for name in names]
        await db.execute(FILES, plant.experiment_id, dataset, dids, ["rucio"] * 3)
        stage = await plant.stage("reco", ["true"], dataset_id=dataset)
        clients = CatalogClients(frozenset([urlsplit(url).netloc]))
        vault = CredentialStore(folder)
        tools = make_worker_tools(worker_db, catalogs=clients, vault=vault, lease_s=30)
        return cls(db, tools, rucio, names, plant, stage)

    async def launch(self) -> Submission:
        asked = LaunchRequest(self.plant.person_id)
        outcome = await slices.launch_next(self.db, self.stage, asked)
        assert outcome.submission is not None, outcome.why
        return outcome.submission

    async def work(self, submission: Submission) -> str | None:
        """Do all that is due, as a worker does; why it waits then."""
        await catalog_launches.explain_launch_wait(self.tools, submission)
        await self.db.execute(DUE)
        await self.take_due()
        return await catalog_launches.explain_launch_wait(self.tools, submission)

    async def take_due(self) -> None:
        source = catalog_launches.make_dispatcher()
        while await source.step(self.tools):
            await source.pool.drain()
        await source.pool.drain()

    async def read_mark(self, submission: Submission) -> str:
        row = await self.db.fetchrow(FOUND, submission.id)
        assert row is not None
        return str(row["staging"])


@pytest.mark.xdist_group("rucio")
async def test_a_launch_waits_for_tape_and_says_how_far_that_is(
    db: Pool, worker_db: Pool, rucio_server: CatalogServer, tmp_path: Path
) -> None:
    async with open_rucio(rucio_server) as rucio:
        await test_rucio.prepare_storages(rucio)
        launch = await StagedLaunch.make(
            db, worker_db, rucio, rucio_server.url, tmp_path, "waits_for_tape"
        )
        submission = await launch.launch()
        why = await catalog_launches.explain_launch_wait(launch.tools, submission)
        assert why == "It waits until its files are on disk."
        why = await launch.work(submission)
        assert why == "It waits until its files are on disk: 0 of 3 are"
        await test_rucio.put_on_disk(rucio, launch.names[:2])
        assert await launch.work(submission) == "It waits until its files are on disk: 2 of 3 are"
        mark = await launch.read_mark(submission)
        (rule,) = (await rucio._list_rules(mark)).rules
        await rucio.http.ask("PUT", f"/rules/{rule['id']}", json={"options": {"state": "STUCK"}})
        why = await launch.work(submission)
        assert why is not None
        assert "2 of 3 are: Rucio's rule is STUCK" in why
        await rucio.http.ask(
            "PUT", f"/rules/{rule['id']}", json={"options": {"state": "REPLICATING"}}
        )
        await test_rucio.put_on_disk(rucio, launch.names)
        assert await launch.work(submission) is None
        # It is kept as long as its jobs may run, by the same rule.
        await launch.work(submission)
        living = (await rucio._list_rules(mark)).find_living()
        assert living is not None
        assert living["id"] == rule["id"]
        for state in ("submitting", "idle", "running"):
            await db.execute(MOVE, submission.id, state)
        await db.execute(ENDED, submission.id)
        # Not only when it would be looked at again, a day later.
        source = advance.make_dispatcher()
        assert await source.step(launch.tools)
        await source.pool.drain()
        await launch.take_due()
        row = await db.fetchrow(FOUND, submission.id)
        assert row is not None
        assert (row["state"], row["next_try_at"], row["delivered"]) == ("concluded", None, 3)
        # Rucio takes an hour before it ends a rule; it was to be kept for days.
        found = await rucio._list_rules(mark)
        assert [
            parsedate_to_datetime(each["expires_at"]) - found.read_at < timedelta(hours=2)
            for each in found.rules
        ] == [True]


KILLED_AT = sorted(
    f"{name}.{side}"
    for name in {*NAMES}
    if name.startswith("staging.")
    for side in ("before", "after")
)


@pytest.mark.xdist_group("rucio")
@pytest.mark.parametrize("place", KILLED_AT)
async def test_whoever_comes_after_a_killed_worker_stages_nothing_twice(
    db: Pool, worker_db: Pool, rucio_server: CatalogServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, place: str,
) -> None:  # fmt: skip
    def die(_process: int, _signal: int) -> None:
        raise WorkerKilled

    async def work_and_die(submission: Submission) -> None:
        await kill_while_working(launch)
        await launch.work(submission)

    monkeypatch.setattr(os, "kill", die)

    async with open_rucio(rucio_server) as rucio:
        await test_rucio.prepare_storages(rucio)
        prefix = f"killed_{place.replace('.', '_')}"
        launch = await StagedLaunch.make(db, worker_db, rucio, rucio_server.url, tmp_path, prefix)
        failpoints.arm_failpoint(place)
        submission = await launch.launch()
        assert await catalog_launches.explain_launch_wait(launch.tools, submission)
        await work_and_die(submission)
        rules = (await rucio._list_rules(await launch.read_mark(submission))).rules
        assert len(rules) == 1
        await test_rucio.put_on_disk(rucio, launch.names)
        assert await launch.work(submission) is None
        for state in ("submitting", "idle", "running"):
            await db.execute(MOVE, submission.id, state)
        await db.execute(ENDED, submission.id)
        await work_and_die(submission)
        assert failpoints._armed == {}
        assert await db.fetchval("SELECT state FROM catalog_launch") == "concluded"
