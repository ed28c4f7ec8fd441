"""The servers of catalogs, each started as a process of its own, and what the conformance suite asks of each."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest

from catalogs import CatalogFile, DeclaringCatalog, ListingCatalog, LocatingCatalog
from tests.catalogs.catalog_servers import (
    CatalogServer,
    execute_statement,
    find_catalog_python,
    name_database,
    run_catalog,
)
from tests.catalogs.sam_bench import SamBench
from tests.catalogs.sam_server import run_sam
from tests.conftest import PostgresServer

_serial = count()


class FullCatalog(ListingCatalog, LocatingCatalog, DeclaringCatalog, Protocol):
    """What the conformance suite asks of each catalog."""


class CatalogBench(Protocol):
    """One catalog with data of its own, whose server can be told to fail."""

    catalog: FullCatalog
    definition: str
    """Finds all files that were put there with a place."""
    missing: str
    """A definition that there is not."""

    async def put_files(self, files: Sequence[CatalogFile]) -> None:
        """Let the server know these files, each with a place."""
        ...

    async def set_faults(self, **faults: object) -> None:
        """Let the server fail, as `faults.py` has it; none: never more."""
        ...

    async def revoke_tokens(self) -> None:
        """Let no token be good any more that was handed out up to now."""
        ...

    def open_at(self, url: str) -> AbstractAsyncContextManager[ListingCatalog]:
        """The same catalog, but its server is to be at another address."""
        ...

    def name_file(self, name: str) -> str:
        """What the catalog calls a file."""
        ...


@pytest.fixture(scope="package")
def sam_url() -> Iterator[str]:
    """A SAM that runs."""
    with run_sam() as url:
        yield url


@pytest.fixture
async def sam(sam_url: str) -> AsyncIterator[SamBench]:
    async with SamBench(sam_url, f"exp{next(_serial)}") as made:
        yield made


@pytest.fixture(params=["sam"])
def bench(request: pytest.FixtureRequest) -> CatalogBench:
    """Each catalog in turn: a new one adds its fixture's name."""
    made: CatalogBench = request.getfixturevalue(request.param)
    return made


@contextmanager
def run_on_own_database(name: str, postgres: PostgresServer, home: Path) -> Iterator[CatalogServer]:
    find_catalog_python(name)
    database, admin = f"{name}_{secrets.token_hex(4)}", postgres.tcp_admin
    asyncio.run(execute_statement(admin, f"CREATE DATABASE {database}"))
    try:
        with run_catalog(name, home / name, name_database(admin, database)) as server:
            yield server
    finally:
        asyncio.run(execute_statement(admin, f"DROP DATABASE {database} WITH (FORCE)"))


@pytest.fixture(scope="package")
def rucio_server(postgres_server: PostgresServer, service_home: Path) -> Iterator[CatalogServer]:
    """A real Rucio server, without its daemons."""
    with run_on_own_database("rucio", postgres_server, service_home) as server:
        yield server


@pytest.fixture(scope="package")
def metacat_server(postgres_server: PostgresServer, service_home: Path) -> Iterator[CatalogServer]:
    """MetaCat's own engine behind a server of ours, as no server of its makers can be had."""
    with run_on_own_database("metacat", postgres_server, service_home) as server:
        yield server
