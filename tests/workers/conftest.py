"""A house and a campaign of two stages in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.pool import Pool
from tests.plant import Plant
from tests.workers.house import House


@pytest.fixture
def house(db: Pool, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[House]:
    made = House(db, database_url, redis_url, tmp_path)
    yield made
    made.stop()


@pytest.fixture
async def plant(db: Pool) -> Plant:
    return await Plant.make(db)
