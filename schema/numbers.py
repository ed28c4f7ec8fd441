"""Whole numbers that outgrow GraphQL's Int (bytes, events, ordinals), and times that a calendar has."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NewType

import strawberry
from graphql import GraphQLError, IntValueNode, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

MOST = 2**63 - 1


def parse_big_number(value: object) -> int:
    """A JSON number, or a string of digits from clients whose numbers end at 2⁵³."""
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
        value = int(value[:21])
    if type(value) is not int or not -MOST <= value <= MOST:
        raise GraphQLError(f"Not a whole number of 64 bits: {value!r}"[:200])
    return value


def parse_literal(node: ValueNode, _: object = None) -> int:
    """The same, written in the query."""
    if not isinstance(node, IntValueNode | StringValueNode):
        raise GraphQLError("Not a whole number.")
    return parse_big_number(node.value)


YEARS = range(1900, 2201)


def parse_time(value: object) -> datetime:
    """An ISO 8601 time with its offset, as UTC; refused where a calendar ends, with the offset or without."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is not None and found.tzinfo is not None and found.year in YEARS:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError(
        f"Not a time: {value!r}"[:100] + f", as 2026-01-31T13:00:00Z, of {YEARS[0]} to {YEARS[-1]}."
    )


if TYPE_CHECKING:
    BigInt = int
else:
    BigInt = NewType("BigInt", int)

SCALARS: dict[Any, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of 64 bits; as input also a string of digits.",
        serialize=int,
        parse_value=parse_big_number,
        parse_literal=parse_literal,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A time in ISO 8601, with its offset from UTC: `2026-01-31T13:00:00Z`.",
        serialize=datetime.isoformat,
        parse_value=parse_time,
    ),
}
"""For the schema: `build(…, config=StrawberryConfig(scalar_map=SCALARS))`."""
