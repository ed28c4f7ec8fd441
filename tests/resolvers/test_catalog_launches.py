"""A launch in the catalog that has its files, as a client sees it."""

import pytest

from db.pool import Pool
from tests.resolvers.conftest import Ask
from tests.resolvers.submission_factory import SubmissionFactory

SHOWN = """
    query ($id: ID!) {
      submission(id: $id) {
        catalogLaunch { name project state trouble waiting consumed catalog { name kind } }
      }
    }
"""
CATALOG = "INSERT INTO catalog (experiment_id, name, kind, url) VALUES ($1, 'theirs', 'sam', 'https://x') RETURNING id"
LAUNCHED = """
    INSERT INTO catalog_launch (submission_id, catalog_id, name, project, state, waiting, consumed)
    VALUES ($1, $2, 'raw_slice1_stage1', 'p', 'ready', 3, 4)
"""


@pytest.fixture
async def work(db: Pool) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def test_a_launch_shows_how_its_catalog_knows_it(
    ask: Ask, work: SubmissionFactory, db: Pool, hypot: int
) -> None:
    row = await work.submission(work.gen, "running")
    assert (await ask(SHOWN, {"id": f"submission:{row.id}"}))["submission"] == {
        "catalogLaunch": None
    }
    await db.execute(LAUNCHED, row.id, await db.fetchval(CATALOG, hypot))
    shown = (await ask(SHOWN, {"id": f"submission:{row.id}"}))["submission"]["catalogLaunch"]
    assert shown == {
        "name": "raw_slice1_stage1", "project": "p", "state": "READY", "trouble": "", "waiting": 3, "consumed": 4,
        "catalog": {"name": "theirs", "kind": "SAM"},
    }  # fmt: skip
