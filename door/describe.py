"""Docstrings are the descriptions: of classes, of resolvers, and strings under attributes."""

import ast
import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar, dataclass_transform

import strawberry
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

C = TypeVar("C", bound=type)
E = TypeVar("E", bound=type[Enum])


def read_own_docstring(cls: type) -> str | None:
    """The class's docstring, read before dataclass invents one."""
    doc = cls.__dict__.get("__doc__")
    return inspect.cleandoc(doc) if isinstance(doc, str) else None


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, StrawberryField))
def declare_object_type(cls: C) -> C:
    """Declare an object type; also for Query, Mutation and Subscription."""
    return strawberry.type(cls, description=read_own_docstring(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, StrawberryField))
def declare_input_type(cls: C) -> C:
    """Declare an input type."""
    return strawberry.input(cls, description=read_own_docstring(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field, StrawberryField))
def declare_interface_type(cls: C) -> C:
    """Declare an interface."""
    return strawberry.interface(cls, description=read_own_docstring(cls))


def declare_enum_type(cls: E) -> E:
    """Declare an enum."""
    doc = read_own_docstring(cls)
    made = strawberry.enum(cls, description=doc)
    definition: StrawberryEnumDefinition = getattr(made, "__strawberry_definition__")  # noqa: B009
    below = collect_attribute_docs(cls)
    for value in definition.values:
        value.description = value.description or below.get(value.name)
    return made


def iterate_documented(cls: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Each attribute under which a string stands, with that string."""
    for line, after in pairwise(cls.body):
        target: Any = getattr(line, "target", None) or (getattr(line, "targets", None) or [None])[0]
        text = getattr(getattr(after, "value", None), "value", None)
        if isinstance(after, ast.Expr) and isinstance(target, ast.Name) and isinstance(text, str):
            yield target.id, inspect.cleandoc(text)


def iterate_classes(body: list[ast.stmt], outer: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    """Each class at the top of a module or in another class, with its qualified name."""
    for each in body:
        if isinstance(each, ast.ClassDef):
            yield outer + each.name, each
            yield from iterate_classes(each.body, f"{outer}{each.name}.")


@cache
def collect_module_docs(module: str) -> dict[str, dict[str, str]]:
    """The same for each class of a module, by its qualified name: `inspect` would parse all of it for each of them."""
    try:
        source = inspect.getsource(sys.modules[module])
    except (OSError, TypeError):
        return {}
    return {
        name: dict(iterate_documented(cls)) for name, cls in iterate_classes(ast.parse(source).body)
    }


def collect_attribute_docs(cls: type) -> dict[str, str]:
    """The strings that stand under a class's attributes, by attribute."""
    return collect_module_docs(cls.__module__).get(cls.__qualname__, {})


def describe_fields(definition: StrawberryObjectDefinition) -> None:
    """Give each field its description. Call it before the fields are converted."""
    below: dict[str, str] = {}
    for cls in reversed(definition.origin.__mro__):
        if hasattr(cls, "__strawberry_definition__"):
            below.update(collect_attribute_docs(cls))
    for field in definition.fields:
        if field.description is None:
            resolver = field.base_resolver
            doc = resolver.wrapped_func.__doc__ if resolver else below.get(field.python_name)
            field.description = inspect.cleandoc(doc) if doc else None
