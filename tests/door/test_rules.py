"""A field without a rule stops the start; a rule refuses before anything runs."""

from typing import Any

import pytest
import strawberry
from graphql import get_named_type, is_union_type

from door import build_schema
from door.describe import declare_input_type, declare_object_type
from door.rules import NoRule
from tests.door.fields import SEE, declare_field
from tests.door.log_service import LogService, LogViewer, make_schema


def resolve_one() -> int:
    return 1


def test_a_field_without_a_rule_stops_the_start() -> None:
    @declare_object_type
    class Query:
        open: int = strawberry.field(resolver=resolve_one)

    with pytest.raises(NoRule, match=r"Query\.open has no rule"):
        build_schema(Query)


def test_a_rule_that_nobody_knows_stops_the_start() -> None:
    @declare_object_type
    class Query:
        open: int = strawberry.field(resolver=resolve_one, metadata={"action": "loook"})

    with pytest.raises(NoRule, match="'loook', which no role knows"):
        build_schema(Query, actions={"look"})


def test_a_plain_attribute_of_a_root_needs_a_rule() -> None:
    @declare_object_type
    class Query:
        open: int = 1

    with pytest.raises(NoRule, match=r"Query\.open"):
        build_schema(Query)


def test_a_field_of_any_type_that_runs_something_needs_a_rule() -> None:
    @declare_object_type
    class Inner:
        plain: int
        run: int = strawberry.field(resolver=resolve_one)

    @declare_object_type
    class Query:
        @declare_field(SEE)
        def inner(self) -> Inner:
            return Inner(plain=1)

    with pytest.raises(NoRule, match=r"Inner\.run"):
        build_schema(Query)


def test_a_subscription_is_shared_as_a_state_or_a_log() -> None:
    @declare_object_type
    class Query:
        open: int = strawberry.field(
            resolver=resolve_one, metadata={"action": "public", "share": "something"}
        )

    with pytest.raises(NoRule, match="share"):
        build_schema(Query)


def test_inputs_need_no_rules() -> None:
    @declare_input_type
    class Order:
        much: int = 1

    @declare_object_type
    class Query:
        @declare_field(SEE)
        def open(self, order: Order) -> int:
            return order.much

    build_schema(Query)


async def execute_as(query: str, name: str) -> Any:
    return await make_schema().execute(query, None, LogViewer(LogService(), name))


async def test_a_query_that_the_viewer_may_not_is_refused_in_place() -> None:
    result = await execute_as("{ secret hello }", "clerk")
    assert result.data == {"secret": None, "hello": "hello world"}
    [error] = result.errors
    assert error.message == "You may not rule."
    assert error.extensions == {"code": "NOT_PERMITTED", "action": "rule"}
    assert (await execute_as("{ secret }", "boss")).data == {"secret": "42"}


async def test_a_mutation_that_the_viewer_may_not_answers_not_permitted() -> None:
    query = "mutation { rule { __typename ... on NotPermitted { message action } } }"
    refused = await execute_as(query, "clerk")
    assert refused.data == {
        "rule": {"__typename": "NotPermitted", "message": "You may not rule.", "action": "rule"}
    }
    assert (await execute_as(query, "boss")).data == {"rule": {"__typename": "Done"}}


def test_every_mutation_of_the_world_can_say_not_permitted() -> None:
    mutation = make_schema()._schema.mutation_type
    assert mutation is not None
    for found in mutation.fields.values():
        kind = get_named_type(found.type)
        assert is_union_type(kind)
        assert "NotPermitted" in {member.name for member in kind.types}
