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
from db import changes, loop_progress
from db.pool import Pool
from domain.loops import LOOPS
from settings import Settings
from tests.application_server import SECRET, make_token, serve_application
from tests.resolvers.conftest import PEOPLE
from tests.resolvers.submission_factory import SubmissionFactory

ME = "{ viewer { person { username } } }"


@pytest.fixture
async def settings(db: Pool, api_url: str, redis_url: str, tmp_path: Path) -> Settings:
    await db.execute(PEOPLE)
    return Settings(api_url, redis_url, tmp_path, tmp_path, SECRET)


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    async with serve_application(settings) as found:
        yield found


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=20) as client:
        yield client


async def post_query(http: httpx2.AsyncClient, query: str, as_: str = "anna") -> httpx2.Response:
    headers = {"authorization": f"Bearer {make_token(as_)}"}
    return await http.post("/graphql", json={"query": query}, headers=headers)


async def test_who_is_signed_in_is_answered(http: httpx2.AsyncClient) -> None:
    found = await post_query(http, ME)
    assert found.json()["data"] == {"viewer": {"person": {"username": "anna"}}}
    assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
    assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "given", [None, "Bearer nonsense", "Basic x", f"Bearer {make_token('nobody')}"]
)
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
    headers = {"authorization": f"Bearer {make_token('anna', hours=-1)}"}
    found = await http.post("/graphql", json={"query": ME}, headers=headers)
    assert found.status_code == 401
    assert "expired" in found.text


async def test_health_is_public_and_says_what_is_there(http: httpx2.AsyncClient, db: Pool) -> None:
    found = await http.get("/readyz")
    assert (found.status_code, found.json()["degraded"]) == (200, True)
    assert found.json()["stalled_loops"] == dict.fromkeys(LOOPS)  # nobody has ever run them
    for loop in LOOPS:
        await loop_progress.record(db, loop, "a worker")
    assert (await http.get("/healthz")).status_code == 200
    found = await http.get("/readyz")
    assert found.status_code == 200
    said = found.json()
    assert (said["ready"], said["degraded"], said["faults"]) == (True, False, [])
    assert said["job_partitions_ahead"] >= 1


async def test_without_redis_the_service_is_ready_but_degraded(settings: Settings) -> None:
    away = replace(settings, redis_url="redis://127.0.0.1:1")
    async with serve_application(away) as address, httpx2.AsyncClient() as http:
        found = await http.get(f"http://{address}/readyz")
        assert found.status_code == 200
        assert found.json()["degraded"]


async def test_a_change_that_nobody_relays_makes_it_unready(
    http: httpx2.AsyncClient, db: Pool
) -> None:
    await db.execute(
        "INSERT INTO change_inbox (experiment_id, kind, part, body, at) "
        "VALUES (1, 'x', 'watch', '{}', now() - interval '1 minute')"
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
async def open_conversation(address: str, username: str) -> AsyncIterator[ClientConnection]:
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"ws://{address}/graphql", subprotocols=protocols, close_timeout=1) as ws:
        await send_message(
            ws, type="connection_init", payload={"authorization": f"Bearer {make_token(username)}"}
        )
        assert (await receive_message(ws))["type"] == "connection_ack"
        yield ws


async def send_message(ws: ClientConnection, **message: Any) -> None:
    await ws.send(json.dumps(message))


