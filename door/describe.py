"""Docstrings are the descriptions: of classes, of resolvers, and strings under attributes."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from typing import Any, TypeVar, dataclass_transform

import strawberry
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

C = TypeVar("C", bound=type)
E = TypeVar("E", bound=type[Enum])


def own_doc(cls: type) -> str | None:
    """The class's docstring, read before dataclass invents one."""
    doc = cls.__dict__.get("__doc__")
    return inspect.cleandoc(doc) if isinstance(doc, str) else None


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, StrawberryField))
def thing(cls: C) -> C:
    """Declare an object type; also for Query, Mutation and Subscription."""
    return strawberry.type(cls, description=own_doc(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, StrawberryField))
def asked(cls: C) -> C:
    """Declare an input type."""
    return strawberry.input(cls, description=own_doc(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, StrawberryField))
def shape(cls: C) -> C:
    """Declare an interface."""
    return strawberry.interface(cls, description=own_doc(cls))


def choice(cls: E) -> E:
    """Declare an enum."""
    doc = own_doc(cls)
    made = strawberry.enum(cls, description=doc)
    definition: StrawberryEnumDefinition = getattr(made, "__strawberry_definition__")  # noqa: B009
    below = under(cls)
    for value in definition.values:
        value.description = value.description or below.get(value.name)
    return made


def documented(cls: type) -> Iterator[tuple[str, str]]:
    """Each attribute under which a string stands, with that string."""
    try:
        found = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, SyntaxError):
        return
    lines = getattr(found, "body", [])
    for line, after in pairwise(lines):
        target: Any = getattr(line, "target", None) or (getattr(line, "targets", None) or [None])[0]
        text = getattr(getattr(after, "value", None), "value", None)
        if isinstance(after, ast.Expr) and isinstance(target, ast.Name) and isinstance(text, str):
            yield target.id, inspect.cleandoc(text)


def under(cls: type) -> dict[str, str]:
    """The strings that stand under a class's attributes, by attribute."""
    return dict(documented(cls))


def describe(definition: StrawberryObjectDefinition) -> None:
    """Give each field its description. Call it before the fields are converted."""
    below: dict[str, str] = {}
    for cls in reversed(definition.origin.__mro__):
        if hasattr(cls, "__strawberry_definition__"):
            below.update(under(cls))
    for field in definition.fields:
        if field.description is None:
            resolver = field.base_resolver
            doc = resolver.wrapped_func.__doc__ if resolver else below.get(field.python_name)
            field.description = inspect.cleandoc(doc) if doc else None
