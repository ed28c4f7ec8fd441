"""Pages by keyset: complete, in order, both ways."""

from typing import Any

import pytest

from door.pages import cursor, keys, split_id
from tests.door.world import Viewer, World, make_schema

QUERY = """query ($first: Int, $after: String, $last: Int, $before: String) {
  items(first: $first, after: $after, last: $last, before: $before) {
    nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def page(**variables: Any) -> Any:
    result = await make_schema().execute(QUERY, variables, Viewer(World(), "boss"))
    assert not result.errors, result.errors
    assert result.data is not None
    return result.data["items"]


async def test_going_forward_visits_everything_once() -> None:
    seen: list[str] = []
    found = await page(first=50)
    while True:
        seen += [node["id"] for node in found["nodes"]]
        if not found["pageInfo"]["hasNextPage"]:
            break
        found = await page(first=50, after=found["pageInfo"]["endCursor"])
    assert seen == [f"item:{n}" for n in range(120)]


async def test_going_backward_visits_everything_once() -> None:
    seen: list[str] = []
    found = await page(last=50)
    while True:
        seen = [node["id"] for node in found["nodes"]] + seen
        if not found["pageInfo"]["hasPreviousPage"]:
            break
        found = await page(last=50, before=found["pageInfo"]["startCursor"])
    assert seen == [f"item:{n}" for n in range(120)]


async def test_a_page_has_fifty_items_unless_told_otherwise() -> None:
    found = await page()
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
        {"first": 1, "after": cursor(1, 2)},
    ],
)
async def test_nonsense_is_an_error_that_says_what_to_do(variables: dict[str, Any]) -> None:
    result = await make_schema().execute(QUERY, variables, Viewer(World(), "boss"))
    assert result.errors is not None
    assert result.errors[0].extensions == {"code": "BAD_INPUT"}


def test_cursors_come_back_as_they_were() -> None:
    assert keys(cursor("a", 1, None), 3) == ["a", 1, None]


def test_ids_are_readable_and_checked() -> None:
    assert split_id("submission:42") == ("submission", "42")
    assert split_id("job:42.17", "job") == ("job", "42.17")
    for wrong in ("42", "submission:", ":42", "job:42"):
        with pytest.raises(Exception, match="Not the id of a submission"):
            split_id(wrong, "submission")
