"""Whole numbers that outgrow GraphQL's Int: bytes, events, ordinals."""

from typing import TYPE_CHECKING, Any, NewType

import strawberry
from graphql import GraphQLError, IntValueNode, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

MOST = 2**63 - 1


def parse(value: object) -> int:
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
    return parse(node.value)


if TYPE_CHECKING:
    BigInt = int
else:
    BigInt = NewType("BigInt", int)

SCALARS: dict[Any, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of 64 bits; as input also a string of digits.",
        serialize=int,
        parse_value=parse,
        parse_literal=parse_literal,
    )
}
"""For the schema: `build(…, config=StrawberryConfig(scalar_map=SCALARS))`."""
