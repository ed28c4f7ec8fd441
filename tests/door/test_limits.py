"""What costs too much is refused before it costs anything."""

import time
from typing import Any

import pytest

from door.documents import LEAST_LENGTH, MOST_KEPT, DocumentCache
from door.schema import DoorSchema
from tests.door.log_service import LogService, LogViewer, make_schema


@pytest.fixture(scope="module")
def schema() -> DoorSchema:
    return make_schema()


async def execute_query(
    schema: DoorSchema, query: str, name: str = "boss", **variables: Any
) -> tuple[Any, list[str]]:
    result = await schema.execute(query, variables, LogViewer(LogService(), name))
    return result.data, [error.message for error in result.errors or ()]


def build_fragment_bomb(fragments: int) -> str:
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
        (build_fragment_bomb(40), "fields"),
    ],
)
async def test_too_much_is_refused_at_little_cost(
    schema: DoorSchema, query: str, what: str
) -> None:
    begin = time.process_time()
    data, errors = await execute_query(schema, query)
    assert time.process_time() - begin < 1
    assert data is None
    assert any(error.startswith(f"Too much asked: {what}") for error in errors), errors


async def test_too_many_tokens_are_refused(schema: DoorSchema) -> None:
    _, errors = await execute_query(schema, "{" + " hello" * 3_000 + "}")
    assert "tokens" in errors[0]


async def test_too_many_levels_are_refused(schema: DoorSchema) -> None:
    _, errors = await execute_query(schema, "{ a" * 400 + "}" * 400)
    assert "nested too deeply" in errors[0]


async def test_a_long_chain_of_fragments_is_refused_and_not_a_crash(schema: DoorSchema) -> None:
    parts = [f"fragment f{n} on Query {{ ... {{ ...f{n + 1} }} }}" for n in range(150)]
    query = "{ ...f0 } " + " ".join(parts) + " fragment f150 on Query { hello }"
    data, errors = await execute_query(schema, query)
    assert data == {"hello": "hello world"} or "Unexpected error." not in errors


async def test_a_cycle_of_fragments_is_invalid(schema: DoorSchema) -> None:
    _, errors = await execute_query(schema, "{ ...a } fragment a on Query { hello ...a }")
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
        f"{head}{{ items{arguments} {{ nodes {{ id }} }} }}",
        variables,
        LogViewer(LogService(), "boss"),
    )
    assert result.extensions == {"cost": {"nodes": nodes, "limit": 20_000, "depth": 2, "fields": 3}}


async def test_a_huge_variable_is_counted(schema: DoorSchema) -> None:
    query = "query ($n: Int!) { items(first: $n) { nodes { id } } }"
    assert (await execute_query(schema, query, n=5))[1] == []
    assert "nodes 158000000" in (await execute_query(schema, query, n=79_000_000))[1][0]
    assert (await execute_query(schema, query, n=5))[1] == []


async def test_no_long_variable_is_kept(schema: DoorSchema) -> None:
    query = "query ($n: Int, $s: String) { items(first: $n) { nodes { id } } }"
    for length in range(990_000, 990_010):
        await execute_query(schema, query, n="x" * length, s="y" * length)
    kept = schema.documents.parse_document(query)
    assert len(repr(kept.verdicts)) < 10_000
    assert schema.documents.length <= MOST_KEPT


async def test_graphiql_may_introspect(schema: DoorSchema) -> None:
    nested = "ofType { name " * 8 + "}" * 8
    query = f"{{ __schema {{ types {{ name fields {{ type {{ name {nested} }} }} }} }} }}"
    assert (await execute_query(schema, query))[1] == []


def test_kept_documents_are_bounded_by_their_length() -> None:
    documents = DocumentCache()
    for n in range(100):
        documents.parse_document(f"{{ a{n} #{'x' * 9_000}\n }}")
    documents.parse_document("{ a #" + "x" * 500_000 + "\n}")
    counted = sum(LEAST_LENGTH + len(text) for text in documents.known)
    assert documents.length == counted <= MOST_KEPT


def test_tiny_documents_are_bounded_in_number() -> None:
    """Each takes some thousand bytes, however short its text is, and as much again for what it costs."""
    documents = DocumentCache()
    for n in range(2 * MOST_KEPT // LEAST_LENGTH):
        documents.parse_document(f"{{ a{n} }}")
    assert len(documents.known) < MOST_KEPT / LEAST_LENGTH
