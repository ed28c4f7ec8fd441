"""POMS served on loopback, for the client and the command."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.pool import Pool
from poms import Client
from settings import Settings
from tests.poms.commanding import Poms, as_anna
from tests.resolvers.conftest import PEOPLE
from tests.served import SECRET, serving, token


@pytest.fixture
async def settings(db: Pool, database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    await db.execute(PEOPLE)
    return Settings(database_url, redis_url, SECRET, tmp_path / "spool", tmp_path / "store")


@pytest.fixture
async def url(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as address:
        yield f"http://{address}"


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    async with Client(url, token("anna")) as made:
        yield made


@pytest.fixture
def poms(url: str, tmp_path: Path) -> Poms:
    """Runs the command as anna."""
    return as_anna(url, tmp_path)
