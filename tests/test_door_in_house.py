"""The application as it is served: who gets in, what is public, what happens when something is away."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

import app
from db import changes
from db.pool import Pool
from settings import Settings
from tests.resolvers.conftest import PEOPLE
from tests.resolvers.working import Work
from tests.served import SECRET, serving, token

ME = "{ viewer { person { username } } }"


@pytest.fixture
async def settings(db: Pool, database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    await db.execute(PEOPLE)
    return Settings(database_url, redis_url, SECRET, tmp_path, tmp_path)


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as found:
        yield found


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=20) as client:
        yield client


async def post(http: httpx2.AsyncClient, query: str, as_: str = "anna") -> httpx2.Response:
    headers = {"authorization": f"Bearer {token(as_)}"}
    return await http.post("/graphql", json={"query": query}, headers=headers)


async def test_who_is_signed_in_is_answered(http: httpx2.AsyncClient) -> None:
    found = await post(http, ME)
    assert found.json()["data"] == {"viewer": {"person": {"username": "anna"}}}
    assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
    assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("given", [None, "Bearer nonsense", "Basic x", f"Bearer {token('nobody')}"])
async def test_nobody_else_is_answered_anything(
    http: httpx2.AsyncClient, given: str | None
) -> None:
    headers = {"authorization": given} if given else {}
    for query in (ME, "{ __typename }", "{ __schema { types { name } } }"):
        found = await http.post("/graphql", json={"query": query}, headers=headers)
        assert found.status_code == 401
        assert found.headers["www-authenticate"].startswith("Bearer")
        assert "data" not in found.json()


async def test_an_expired_token_is_refused_with_the_reason(http: httpx2.AsyncClient) -> None:
    headers = {"authorization": f"Bearer {token('anna', hours=-1)}"}
    found = await http.post("/graphql", json={"query": ME}, headers=headers)
    assert found.status_code == 401
    assert "expired" in found.text


async def test_health_is_public_and_says_what_is_there(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/healthz")).status_code == 200
    found = await http.get("/readyz")
    assert found.status_code == 200
    said = found.json()
    assert (said["ready"], said["degraded"], said["faults"]) == (True, False, [])
    assert said["job_partitions_ahead"] >= 1


async def test_without_redis_the_service_is_ready_but_degraded(settings: Settings) -> None:
    away = replace(settings, redis_url="redis://127.0.0.1:1")
    async with serving(away) as address, httpx2.AsyncClient() as http:
        found = await http.get(f"http://{address}/readyz")
        assert found.status_code == 200
        assert found.json()["degraded"]


async def test_a_change_that_nobody_relays_makes_it_unready(
    http: httpx2.AsyncClient, db: Pool
) -> None:
    await db.execute(
        "INSERT INTO change_inbox (experiment_id, kind, body, at) "
        "VALUES (1, 'x', '{}', now() - interval '1 minute')"
    )
    found = await http.get("/readyz")
    assert found.status_code == 503
    assert "relay" in found.json()["faults"][0]


async def test_missing_partitions_make_it_unready(http: httpx2.AsyncClient, db: Pool) -> None:
    await db.execute("DROP TABLE job_1")
    found = await http.get("/readyz")
    assert (found.status_code, found.json()["job_partitions_ahead"]) == (503, 0)


async def test_browsers_get_pages(http: httpx2.AsyncClient) -> None:
    index = await http.get("/")
    if not (app.DIST / "index.html").is_file():
        assert (index.status_code, "make playground" in index.text) == (404, True)
        pytest.skip("the web pages are not built")
    assert index.headers["content-type"].startswith("text/html")
    script = re.search(r'src="(/assets/[^"]+)"', index.text)
    assert script
    assert "immutable" in (await http.get(script[1])).headers["cache-control"]
    playground = await http.get("/graphql", headers={"accept": "text/html"})
    assert playground.headers["content-type"].startswith("text/html")
    assert (await http.get("/assets/../../settings.py")).status_code == 404


@asynccontextmanager
async def conversing(address: str, username: str) -> AsyncIterator[ClientConnection]:
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"ws://{address}/graphql", subprotocols=protocols, close_timeout=1) as ws:
        await say(
            ws, type="connection_init", payload={"authorization": f"Bearer {token(username)}"}
        )
        assert (await hear(ws))["type"] == "connection_ack"
        yield ws


async def say(ws: ClientConnection, **message: Any) -> None:
    await ws.send(json.dumps(message))


async def hear(ws: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(20):
        found: dict[str, Any] = json.loads(await ws.recv())
        return found


WATCH = "subscription { changes { __typename ... on Change { kind submissionId } } }"


async def watch(ws: ClientConnection, query: str = WATCH) -> None:
    await say(ws, type="subscribe", id="1", payload={"query": query})


async def test_a_launch_is_heard_of_by_those_who_may(
    address: str, http: httpx2.AsyncClient, db: Pool
) -> None:
    work = await Work.make(db)
    async with conversing(address, "sam") as sam, conversing(address, "otto") as otto:
        for ws in (sam, otto):
            await watch(ws)
            first = (await hear(ws))["payload"]["data"]["changes"]
            assert first["__typename"] == "Heartbeat"
        launch = f'mutation {{ launchStage(stageId: "stage:{work.reco}") {{ __typename }} }}'
        found = await post(http, launch)
        assert found.json()["data"]["launchStage"]["__typename"] == "Submission"
        await work.tell()
        while (heard := (await hear(sam))["payload"]["data"]["changes"])["__typename"] != "Change":
            pass
        assert heard["kind"] == "submission.new"
        second = (await hear(otto))["payload"]["data"]["changes"]
        assert second["__typename"] == "Heartbeat"


async def test_whose_membership_ends_is_thrown_out_of_what_is_open(address: str, db: Pool) -> None:
    async with conversing(address, "sam") as ws:
        await watch(ws)
        await hear(ws)
        await db.execute(
            "DELETE FROM membership USING person p WHERE p.id = person_id AND username = 'sam'"
        )
        await db.execute(
            "INSERT INTO change_inbox (experiment_id, kind, body) "
            "SELECT id, 'membership.changed', '{}' FROM experiment"
        )
        await changes.relay(db, 10)
        async with asyncio.timeout(20):
            await ws.wait_closed()
        assert ws.close_code == 4403


async def test_a_launch_over_a_socket_is_its_persons_own(address: str, db: Pool) -> None:
    work = await Work.make(db)
    launch = f'mutation {{ launchStage(stageId: "stage:{work.reco}") {{ __typename }} }}'
    async with conversing(address, "sam") as ws:
        await watch(ws, launch)
        assert (await hear(ws))["payload"]["data"]["launchStage"]["__typename"] == "Submission"
    by = await db.fetchval("SELECT username FROM submission s JOIN person p ON p.id = created_by")
    assert by == "sam"


COMMITTED = """
    INSERT INTO change_inbox (experiment_id, kind, body)
    SELECT id, 'told', jsonb_build_object('n', $1::int) FROM experiment WHERE name = 'hypot'
