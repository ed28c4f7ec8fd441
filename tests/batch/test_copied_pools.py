"""A database that was copied to a second installation, on the pool of its original."""

from dataclasses import replace

import pytest

from db.pool import Pool as Database
from tests.batch.engines import Engine
from tests.batch.shared_house import SharedHouse, make_campaign
from tests.workers.copies import is_told_from_its_original


@pytest.mark.timeout(280)
async def test_a_copied_database_touches_nothing_of_its_original(
    house: SharedHouse, db: Database, engine: Engine, empty_database_url: str
) -> None:
    campaign = await make_campaign(engine.name, house, db)
    copy = replace(house, database_url=empty_database_url, tmp=house.tmp / "copy")
    for folder in (copy.tmp, copy.spool):
        folder.mkdir()
        folder.chmod(0o777)
    await is_told_from_its_original(campaign, copy)
