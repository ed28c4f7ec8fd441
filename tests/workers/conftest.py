"""A house and a campaign of two stages in it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from db.migrate import apply_migrations
from db.pool import Pool, open_pool
from tests.factories import Factory
from tests.workers.house import House
from tests.workers.services import Services, run_services


@pytest.fixture
def house(db: Pool, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[House]:
    made = House(db, database_url, redis_url, tmp_path)
    yield made
    made.stop()


@pytest.fixture
async def plant(db: Pool) -> Factory:
    return await Factory.make(db)


@pytest.fixture
def services(service_home: Path) -> Iterator[Services]:
    with run_services(service_home) as made:
        yield made


@pytest.fixture
async def own_db(services: Services) -> AsyncIterator[Pool]:
    await apply_migrations(services.cluster.dsn())
    pool = await open_pool(services.cluster.dsn())
    yield pool
    pool.terminate()
