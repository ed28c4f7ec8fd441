"""The application as it is served, and clients that ask too much, too slowly, or for somebody else's address."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

import app
from db.pool import Pool
from door import bounded
from settings import Settings
from tests.application_server import SECRET, make_token, serve_application
from tests.resolvers.conftest import PEOPLE

RESPONSE = "application/graphql-response+json"
PROTOCOL = Subprotocol("graphql-transport-ws")
EVENTS = "text/event-stream"
WATCH = "subscription { changes { __typename } }"
ME = "{ viewer { person { username } } }"
METRICS = "a token of the tests for metrics, long enough"


@pytest.fixture
async def settings(db: Pool, database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    await db.execute(PEOPLE)
    made = Settings(database_url, redis_url, tmp_path, tmp_path, SECRET, metrics_token=METRICS)
    return replace(made, connections=2)


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    async with serve_application(settings) as found:
        yield found


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=30) as client:
        yield client


def build_headers(accept: str, username: str = "anna") -> dict[str, str]:
    return {"authorization": f"Bearer {make_token(username)}", "accept": accept}


async def post_query(http: httpx2.AsyncClient, query: str, **variables: Any) -> httpx2.Response:
    asked = {"query": query, "variables": variables}
    return await http.post("/graphql", json=asked, headers=build_headers(RESPONSE))


async def is_answered(http: httpx2.AsyncClient) -> bool:
    answer = await post_query(http, ME)
    return bool(answer.json()["data"] == {"viewer": {"person": {"username": "anna"}}})


async def send_bytes(address: str, *pieces: bytes) -> bytes:
    """What comes until the server closes."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(30):
            return await reader.read()
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()


@pytest.mark.parametrize(
    "pieces",
    [
        [b"POST /graphql HTTP/1.1\r\nhost: x\r\n", *[b"a: " + b"x" * 8_000 + b"\r\n"] * 5_000],
        [b"GET /graphql HTTP/1.1\r\nhost: x\r\na: ", *[b"x" * 65_536] * 600],
        [b"GET /graphql?query=", *[b"x" * 65_536] * 600],
    ],
    ids=["many headers", "one long header", "a long request line"],
)
async def test_forty_megabytes_of_a_head_are_cut_off(
    address: str, http: httpx2.AsyncClient, pieces: list[bytes]
) -> None:
    said = await send_bytes(address, *pieces)
    assert said == b"reset" or said.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert await is_answered(http)


async def test_half_open_connections_are_closed_and_others_are_answered_meanwhile(
    address: str, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "HEAD_SECONDS", 2.0)
    heads = [b"", b"GET", b"POST /graphql HTTP/1.1\r\nhost: x\r\n"] * 100
    half_open = [asyncio.create_task(send_bytes(address, head)) for head in heads]
    assert await is_answered(http)
    for said in await asyncio.gather(*half_open):
        assert said.startswith(b"HTTP/1.1 408")
    assert await is_answered(http)


TEN = "{ campaigns(first: 100) { nodes { stages { campaign { stages { campaign { stages { id } } } } } } } }"
LATE, EARLY = "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"
SINCE = "query ($at: DateTime) { submissions(filter: {since: $at}) { nodes { id } } }"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ submissions(first: 1e30) { nodes { id } } }", {}),
        ("query ($n: Int) { submissions(first: $n) { nodes { id } } }", {"n": 1e30}),
        (f"{{ submissions(first: {'9' * 400}) {{ nodes {{ id }} }} }}", {}),
        (TEN.replace("first: 100", f"first: {2**62}"), {}),
        (TEN, {}),
        ("{ submissions(last: -9223372036854775809) { nodes { id } } }", {}),
        (SINCE, {"at": LATE}),
        (SINCE, {"at": EARLY}),
        (SINCE.replace("($at: DateTime)", "").replace("$at", f'"{LATE}"'), {}),
        (SINCE, {"at": "2026-01-01T00:00:00"}),
    ],
)
async def test_what_is_beyond_all_numbers_and_calendars_is_a_400(
    http: httpx2.AsyncClient, query: str, variables: dict[str, Any]
) -> None:
    found = await post_query(http, query, **variables)
    assert found.status_code == 400, found.text
    said = [error["message"] for error in found.json()["errors"]]
    assert said
    assert "Unexpected error." not in said
    assert "data" not in found.json() or found.json()["data"] is None


