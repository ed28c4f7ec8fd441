"""POMS served on loopback, for the client and the command."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.pool import Pool
from poms import Client
from settings import Settings
from tests.application_server import SECRET, make_token, serve_application
from tests.poms.command_runner import Poms, make_poms_of_anna
from tests.resolvers.conftest import PEOPLE


@pytest.fixture
async def settings(db: Pool, api_url: str, redis_url: str, tmp_path: Path) -> Settings:
    await db.execute(PEOPLE)
    return Settings(api_url, redis_url, tmp_path / "spool", tmp_path / "store", SECRET)


@pytest.fixture
async def url(settings: Settings) -> AsyncIterator[str]:
    async with serve_application(settings) as address:
        yield f"http://{address}"


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    async with Client(url, make_token("anna")) as made:
        yield made


@pytest.fixture
def poms(url: str, tmp_path: Path) -> Poms:
    """Runs the command as anna."""
    return make_poms_of_anna(url, tmp_path)
