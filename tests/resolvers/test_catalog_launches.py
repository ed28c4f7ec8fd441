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


SAVE = """
    mutation ($input: SaveCatalogInput!) {
      saveCatalog(input: $input) { __typename ... on Problem { message } ... on Catalog { name } }
    }
"""
POSTPONED = "UPDATE catalog_launch SET next_try_at = now() + interval '1 hour', attempts = 5"


async def test_what_was_postponed_is_asked_again_when_the_catalog_is_saved_anew(
    ask: Ask, work: SubmissionFactory, db: Pool, hypot: int
) -> None:
    row = await work.submission(work.gen, "running")
    await db.execute(LAUNCHED, row.id, await db.fetchval(CATALOG, hypot))
    await db.execute(POSTPONED)
    given = {
        "experiment": "hypot", "name": "theirs", "kind": "SAM", "url": "https://sam.example.org/sam/hypot/api",
        "settings": [],
    }  # fmt: skip
    saved = await ask(SAVE, {"input": given}, as_="sue")
    assert saved["saveCatalog"] == {"__typename": "Catalog", "name": "theirs"}
    assert await db.fetchval("SELECT next_try_at <= now() FROM catalog_launch")
