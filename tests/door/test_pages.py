"""Pages by keyset: complete, in order, both ways."""

from typing import Any

import pytest
from graphql import GraphQLError

from door import pages
from door.pages import CursorSeal, decode_cursor, encode_cursor
from tests.door.log_service import LogService, LogViewer, make_schema

QUERY = """query ($first: Int, $after: String, $last: Int, $before: String) {
  items(first: $first, after: $after, last: $last, before: $before) {
    nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def fetch_items(**variables: Any) -> Any:
    result = await make_schema().execute(QUERY, variables, LogViewer(LogService(), "boss"))
    assert not result.errors, result.errors
    assert result.data is not None
    return result.data["items"]


async def test_going_forward_visits_everything_once() -> None:
    seen: list[str] = []
    found = await fetch_items(first=50)
    while True:
        seen += [node["id"] for node in found["nodes"]]
        if not found["pageInfo"]["hasNextPage"]:
            break
        found = await fetch_items(first=50, after=found["pageInfo"]["endCursor"])
    assert seen == [f"item:{n}" for n in range(120)]


async def test_going_backward_visits_everything_once() -> None:
    seen: list[str] = []
    found = await fetch_items(last=50)
    while True:
        seen = [node["id"] for node in found["nodes"]] + seen
        if not found["pageInfo"]["hasPreviousPage"]:
            break
        found = await fetch_items(last=50, before=found["pageInfo"]["startCursor"])
    assert seen == [f"item:{n}" for n in range(120)]


async def test_a_page_has_fifty_items_unless_told_otherwise() -> None:
    found = await fetch_items()
    assert len(found["nodes"]) == len(found["edges"]) == 50


@pytest.mark.parametrize(
    "variables",
    [
        {"first": 1, "last": 1},
        {"first": 1, "before": "WzFd"},
        {"last": 1, "after": "WzFd"},
        {"first": 101},
        {"first": -1},
        {"first": 1, "after": "nonsense"},
        {"first": 1, "after": encode_cursor(1, 2)},
    ],
)
async def test_nonsense_is_an_error_that_says_what_to_do(variables: dict[str, Any]) -> None:
    result = await make_schema().execute(QUERY, variables, LogViewer(LogService(), "boss"))
    assert result.errors is not None
    assert result.errors[0].extensions == {"code": "BAD_INPUT"}


def test_cursors_hold_while_their_secret_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SEAL", CursorSeal())
    pages.SEAL.use_secrets("one")
    old = encode_cursor("a", 1)
    pages.SEAL.use_secrets("two", "one")
    assert decode_cursor(old, 2) == decode_cursor(encode_cursor("a", 1), 2) == ["a", 1]
    pages.SEAL.use_secrets("two")
    with pytest.raises(GraphQLError, match="Not a cursor"):
        decode_cursor(old, 2)


def test_cursors_come_back_as_they_were() -> None:
    assert decode_cursor(encode_cursor("a", 1, None), 3) == ["a", 1, None]


def test_the_length_of_a_cursor_tells_nothing_of_a_number() -> None:
    assert len({len(encode_cursor(n)) for n in (0, 1 << 20, 1 << 62)}) == 1
    assert (
        len({len(encode_cursor("2026-01-02T03:04:05.000006+00:00", n)) for n in (0, 1 << 62)}) == 1
    )
    assert encode_cursor(7) == encode_cursor(7)
