"""Datasets of a real Rucio and a real MetaCat, listed by a worker with a credential of the experiment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalogs.opening import CatalogClients
from db.files import listings
from db.pool import Pool
from domain.files.catalogs import CatalogKind
from domain.setup.credentials import CredentialKind
from tests.catalogs import test_metacat, test_rucio
from tests.catalogs.catalog_servers import CatalogServer
from tests.catalogs.opened_catalogs import open_metacat, open_rucio
from tests.factories import Factory
from tests.worker_tools import make_worker_tools
from workers.credential_store import CredentialStore
from workers.listings import make_dispatcher
from workers.tools import WorkerTools

CREDENTIAL = """
    INSERT INTO credential (experiment_id, owner_id, name, kind, path, owning_role)
    VALUES ($1, $2, 'service', $3, 'secret', 'production') RETURNING id
"""
CATALOG = """
    INSERT INTO catalog (experiment_id, name, kind, url, settings, credential_id)
    VALUES ($1, 'theirs', $2, $3, $4, $5) RETURNING id
"""
DATASET = """
    INSERT INTO dataset (experiment_id, name, catalog, catalog_id, definition, policy, list_at, owner_id, owning_role)
    VALUES ($1, 'raw', 'theirs', $2, $3, 'once', now(), $4, 'production') RETURNING id
"""
FILES = "SELECT name, size, checksum, catalog FROM file ORDER BY name"
LISTING = "SELECT state, trouble FROM dataset_listing ORDER BY id DESC LIMIT 1"


@dataclass
class CatalogUser:
    """An experiment with a secret for a catalog, and a worker."""

    plant: Factory
    tools: WorkerTools
    folder: Path

    @classmethod
    async def make(cls, db: Pool, worker_db: Pool, url: str, folder: Path) -> "CatalogUser":
        plant = await Factory.make(db)
        clients = CatalogClients(frozenset([urlsplit(url).netloc]))
        vault = CredentialStore(folder)
        tools = make_worker_tools(worker_db, catalogs=clients, vault=vault, lease_s=30)
        (folder / f"e{plant.experiment_id}").mkdir()
        return cls(plant, tools, folder)

    def write_secret(self, secret: str) -> None:
        (self.folder / f"e{self.plant.experiment_id}/secret").write_text(secret + "\n")

    async def refer(
        self,
        kind: CatalogKind,
        url: str,
        definition: str,
        credential: CredentialKind,
        **settings: str,
    ) -> int:
        """Record the catalog with its credential, and a dataset there."""
        plant, db = self.plant, self.plant.db
        id = await db.fetchval(CREDENTIAL, plant.experiment_id, plant.person_id, credential)
        catalog = await db.fetchval(CATALOG, plant.experiment_id, kind, url, settings, id)
        return int(
            await db.fetchval(DATASET, plant.experiment_id, catalog, definition, plant.person_id)
        )

    async def list_dataset(self) -> tuple[str, str]:
        """Let a worker do what is due: how the listing stands, and why."""
        source = make_dispatcher()
        while await source.step(self.tools):
            await source.pool.drain()
        await source.pool.drain()
        row = await self.plant.db.fetchrow(LISTING)
        assert row is not None
        return row["state"], row["trouble"]

    async def list_files(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.plant.db.fetch(FILES)]


@pytest.mark.xdist_group("rucio")
async def test_a_dataset_of_rucio_is_listed_with_the_experiments_password(
    db: Pool, worker_db: Pool, rucio_server: CatalogServer, tmp_path: Path
) -> None:
    async with open_rucio(rucio_server) as catalog:
        await test_rucio.prepare_storages(catalog)
        await test_rucio.declare_files(catalog, "worked", ["worked_0.root", "worked_1.root"])
    user = await CatalogUser.make(db, worker_db, rucio_server.url, tmp_path)
    user.write_secret("wrong")
    await user.refer(
        CatalogKind.RUCIO, rucio_server.url, "dune:worked", CredentialKind.PASSWORD, account="root", user="poms"
    )  # fmt: skip
    state, trouble = await user.list_dataset()
    assert "credential" in trouble
    assert state != "published"
    user.write_secret("secret")
    await user.plant.db.execute("UPDATE dataset SET list_at = now()")
    [dataset] = await user.plant.db.fetch("SELECT id FROM dataset")
    await listings.ask_for_listing(user.plant.db, dataset["id"], user.plant.person_id)
    assert await user.list_dataset() == ("published", "")
    files = await user.list_files()
    assert [(each["name"], each["size"], each["catalog"]) for each in files] == [
        ("dune:worked_0.root", 1000, "theirs"),
        ("dune:worked_1.root", 1000, "theirs"),
    ]
    assert all(each["checksum"].startswith("adler32:") for each in files)


@pytest.mark.xdist_group("metacat")
@pytest.mark.parametrize(
    "definition", ["dune:worked", "files from dune:worked where core.tier = 'raw'"]
)
async def test_a_dataset_of_metacat_is_listed_with_the_experiments_token(
    db: Pool, worker_db: Pool, metacat_server: CatalogServer, tmp_path: Path, definition: str
) -> None:
    made = [test_metacat.make_output(f"w{n}.root", metadata={"core.tier": "raw"}) for n in range(3)]
    async with open_metacat(metacat_server) as catalog:
        await test_metacat.declare_all(catalog, made, "dune:worked")
    user = await CatalogUser.make(db, worker_db, metacat_server.url, tmp_path)
    user.write_secret("good")
    url = f"{metacat_server.url}/app"
    await user.refer(CatalogKind.METACAT, url, definition, CredentialKind.TOKEN, user="poms")
    assert await user.list_dataset() == ("published", "")
    assert [each["name"] for each in await user.list_files()] == [
        f"dune:w{n}.root" for n in range(3)
    ]