async def receive_message(ws: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(20):
        found: dict[str, Any] = json.loads(await ws.recv())
        return found


WATCH = "subscription { changes { __typename ... on Change { kind submissionId } } }"


async def start_watching(ws: ClientConnection, query: str = WATCH) -> None:
    await send_message(ws, type="subscribe", id="1", payload={"query": query})


async def test_a_launch_is_heard_of_by_those_who_may(
    address: str, http: httpx2.AsyncClient, db: Pool
) -> None:
    work = await SubmissionFactory.make(db)
    async with open_conversation(address, "sam") as sam, open_conversation(address, "otto") as otto:
        for ws in (sam, otto):
            await start_watching(ws)
            first = (await receive_message(ws))["payload"]["data"]["changes"]
            assert first["__typename"] == "Heartbeat"
        launch = f'mutation {{ launchStage(input: {{id: "stage:{work.reco}"}}) {{ __typename }} }}'
        found = await post_query(http, launch)
        assert found.json()["data"]["launchStage"]["__typename"] == "Submission"
        await work.tell()
        while (heard := (await receive_message(sam))["payload"]["data"]["changes"])[
            "__typename"
        ] == "Heartbeat":
            pass
        assert (heard["__typename"], heard["kind"]) == ("SubmissionChange", "SUBMISSION_NEW")
        second = (await receive_message(otto))["payload"]["data"]["changes"]
        assert second["__typename"] == "Heartbeat"


async def test_whose_membership_ends_is_thrown_out_of_what_is_open(address: str, db: Pool) -> None:
    async with open_conversation(address, "sam") as ws:
        await start_watching(ws)
        await receive_message(ws)
        await db.execute(
            "DELETE FROM membership USING person p WHERE p.id = person_id AND username = 'sam'"
        )
        await db.execute(
            "INSERT INTO change_inbox (experiment_id, kind, part, body) "
            "SELECT id, 'membership.changed', 'watch', '{}' FROM experiment"
        )
        await changes.relay_batch(db, 10)
        async with asyncio.timeout(20):
            await ws.wait_closed()
        assert ws.close_code == 4403


async def test_a_launch_over_a_socket_is_its_persons_own(address: str, db: Pool) -> None:
    work = await SubmissionFactory.make(db)
    launch = f'mutation {{ launchStage(input: {{id: "stage:{work.reco}"}}) {{ __typename }} }}'
    async with open_conversation(address, "sam") as ws:
        await start_watching(ws, launch)
        assert (await receive_message(ws))["payload"]["data"]["launchStage"][
            "__typename"
        ] == "Submission"
    by = await db.fetchval("SELECT username FROM submission s JOIN person p ON p.id = created_by")
    assert by == "sam"


COMMITTED = """
    INSERT INTO change_inbox (experiment_id, kind, part, body)
    SELECT id, 'launches.preferred', 'watch', jsonb_build_object('priority', $1::int)
      FROM experiment WHERE name = 'hypot'
"""
FOLLOW = """subscription { changes(filter: {kinds: [LAUNCHES_PREFERRED]} %s) {
  ... on Change { cursor ... on PriorityChange { priority } } ... on Heartbeat { cursor } } }"""


async def commit_changes(db: Pool, numbers: range) -> None:
    """What a writer does, now and then in a transaction that commits late."""
    for n in numbers:
        async with db.acquire() as conn, conn.transaction():
            await conn.execute(COMMITTED, n)
            await asyncio.sleep(0.004 * (n % 3))


async def relay_changes(db: Pool, done: asyncio.Event) -> None:
    while not done.is_set() or await changes.relay_batch(db, 7):
        await changes.relay_batch(db, 7)
        await asyncio.sleep(0.005)


async def listen_until_cut_off(address: str, after: str, seen: list[int], most: int) -> str:
    """Listen until that many messages came, then be gone without a word; returns the last cursor."""
    async with open_conversation(address, "anna") as ws:
        await start_watching(ws, FOLLOW % after)
        for _ in range(most):
            item = (await receive_message(ws))["payload"]["data"]["changes"]
            after = f', after: "{item["cursor"]}"'
            if "priority" in item:
                seen.append(item["priority"])
        ws.transport.abort()
    return after


async def test_who_is_cut_off_again_and_again_has_exactly_what_was_committed(
    address: str, db: Pool
) -> None:
    done, seen = asyncio.Event(), list[int]()
    relaying = asyncio.create_task(relay_changes(db, done))
    await commit_changes(db, range(1))
    writers = [
        asyncio.create_task(commit_changes(db, range(1 + 80 * k, 81 + 80 * k))) for k in range(4)
    ]
    after, dice = await listen_until_cut_off(address, "", seen, 1), random.Random(5)
    while not all(writer.done() for writer in writers):
        after = await listen_until_cut_off(address, after, seen, dice.randrange(1, 40))
    await asyncio.gather(*writers)
    done.set()
    await relaying
    told = "SELECT (body ->> 'priority')::int AS n FROM change WHERE kind = 'launches.preferred' ORDER BY position"
    committed = [row["n"] for row in await db.fetch(told)]
    assert sorted(committed) == list(range(321))
    async with asyncio.timeout(60):
        while len(seen) < len(committed) - committed.index(seen[0]):
            after = await listen_until_cut_off(address, after, seen, 1)
    assert seen == committed[committed.index(seen[0]) :]