"""
FOLLOW = """subscription { changes(filter: {kinds: ["told"]} %s) {
  ... on Change { cursor body } ... on Heartbeat { cursor } } }"""


async def commit(db: Pool, numbers: range) -> None:
    """What a writer does, now and then in a transaction that commits late."""
    for n in numbers:
        async with db.acquire() as conn, conn.transaction():
            await conn.execute(COMMITTED, n)
            await asyncio.sleep(0.004 * (n % 3))


async def relay(db: Pool, done: asyncio.Event) -> None:
    while not done.is_set() or await changes.relay(db, 7):
        await changes.relay(db, 7)
        await asyncio.sleep(0.005)


async def until_cut_off(address: str, after: str, seen: list[int], most: int) -> str:
    """Listen until that many messages came, then be gone without a word; returns the last cursor."""
    async with conversing(address, "anna") as ws:
        await watch(ws, FOLLOW % after)
        for _ in range(most):
            item = (await hear(ws))["payload"]["data"]["changes"]
            after = f', after: "{item["cursor"]}"'
            if "body" in item:
                seen.append(item["body"]["n"])
        ws.transport.abort()
    return after


async def test_who_is_cut_off_again_and_again_has_exactly_what_was_committed(
    address: str, db: Pool
) -> None:
    done, seen = asyncio.Event(), list[int]()
    relaying = asyncio.create_task(relay(db, done))
    await commit(db, range(1))
    writers = [asyncio.create_task(commit(db, range(1 + 80 * k, 81 + 80 * k))) for k in range(4)]
    after, dice = await until_cut_off(address, "", seen, 1), random.Random(5)
    while not all(writer.done() for writer in writers):
        after = await until_cut_off(address, after, seen, dice.randrange(1, 40))
    await asyncio.gather(*writers)
    done.set()
    await relaying
    told = "SELECT (body ->> 'n')::int AS n FROM change WHERE kind = 'told' ORDER BY position"
    committed = [row["n"] for row in await db.fetch(told)]
    assert sorted(committed) == list(range(321))
    async with asyncio.timeout(60):
        while len(seen) < len(committed) - committed.index(seen[0]):
            after = await until_cut_off(address, after, seen, 1)
    assert seen == committed[committed.index(seen[0]) :]
