"""graphql-transport-ws, probed against a real server."""

from functools import partial

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from door import Door, sockets
from tests.door.log_service import LogService, LogViewer, make_door
from tests.door.serving import connect_client, serve_door, wait_until

NAMED = "subscription { state { position } }"


async def test_another_subprotocol_is_not_acceptable(port: int) -> None:
    async with connect_client(port, None, subprotocols=[Subprotocol("graphql-ws")]) as probe:
        assert (await probe.closing())[0] == 4406


async def test_no_subprotocol_is_not_acceptable(port: int) -> None:
    async with connect_client(port, None, subprotocols=None) as probe:
        assert (await probe.closing())[0] == 4406


async def test_who_does_not_greet_is_sent_away(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "INIT_SECONDS", 0.05)
    async with connect_client(port, None) as probe:
        assert await probe.closing() == (4408, "Connection initialisation timeout")


async def test_greeting_is_acknowledged(port: int) -> None:
    async with connect_client(port, None) as probe:
        await probe.init()


async def test_greeting_twice_is_too_many(port: int) -> None:
    async with connect_client(port) as probe:
        await probe.say(type="connection_init")
        assert await probe.closing() == (4429, "Too many initialisation requests")


async def test_subscribing_before_greeting_is_unauthorized(port: int) -> None:
    async with connect_client(port, None) as probe:
        await probe.subscribe("{ hello }")
        assert await probe.closing() == (4401, "Unauthorized")


@pytest.mark.parametrize("payload", [{}, {"authorization": "Bearer nonsense"}, None])
async def test_who_does_not_sign_in_is_forbidden(port: int, payload: dict[str, str] | None) -> None:
    async with connect_client(port, None) as probe:
        await probe.say(type="connection_init", payload=payload)
        assert await probe.closing() == (4403, "Forbidden: Send a token.")


async def test_the_handshake_may_carry_the_token(port: int) -> None:
    headers = {"authorization": "Bearer i-am-boss"}
    async with connect_client(port, None, additional_headers=headers) as probe:
        await probe.say(type="connection_init")
        assert await probe.hear() == {"type": "connection_ack"}


async def test_a_failing_sign_in_closes_without_telling(port: int) -> None:
    async with connect_client(port, None) as probe:
        await probe.say(type="connection_init", payload={"Authorization": "Bearer broken"})
        assert await probe.closing() == (1011, "Internal error")


@pytest.mark.parametrize(
    "raw",
    [
        "nonsense",
        "[]",
        "{}",
        '{"type": 1}',
        '{"type": "start"}',
        b'{"type": "ping"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{hello}"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 2}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{hello}", "variables": 3}}',
    ],
)
async def test_a_wrong_message_closes_the_socket(port: int, raw: str | bytes) -> None:
    async with connect_client(port) as probe:
        await probe.ws.send(raw)
        assert (await probe.closing())[0] == 4400


async def test_too_long_a_message_closes_the_socket(port: int) -> None:
    async with connect_client(port) as probe:
        await probe.subscribe("{ hello }" + " " * 1_000_000)
        assert (await probe.closing())[0] == 1009


async def test_a_ping_is_answered(port: int) -> None:
    async with connect_client(port) as probe:
        await probe.say(type="ping", payload={"a": 1})
        assert await probe.hear() == {"type": "pong"}


async def test_a_query_is_answered_and_completed(port: int) -> None:
    async with connect_client(port) as probe:
        await probe.subscribe("query ($n: String!) { hello(name: $n) }", "q", n="you")
        answer = await probe.hear()
        assert (answer["id"], answer["type"]) == ("q", "next")
        assert answer["payload"]["data"] == {"hello": "hello you"}
        assert await probe.hear() == {"id": "q", "type": "complete"}


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", "subscription { refused }", "fragment a on Query { hello }"]
)
async def test_what_cannot_be_executed_is_an_error(port: int, query: str) -> None:
    async with connect_client(port) as probe:
        await probe.subscribe(query, "bad")
        answer = await probe.hear()
        assert (answer["id"], answer["type"]) == ("bad", "error")
        assert answer["payload"][0]["message"] != "Unexpected error."


async def test_an_operation_id_is_used_once_at_a_time(port: int) -> None:
    async with connect_client(port) as probe:
        await probe.subscribe(NAMED, "same")
        await probe.subscribe(NAMED, "same")
        assert await probe.closing() == (4409, "Subscriber for same already exists")


async def test_completing_closes_the_source_and_frees_the_id(port: int, world: LogService) -> None:
    async with connect_client(port) as probe:
        for round_ in (1, 2):
            await probe.subscribe(NAMED, "again")
            assert await probe.next("state") == 0
            await probe.say(type="complete", id="again")
            await wait_until(partial(world.has_closed, round_))
            assert world.counts.started == round_


async def test_leaving_closes_the_source(port: int, world: LogService) -> None:
    async with connect_client(port) as probe:
        await probe.subscribe(NAMED)
        assert await probe.next("state") == 0
    await wait_until(lambda: world.counts.closed == 1)


async def test_a_hundred_operations_are_enough(port: int) -> None:
    async with connect_client(port) as probe:
        for n in range(101):
            await probe.subscribe("subscription { changes { position } }", f"op{n}")
        answer = await probe.hear()
        assert (answer["id"], answer["type"]) == ("op100", "error")


async def test_a_bug_is_masked(port: int) -> None:
    async with connect_client(port) as probe:
        await probe.subscribe("{ crash }")
        error = (await probe.hear())["payload"]["errors"][0]
        assert error["message"] == "Unexpected error."
        assert error["extensions"]["requestId"].startswith("r")


async def test_a_source_that_breaks_ends_with_a_masked_error(port: int, world: LogService) -> None:
    async with connect_client(port) as probe:
        await probe.subscribe("subscription { broken { text } }")
        assert await probe.next("broken", "text") == "fine so far"
        await wait_until(lambda: world.idle == 1)
        world.move(1)
        answer = await probe.hear()
        assert answer["type"] == "error"
        assert answer["payload"][0]["message"] == "Unexpected error."
        assert world.counts.closed == 1


async def test_a_foreign_page_may_not_connect(port: int) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with connect_client(port, origin=Origin("https://evil.example.org")):
            pass


async def test_our_own_pages_may_connect(port: int) -> None:
    async with connect_client(port, origin=Origin(f"http://127.0.0.1:{port}")) as probe:
        await probe.say(type="ping")
        assert await probe.hear() == {"type": "pong"}


async def test_an_expired_token_closes_the_socket(world: LogService) -> None:
    world.expires_in_s = 0.2
    async with serve_door(make_door(world)) as port, connect_client(port) as probe:
        assert await probe.closing() == (4401, "Unauthorized: the token expired")


async def test_the_sockets_of_one_viewer_can_be_closed(port: int, door: Door[LogViewer]) -> None:
    async with connect_client(port) as boss, connect_client(port, "i-am-clerk") as clerk:
        assert door.close_where(lambda viewer: viewer.name == "clerk", 4403, "No more") == 1
        assert await clerk.closing() == (4403, "No more")
        await boss.say(type="ping")
        assert await boss.hear() == {"type": "pong"}
    await wait_until(lambda: not door.open)
