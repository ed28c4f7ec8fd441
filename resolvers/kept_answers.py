"""Answers of mutations as they are kept with an idempotency key, and given again."""

from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any

import orjson
import strawberry

from door.pages import Node
from resolvers.nodes import find_node
from schema.context import Info


class Vanished(Exception):
    """The answer names something that is not there any more, or that the viewer can't see any more."""


def pack_answer(answer: object) -> str:
    """Write an answer down: a node by its id alone, all else as it is."""
    return orjson.dumps(_pack_value(answer)).decode()


async def unpack_answer(info: Info, text: str) -> Any:
    """Read an answer: nodes as they are now, all else as it was then. Raises `Vanished`."""
    return await _unpack_value(info, orjson.loads(text))


def _pack_value(value: Any) -> Any:
    if isinstance(value, Node):
        return {"node": value.id}
    if isinstance(value, list | tuple):
        return [_pack_value(one) for one in value]
    if isinstance(value, dict):
        return {"json": value}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, Enum):
        return {"enum": [_name_type(value), value.value]}
    if value is None or isinstance(value, str | int | float):
        return value
    there = {one.name: _pack_value(getattr(value, one.name)) for one in fields(value) if one.init}
    return {"type": [_name_type(value), there]}


def _name_type(value: Any) -> str:
    """The name in GraphQL of a value's type, which the code may move about."""
    name: str = type(value).__strawberry_definition__.name
    return name


async def _unpack_value(info: Info, kept: Any) -> Any:
    if isinstance(kept, list):
        return [await _unpack_value(info, one) for one in kept]
    if not isinstance(kept, dict):
        return kept
    [(what, value)] = kept.items()
    if what == "json":
        return value
    if what == "time":
        return datetime.fromisoformat(value)
    if what == "node":
        return await _find_again(info, value)
    definition: Any = info.schema.get_type_by_name(value[0])
    if definition is None:  # kept by another version of the service
        raise Vanished
    if what == "enum":
        return definition.wrapped_cls(value[1])
    return definition.origin(
        **{name: await _unpack_value(info, one) for name, one in value[1].items()}
    )


async def _find_again(info: Info, id: str) -> Node:
    found = await find_node(info, strawberry.ID(id))
    if found is None:
        raise Vanished
    return found
