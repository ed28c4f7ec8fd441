"""HTTP, beyond what the audits ask."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.door.log_service import LogService
from tests.door.serving import wait_until

RESPONSE = "application/graphql-response+json"
BOSS = {"authorization": "Bearer i-am-boss"}


@pytest.fixture
async def http(port: int) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=BOSS, verify=False
    ) as found:
        yield found


async def post_query(http: httpx2.AsyncClient, query: str, **more: Any) -> httpx2.Response:
    return await http.post("/graphql", json={"query": query, **more})


async def test_a_query_is_answered_with_its_cost(http: httpx2.AsyncClient) -> None:
    answer = await post_query(http, "{ hello }")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json()["data"] == {"hello": "hello world"}
    assert answer.json()["extensions"]["cost"]["limit"] == 20_000


async def test_who_is_not_signed_in_gets_401_and_is_told_how(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"query": "{hello}"}, headers={"authorization": ""})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {"errors": [{"message": "Send a token."}]}


async def test_a_wrong_token_is_called_invalid(http: httpx2.AsyncClient) -> None:
    wrong = {"authorization": "Bearer nonsense"}
    answer = await http.post("/graphql", json={"query": "{hello}"}, headers=wrong)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_failing_sign_in_is_masked(
    http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"authorization": "Bearer broken"}
    answer = await http.post("/graphql", json={"query": "{hello}"}, headers=broken)
    assert answer.status_code == 500
    assert answer.json() == {"errors": [{"message": "Unexpected error."}]}
    assert answer.headers["x-request-id"] in caplog.text


async def test_answers_carry_the_id_under_which_they_are_in_the_log(
    http: httpx2.AsyncClient,
) -> None:
    answer = await post_query(http, "{ crash }")
    name = answer.json()["errors"][0]["extensions"]["requestId"]
    assert answer.headers["x-request-id"] == name


async def test_a_batch_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/graphql", json=[{"query": "{hello}"}] * 400)
    assert answer.status_code == 400
    assert "one operation" in answer.json()["errors"][0]["message"]


async def test_too_long_a_body_is_refused_by_its_announced_length(
    http: httpx2.AsyncClient,
) -> None:
    answer = await post_query(http, "{hello}" + " " * 1_000_001)
    assert answer.status_code == 413


async def test_too_long_a_body_is_refused_without_an_announced_length(
    http: httpx2.AsyncClient,
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000

    headers = {"content-type": "application/json"}
    answer = await http.post("/graphql", content=chunks(), headers=headers)
    assert answer.status_code == 413


async def test_a_chunked_body_is_read(http: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in (b'{"query":', b'"{hello}"}'):
            yield part

    headers = {"content-type": "application/json"}
    answer = await http.post("/graphql", content=chunks(), headers=headers)
    assert answer.json()["data"] == {"hello": "hello world"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_taken(http: httpx2.AsyncClient, kind: str) -> None:
    answer = await http.post(
        "/graphql", content=b'{"query":"{hello}"}', headers={"content-type": kind}
    )
    assert answer.status_code == 415


async def test_a_mutation_by_get_is_refused_and_not_done(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/graphql", params={"query": "mutation { rule { __typename } }"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_other_methods_are_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.request("DELETE", "/graphql")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("name", [0, False, [], {}])
async def test_an_operation_name_is_a_string(http: httpx2.AsyncClient, name: Any) -> None:
    answer = await post_query(http, "query A { hello }", operationName=name)
    assert answer.status_code == 400
    assert "operationName" in answer.json()["errors"][0]["message"]


async def test_an_unknown_operation_name_is_said(http: httpx2.AsyncClient) -> None:
    answer = await post_query(http, "query A { hello }", operationName="B")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "Unknown operation named 'B'."


async def test_among_several_operations_one_must_be_named(http: httpx2.AsyncClient) -> None:
    query = "query A { hello } query B { hello(name: 2) }"
    assert (await post_query(http, "query A { hello } query B { hello }")).status_code == 400
    named = await post_query(http, query.replace("2", '"b"'), operationName="B")
    assert named.json()["data"] == {"hello": "hello b"}


async def test_an_unacceptable_type_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"query": "{hello}"}, headers={"accept": "image/png"})
    assert answer.status_code == 406


async def test_the_preferred_type_is_chosen(http: httpx2.AsyncClient) -> None:
    accept = {"accept": f"application/json;q=0.5, {RESPONSE};q=0.9"}
    answer = await http.post("/graphql", json={"query": "{hello}"}, headers=accept)
    assert answer.headers["content-type"].startswith(RESPONSE)


async def test_a_subscription_needs_a_stream(http: httpx2.AsyncClient) -> None:
    answer = await post_query(http, "subscription { count(to: 1) { position } }")
    assert answer.status_code == 406
    assert "text/event-stream" in answer.json()["errors"][0]["message"]


async def test_browsers_get_the_playground(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200
    assert "playground" in answer.text


async def test_an_event_stream_carries_the_results_and_the_end(http: httpx2.AsyncClient) -> None:
    query = {"query": "subscription { count(to: 2) { position } }"}
    answer = await http.post("/graphql", json=query, headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == (
        'event: next\ndata: {"data":{"count":{"position":1}}}\n\n'
        'event: next\ndata: {"data":{"count":{"position":2}}}\n\n'
        "event: complete\ndata:\n\n"
    )


async def test_an_event_stream_answers_queries_too(http: httpx2.AsyncClient) -> None:
    params = {"query": "{ hello }"}
    answer = await http.get("/graphql", params=params, headers={"accept": "text/event-stream"})
    assert '"hello":"hello world"' in answer.text
    assert answer.text.endswith("event: complete\ndata:\n\n")


@pytest.mark.parametrize("query", ["{ nothing }", "{", "subscription { refused }"])
async def test_an_event_stream_says_what_is_wrong(http: httpx2.AsyncClient, query: str) -> None:
    accept = {"accept": "text/event-stream"}
    answer = await http.post("/graphql", json={"query": query}, headers=accept)
    assert answer.text.startswith('event: next\ndata: {"errors":[{"message":')
    assert answer.text.endswith("event: complete\ndata:\n\n")


async def test_a_source_is_closed_when_its_event_stream_is_left(
    http: httpx2.AsyncClient, world: LogService
) -> None:
    query = {"query": "subscription { state { position } }"}
    accept = {"accept": "text/event-stream"}
    async with http.stream("POST", "/graphql", json=query, headers=accept) as answer:
        assert "event: next" in await anext(answer.aiter_text())
        assert (world.counts.started, world.counts.closed) == (1, 0)
    await wait_until(lambda: world.counts.closed == 1)