async def test_metrics_are_told_to_nobody_without_their_token(
    settings: Settings, http: httpx2.AsyncClient
) -> None:
    for shown in (None, "Bearer", f"Bearer {make_token('ada')}", METRICS, "Bearer \xfc"):
        headers = {b"authorization": shown.encode()} if shown is not None else {}
        assert (await http.get("/metrics", headers=headers)).status_code == 403
    right = {"authorization": f"Bearer {METRICS}"}
    assert (await http.get("/metrics", headers=right)).status_code == 200
    async with (
        serve_application(replace(settings, metrics_token="")) as without,
        httpx2.AsyncClient() as one,
    ):
        for shown in (None, "Bearer", "Bearer None"):
            headers = {b"authorization": shown.encode()} if shown is not None else {}
            assert (await one.get(f"http://{without}/metrics", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "path", ["/assets", "/assets/", "/graphql/", "//evil.example", "/metrics/"]
)
async def test_no_answer_leads_where_the_host_header_says(
    http: httpx2.AsyncClient, path: str
) -> None:
    hostile = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    found = await http.get(path, headers=hostile, follow_redirects=False)
    assert found.status_code < 300 or found.status_code >= 400
    assert "location" not in found.headers
    assert "evil.example" not in found.text


async def test_assets_of_pages_that_are_not_built_are_not_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(app, "DIST", tmp_path / "dist")
    async with (
        serve_application(settings) as bare,
        httpx2.AsyncClient(base_url=f"http://{bare}") as http,
    ):
        for path in ("/assets/index.js", "/assets/", "/assets/../../settings.py", "/"):
            assert (await http.get(path)).status_code == 404


async def test_one_socket_too_many_is_closed_with_its_reason(address: str) -> None:
    async def greeted(stack: AsyncExitStack, username: str = "anna") -> ClientConnection:
        socket = connect(f"ws://{address}/graphql", subprotocols=[PROTOCOL], close_timeout=1)
        ws = await stack.enter_async_context(socket)
        payload = {"authorization": f"Bearer {make_token(username)}"}
        await ws.send(json.dumps({"type": "connection_init", "payload": payload}))
        return ws

    async with AsyncExitStack() as stack, asyncio.timeout(30):
        for username in ("anna", "anna", "sam"):
            assert "connection_ack" in str(await (await greeted(stack, username)).recv())
        refused = await greeted(stack)
        await refused.wait_closed()
        assert refused.close_code == 4429


async def test_who_has_used_up_a_minute_is_told_when_to_ask_again(settings: Settings) -> None:
    few = replace(settings, nodes_per_minute=60)
    query = "{ campaigns(first: 50) { nodes { id } } }"
    async with (
        serve_application(few) as address,
        httpx2.AsyncClient(base_url=f"http://{address}") as http,
    ):
        answers = [await post_query(http, query) for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 429]
        assert answers[0].json()["extensions"]["cost"]["remaining"] <= 10
        (error,) = answers[1].json()["errors"]
        assert error["extensions"]["code"] == "BUDGET_SPENT"
        assert int(answers[1].headers["retry-after"]) > 0


async def test_one_event_stream_too_many_is_refused_with_its_reason(
    http: httpx2.AsyncClient,
) -> None:
    def stream(username: str = "anna") -> Any:
        headers = build_headers(EVENTS, username)
        return http.stream("POST", "/graphql", json={"query": WATCH}, headers=headers)

    async with AsyncExitStack() as stack:
        kept = []
        for _ in range(2):
            opened = await stack.enter_async_context(stream())
            assert opened.status_code == 200
            kept.append(opened.aiter_lines())
            assert await anext(kept[-1]) == "event: next"
        async with stream() as refused:
            await refused.aread()
        assert refused.status_code == 429
        (error,) = refused.json()["errors"]
        assert error["extensions"]["code"] == "BUDGET_SPENT"
        assert error["extensions"]["limit"] == 2
        assert refused.headers["retry-after"] == "1"
        async with stream("sam") as other:
            assert other.status_code == 200
