"""What costs too much is refused before it costs anything."""

import time
from typing import Any

import pytest

from door.documents import MOST_KEPT, Documents
from door.schema import DoorSchema
from tests.door.world import Viewer, World, make_schema


@pytest.fixture(scope="module")
def schema() -> DoorSchema:
    return make_schema()


async def ask(
    schema: DoorSchema, query: str, name: str = "boss", **variables: Any
) -> tuple[Any, list[str]]:
    result = await schema.execute(query, variables, Viewer(World(), name))
    return result.data, [error.message for error in result.errors or ()]


def bomb(fragments: int) -> str:
    """Each fragment spreads the next one twice."""
    parts = [f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(fragments)]
    return "{ ...f0 } " + " ".join(parts) + f" fragment f{fragments} on Query {{ hello }}"


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("{" + " ".join(f"a{n}: hello" for n in range(101)) + "}", "aliases 101"),
        ("{ hello " + "@include(if: true) " * 50 + "}", "directives 50"),
        ("{" + " hello" * 501 + "}", "fields 501"),
        ("{" + " hello" * 100 + "}", "repeats 100"),
        ("{ items { nodes " * 15 + "{ id }" + "} }" * 15, "depth"),
        ("{ items(first: 99000) { nodes { id } } }", "nodes 198000"),
        (bomb(40), "fields"),
    ],
)
async def test_too_much_is_refused_in_no_time(schema: DoorSchema, query: str, what: str) -> None:
    begin = time.perf_counter()
    data, errors = await ask(schema, query)
    assert time.perf_counter() - begin < 1
    assert data is None
    assert any(error.startswith(f"Too much asked: {what}") for error in errors), errors


async def test_too_many_tokens_are_refused(schema: DoorSchema) -> None:
    _, errors = await ask(schema, "{" + " hello" * 3_000 + "}")
    assert "tokens" in errors[0]


async def test_too_many_levels_are_refused(schema: DoorSchema) -> None:
    _, errors = await ask(schema, "{ a" * 400 + "}" * 400)
    assert "nested too deeply" in errors[0]


async def test_a_long_chain_of_fragments_is_refused_and_not_a_crash(schema: DoorSchema) -> None:
    parts = [f"fragment f{n} on Query {{ ... {{ ...f{n + 1} }} }}" for n in range(150)]
    query = "{ ...f0 } " + " ".join(parts) + " fragment f150 on Query { hello }"
    data, errors = await ask(schema, query)
    assert data == {"hello": "hello world"} or "Unexpected error." not in errors


async def test_a_cycle_of_fragments_is_invalid(schema: DoorSchema) -> None:
    _, errors = await ask(schema, "{ ...a } fragment a on Query { hello ...a }")
    assert errors == ["Cannot spread fragment 'a' within itself."]


@pytest.mark.parametrize(
    ("arguments", "variables", "nodes"),
    [
        ("", {}, 100),
        ("(first: 3)", {}, 6),
        ("(last: 3)", {}, 6),
        ("(first: $n)", {"n": 7}, 14),
        ("(first: $n)", {}, 20),
        ("(first: $n)", {"n": None}, 100),
    ],
)
async def test_nodes_are_counted_with_the_variables_and_the_usual_page(
    schema: DoorSchema, arguments: str, variables: dict[str, Any], nodes: int
) -> None:
    head = "query ($n: Int = 10) " if "$" in arguments else ""
    result = await schema.execute(
        f"{head}{{ items{arguments} {{ nodes {{ id }} }} }}", variables, Viewer(World(), "boss")
    )
    assert result.extensions == {"cost": {"nodes": nodes, "limit": 20_000, "depth": 2, "fields": 3}}


async def test_a_huge_variable_is_counted(schema: DoorSchema) -> None:
    query = "query ($n: Int!) { items(first: $n) { nodes { id } } }"
    assert (await ask(schema, query, n=5))[1] == []
    assert "nodes 158000000" in (await ask(schema, query, n=79_000_000))[1][0]
    assert (await ask(schema, query, n=5))[1] == []


async def test_graphiql_may_introspect_and_guests_may_not(schema: DoorSchema) -> None:
    nested = "ofType { name " * 8 + "}" * 8
    query = f"{{ __schema {{ types {{ name fields {{ type {{ name {nested} }} }} }} }} }}"
    assert (await ask(schema, query))[1] == []
    assert "introspection" in (await ask(schema, query, "guest"))[1][0]
    assert (await ask(schema, query))[1] == []


def test_kept_documents_are_bounded_by_their_length() -> None:
    documents = Documents()
    for n in range(100):
        documents.parsed(f"{{ a{n} #{'x' * 9_000}\n }}")
    documents.parsed("{ a #" + "x" * 500_000 + "\n}")
    assert documents.length == sum(map(len, documents.known)) <= MOST_KEPT
