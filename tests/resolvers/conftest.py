"""The real schema over a real database: an experiment with its people, and a way to ask as one of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import app
import auth
import doorbell
from db.pool import Pool
from db.reach import ApiPool
from door.schema import DoorSchema
from feed import ChangeFeed
from resolvers.roots import make_schema
from schema.context import AppState, Context

SECRET = "not much of a secret, but long enough"
PEOPLE = """
    WITH e AS (
        INSERT INTO experiment (name) VALUES ('hypot'), ('other') RETURNING id, name
    ), p AS (
        INSERT INTO person (username, name, is_admin)
        SELECT x.username, initcap(x.username), x.username = 'ada'
          FROM unnest(ARRAY['anna', 'sam', 'alan', 'sue', 'otto', 'ada']) AS x (username)
        RETURNING id, username
    )
    INSERT INTO membership (person_id, experiment_id, role)
    SELECT p.id, e.id, m.role::role
      FROM (VALUES ('anna', 'hypot', 'production'), ('sam', 'hypot', 'shifter'), ('alan', 'hypot', 'analysis'),
                   ('sue', 'hypot', 'superuser'), ('otto', 'other', 'production')) AS m (username, experiment, role)
      JOIN p USING (username) JOIN e ON e.name = m.experiment
"""
COUNTED = """
    SELECT coalesce(string_agg(format('SELECT %L, count(*) FROM %I', c.relname, c.relname), ' UNION ALL '), '')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""

Answer = dict[str, Any]
Ask = Callable[..., Awaitable[Answer]]


@cache
def make_cached_schema() -> DoorSchema:
    """The schema that the application serves, made once."""
    return make_schema()


@pytest.fixture
async def hypot(db: Pool) -> int:
    """The id of experiment `hypot`: anna makes production, sam is on shift, alan analyses, sue is
    superuser; otto is of experiment `other`, ada is service admin."""
    await db.execute(PEOPLE)
    found: int = await db.fetchval("SELECT id FROM experiment WHERE name = 'hypot'")
    return found


@pytest.fixture
async def app_state(api_pool: ApiPool, redis_url: str, tmp_path: Path) -> AsyncIterator[AppState]:
    """What a process of the API has opened."""
    redis = doorbell.open_queue(redis_url)
    yield AppState(
        db=api_pool,
        viewers=auth.Viewers(api_pool.everything, auth.LocalTokens(SECRET)),
        feed=ChangeFeed(app.ChangeReader(api_pool)),
        store=tmp_path,
        ring=lambda: doorbell.ring_bell(redis),
        enqueue=lambda *what: doorbell.enqueue_job(redis, *what),
    )
    await redis.aclose(close_connection_pool=True)


@pytest.fixture
def context(app_state: AppState, hypot: int) -> Callable[[str], Awaitable[Context]]:
    """Makes the context of somebody who is signed in."""

    async def of(username: str) -> Context:
        token = auth.LocalTokens(SECRET).issue(username, timedelta(hours=1), datetime.now(UTC))
        viewers = auth.Viewers(app_state.db.everything, auth.LocalTokens(SECRET))
        return Context(app_state, await viewers.of(token))

    return of


@pytest.fixture
def ask(context: Callable[[str], Awaitable[Context]]) -> Ask:
    """Ask as somebody: `await ask(query, variables, as_="anna")` gives `data`, or fails on errors."""

    async def answered(
        query: str, variables: Answer | None = None, as_: str = "anna", *, errors: bool = False
    ) -> Answer:
        result = await make_cached_schema().execute(query, variables, await context(as_))
        if errors:
            return {"errors": [error.formatted for error in result.errors or ()]}
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    return answered


@pytest.fixture
def counted(db: Pool) -> Callable[[], Awaitable[dict[str, int]]]:
    """How many rows each table has."""

    async def rows() -> dict[str, int]:
        found = await db.fetch(await db.fetchval(COUNTED))
        return {record[0]: record[1] for record in found}

    return rows


def ask_with_key(given: Answer) -> Answer:
    """An input as variables, with its `idempotencyKey` beside it."""
    rest = dict(given)
    key = rest.pop("idempotencyKey", None)
    return {"input": rest, "key": key}


JOB_TYPE = """
    mutation ($input: CreateJobTypeInput!, $key: String) {
      createJobType(input: $input, idempotencyKey: $key) {
        __typename
        ... on JobType { id name version }
        ... on Problem { message }
        ... on InvalidJobType { findings { path message } }
        ... on NameTaken { field }
      }
    }
"""
HOST = """
    mutation ($input: CreateLaunchHostInput!, $key: String) {
      createLaunchHost(input: $input, idempotencyKey: $key) {
        __typename ... on LaunchHost { id name } ... on Problem { message } ... on Invalid { field }
      }
    }
"""
LOGIN_SETUP = """
    mutation ($input: CreateLoginSetupInput!, $key: String) {
      createLoginSetup(input: $input, idempotencyKey: $key) {
        __typename
        ... on LoginSetup { id name environment { key value isSecret } launchHost { name } credential { name } }
        ... on Problem { message }
        ... on InvalidLoginSetup { findings { path message } }
      }
    }
"""
DATASET = """
    mutation ($input: CreateDatasetInput!, $key: String) {
      createDataset(input: $input, idempotencyKey: $key) {
        __typename
        ... on Dataset { id name }
        ... on Problem { message }
        ... on Invalid { field }
        ... on NameTaken { field }
      }
    }
"""
SAVE = """
    mutation ($input: SaveCampaignInput!, $key: String) {
      saveCampaign(input: $input, idempotencyKey: $key) {
        __typename
        ... on CampaignSaved {
          campaign {
            id name revision
            stages { id name kind split epoch active dataset { name } availableActions }
            dependencies { id upstream { name } downstream { name } patterns }
          }
          changes { stage change fields startsAgain }
        }
        ... on CampaignPlanned { revision changes { stage change fields startsAgain } }
        ... on Problem { message }
        ... on InvalidCampaign { findings { path message } }
        ... on StaleRevision { current }
        ... on TooMany { field most given }
        ... on Invalid { field }
      }
    }
"""


@pytest.fixture
async def configured(ask: Ask) -> dict[str, str]:
    """Job type `reco`, login setup `here` and the empty dataset `raw` of anna's in `hypot`; their ids."""
    host = {"experiment": "hypot", "name": "here"}
    await ask(HOST, {"input": host}, as_="ada")
    job_type = {"experiment": "hypot", "name": "reco", "command": ["true"], "patterns": ["*.root"]}
    setup = {"experiment": "hypot", "name": "here", "launchHost": "here"}
    dataset = {"experiment": "hypot", "name": "raw"}
    made = {
        "job_type": (await ask(JOB_TYPE, {"input": job_type}))["createJobType"],
        "login_setup": (await ask(LOGIN_SETUP, {"input": setup}))["createLoginSetup"],
        "dataset": (await ask(DATASET, {"input": dataset}))["createDataset"],
    }
    return {kind: found["id"] for kind, found in made.items()}


def build_stage_input(name: str, **more: Any) -> Answer:
    """The input of a stage that is right where `configured` is."""
    return {"name": name, "jobType": "reco", "loginSetup": "here", **more}


def build_campaign_input(*stages: Answer, **more: Any) -> Answer:
    """The input of a campaign of `hypot`."""
    return {"experiment": "hypot", "name": "mc", "stages": list(stages), **more}
