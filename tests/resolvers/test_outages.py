"""A database without room or connections: everybody is told so, nothing is half done, it goes on by itself."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

import app
import doorbell
from db.migrate import apply_migrations
from db.pool import Pool, open_pool
from resolvers.health import check_readiness
from schema.context import Context
from settings import Settings
from tests.application_server import SECRET, make_token
from tests.application_server import serve_application as serving_app
from tests.factories import Factory
from tests.resolvers.conftest import make_cached_schema
from tests.small_disks import SmallDisk, make_small_disk
from tests.workers.services import Services, run_services

LAUNCH = """
    mutation ($stage: ID!, $key: String!) {
      launchStage(input: {id: $stage}, idempotencyKey: $key) {
        __typename ... on Submission { id } ... on TryAgainLater { cause retryAfterS message }
        ... on Problem { message }
      }
    }
"""
LAUNCHES = 40
SERIAL = itertools.count()


@pytest.fixture(scope="module")
def disk() -> Iterator[SmallDisk]:
    with make_small_disk(160) as made:
        yield made


@pytest.fixture(scope="module")
def services(disk: SmallDisk) -> Iterator[Services]:
    with run_services(disk.path, max_connections="20") as made:
        yield made


@pytest.fixture
async def database_url(services: Services) -> str:
    """The database of these tests is on the small disk."""
    name = f"outage{next(SERIAL)}"
    connection = await asyncpg.connect(services.cluster.dsn())
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    await apply_migrations(services.cluster.dsn(name))
    return services.cluster.dsn(name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    yield pool
    pool.terminate()


@pytest.fixture
async def anna(context: Callable[[str], Awaitable[Context]]) -> Context:
    return await context("anna")


@pytest.fixture
async def stage(db: Pool, hypot: int) -> str:
    plant = await Factory.make(db)
    made = await plant.stage("gen", ["true"], kind="generator", patterns=["gen*"])
    return f"stage:{made}"


async def launch_many(anna: Context, stage: str) -> Counter[str]:
    """Launch many times at once, each with a key of its own; what was answered, by type."""
    asked = [
        make_cached_schema().execute(LAUNCH, {"stage": stage, "key": f"k{n}"}, anna.alone())
        for n in range(LAUNCHES)
    ]
    answers = []
    for result in await asyncio.gather(*asked):
        assert not result.errors, result.errors
        assert result.data is not None
        answers.append(result.data["launchStage"])
    for answer in answers:
        if answer["__typename"] == "TryAgainLater":
            assert answer["retryAfterS"] > 0
            assert "idempotencyKey" in answer["message"]
    return Counter(answer["__typename"] for answer in answers)


async def test_a_full_disk_is_said_and_what_is_asked_again_is_done_once(
    anna: Context, db: Pool, disk: SmallDisk, stage: str
) -> None:
    ready, said = await check_readiness(db, "here")
    assert ready, said
    disk.fill()
    try:
        answered = await launch_many(anna, stage)
        assert answered["TryAgainLater"] > 0
        assert set(answered) <= {"TryAgainLater", "Submission"}
        ready, said = await check_readiness(db, "here")
        assert not ready
        assert "No space left" in said["faults"][0]
    finally:
        disk.make_room()
    assert await launch_many(anna, stage) == {"Submission": LAUNCHES}
    assert await db.fetchval("SELECT count(*) FROM submission") == LAUNCHES
    assert await db.fetchval("SELECT unfinished FROM stage") == LAUNCHES
    ready, said = await check_readiness(db, "here")
    assert ready, said


async def test_a_database_without_free_connections_is_said(
    anna: Context, db: Pool, services: Services, stage: str
) -> None:
    taken: list[asyncpg.Connection[Any]] = []
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            taken.append(await asyncpg.connect(services.cluster.dsn()))
    try:
        answered = await launch_many(anna, stage)
        assert answered["TryAgainLater"] > 0
        assert set(answered) <= {"TryAgainLater", "Submission"}
    finally:
        for connection in taken:
            await connection.close()
    assert await launch_many(anna, stage) == {"Submission": LAUNCHES}
    assert await db.fetchval("SELECT count(*) FROM submission") == LAUNCHES


async def test_a_query_says_it_as_an_error_with_a_code(
    anna: Context, db: Pool, services: Services
) -> None:
    services.kill("postgres")
    try:
        found = await make_cached_schema().execute(
            "{ campaigns(first: 1) { nodes { id } } }", None, anna
        )
    finally:
        services.start("postgres")
    assert found.errors is not None
    said = found.errors[0].extensions
    assert said is not None
    assert (said["code"], said["cause"]) == ("TRY_AGAIN_LATER", "DATABASE_AWAY")


async def test_who_can_not_be_signed_in_is_told_when_to_come_back(
    services: Services, api_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = Settings(api_url, redis_url, tmp_path, tmp_path, SECRET)
    headers = {"authorization": f"Bearer {make_token('anna')}"}
    async with serving_app(settings) as address, httpx2.AsyncClient(headers=headers) as http:
        services.kill("postgres")
        try:
            asked = {"query": "{ __typename }"}
            answer = await http.post(f"http://{address}/graphql", json=asked)
        finally:
            services.start("postgres")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "database" in answer.json()["errors"][0]["message"]


async def test_a_valkey_that_takes_nothing_more_is_said(services: Services) -> None:
    redis = doorbell.open_queue(services.server.url)
    assert await app.check_redis(redis) == "here"
    await redis.config_set("maxmemory", "1")
    try:
        assert "full" in await app.check_redis(redis)
    finally:
        await redis.config_set("maxmemory", "128mb")
    assert await app.check_redis(redis) == "here"
    await redis.aclose(close_connection_pool=True)
