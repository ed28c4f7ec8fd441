"""Writes one Python function per selection: plain attributes go from objects to dicts at once.

No string of the client ever reaches the source unquoted. Whatever isn't plain raises `NeedsOrdinaryPath`, and
the ordinary executor then does the same work and finds the same fault, with its place.
"""

import inspect
import keyword
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from math import isfinite
from typing import Any, NoReturn
from uuid import UUID

from graphql import (
    FieldNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLString,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.cast import get_strawberry_type_cast
from strawberry.types.field import StrawberryField

from door.limits import BACKREF

Function = Callable[[Any], Any]

EXACT = {
    GraphQLString: "type({v}) is str",
    GraphQLID: "type({v}) is str",
    GraphQLInt: "type({v}) is int and -2147483648 <= {v} <= 2147483647",
    GraphQLBoolean: "{v} is True or {v} is False",
    GraphQLFloat: "type({v}) is float and isfinite({v})",
}


class NeedsOrdinaryPath(Exception):
    """This value needs the ordinary path."""


def leave_fast_path() -> NoReturn:
    """Leave the fast path."""
    raise NeedsOrdinaryPath


def check_odd(value: Any) -> None:
    """Leave the fast path for values that stand for something else."""
    if value is Undefined or isinstance(value, Exception) or inspect.isawaitable(value):
        raise NeedsOrdinaryPath


PROBE = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
SAFE = frozenset({str, int, float, bool, dict, list, tuple, bytes, date, time, datetime, UUID})
"""Types whose very values (not those of subclasses) never stand for something else."""


def wrap_coercion(coerce: Function) -> Function:
    """A scalar's own coercion, for values that aren't of the very type."""

    def leaf(value: Any) -> Any:
        if type(value) not in SAFE:
            check_odd(value)
        done = coerce(value)
        if done is None or done is Undefined:
            raise NeedsOrdinaryPath
        return done

    return leaf


INT64 = "type({v}) is int and -9223372036854775808 <= {v} <= 9223372036854775807"
AT_ONCE: dict[str, tuple[str, str, Any, Any]] = {
    "DateTime": ("type({v}) is datetime", "{v}.isoformat()", PROBE, PROBE.isoformat()),
    "BigInt": (INT64, "{v}", 2**62, 2**62),
}
"""Scalars by name: when a value is plain, how it is written then, and a value that shows whether that is so."""


def inline_scalar(kind: Any) -> tuple[str, str] | None:
    """The condition and the expression for a scalar that needs no call, if it is of that kind."""
    condition, made, probe, shown = AT_ONCE.get(kind.name, ("", "", None, None))
    return (condition, made) if condition and kind.coerce_output_value(probe) == shown else None


@dataclass(frozen=True, slots=True)
class CompletionPlan:
    """How one selection is completed: at once, and which fields the ordinary way after that."""

    run: Function
    rest: dict[str, list[Any]] | None = None
    """The fields that have resolvers; `run` leaves None in their places."""


class Compiler:
    """Compiles the selections of one execution."""

    def __init__(self, collect: Callable[[GraphQLObjectType, list[Any]], Any], schema: Any) -> None:
        self.collect, self.schema = collect, schema
        self.names: dict[str, Any] = {
            "Slow": NeedsOrdinaryPath,
            "isfinite": isfinite,
            "datetime": datetime,
        }
        self.count = 0

    def name(self, value: Any, stem: str = "c") -> str:
        """A name for a value in the written source."""
        self.count += 1
        name = f"{stem}{self.count}"
        self.names[name] = value
        return name

    def build(self, source: str, name: str) -> Function:
        """Turn source into a function."""
        exec(source, self.names)  # noqa: S102 - ours: identifiers are checked, keys go through repr()
        made: Function = self.names[name]
        return made

    def leaf(self, kind: Any, v: str) -> str:
        """The expression for a scalar or an enum."""
        fallback = f"{self.name(wrap_coercion(kind.coerce_output_value))}({v})"
        if quick := inline_scalar(kind):
            return f"({quick[1].format(v=v)} if {quick[0].format(v=v)} else {fallback})"
        if kind in EXACT:
            return f"({v} if {EXACT[kind].format(v=v)} else {fallback})"
        cls = getattr(kind, "wrapped_cls", None)
        if isinstance(kind, GraphQLEnumType) and isinstance(cls, type) and issubclass(cls, Enum):
            table = {member: kind.coerce_output_value(member) for member in cls}
            return f"({self.name(table)}[{v}] if type({v}) is {self.name(cls)} else {fallback})"
        return fallback

    def value(self, kind: Any, details: list[Any], v: str) -> str | None:
        """The expression that completes the variable `v`, or None where this type isn't plain."""
        nullable = not is_non_null_type(kind)
        inner = self.present(kind if nullable else kind.of_type, details, v)
        if inner is None:
            return None
        absent = "None" if nullable else f"{self.name(leave_fast_path)}()"
        return f"({absent} if {v} is None else {inner})"

    def present(self, kind: Any, details: list[Any], v: str) -> str | None:
        """The same for a value that isn't null."""
        if is_leaf_type(kind):
            return self.leaf(kind, v)
        if is_list_type(kind):
            item = self.value(kind.of_type, details, "i")
            is_list = f"type({v}) is list or type({v}) is tuple"
            return (
                item and f"([{item} for i in {v}] if {is_list} else {self.name(leave_fast_path)}())"
            )
        made = self.object(kind, details) if is_object_type(kind) else self.abstract(kind, details)
        return made and f"{self.name(made)}({v})"

    def abstract(self, kind: Any, details: list[Any]) -> Function | None:
        """Dispatch on the exact class; whatever else comes, Strawberry's own resolution decides."""
        if not kind.resolve_type or getattr(kind.extensions.get(BACKREF), "resolve_type", None):
            return None
        table: dict[type, Function] = {}
        for possible in self.schema.get_possible_types(kind):
            definition = possible.extensions.get(BACKREF)
            if isinstance(definition, StrawberryObjectDefinition) and not definition.concrete_of:
                made = self.object(possible, details, exact=True)
                if made:
                    table[definition.origin] = made

        def dispatch(value: Any) -> Any:
            made = table.get(type(value))
            if made is None:
                raise NeedsOrdinaryPath
            return made(value)

        return dispatch if table else None

    def object(
        self, kind: GraphQLObjectType, details: list[Any], *, exact: bool = False
    ) -> Function | None:
        """The function for an object all of whose selected fields are plain."""
        plan = self.compile_mixed(kind, details, exact=exact)
        return plan.run if plan is not None and not plan.rest else None

    def compile_mixed(
        self, kind: GraphQLObjectType, details: list[Any], *, exact: bool = False
    ) -> CompletionPlan | None:
        """The plan for an object; None when nothing is gained, or nothing is safe."""
        collected = self.collect(kind, details)
        definition = kind.extensions.get(BACKREF)
        if collected.new_defer_usages or not isinstance(definition, StrawberryObjectDefinition):
            return None
        if definition.is_type_of:
            return None
        lines: list[str] = []
        parts: list[str] = []
        rest: dict[str, list[Any]] = {}
        for key, found in collected.grouped_field_set.items():
            if not self.simple(found):
                return None
            part = self.field(kind, found, lines)
            if part is None:
                rest[key] = found
            parts.append(f"{key!r}: {part}")
        if rest and len(rest) == len(parts):
            return None
        body = self.guard(kind, definition, exact=exact) + "".join(lines)
        name = self.name(None, "plan")
        source = f"def {name}(s):\n{body}  return {{{', '.join(parts)}}}\n"
        return CompletionPlan(self.build(source, name), rest or None)

    def simple(self, found: list[Any]) -> bool:
        """Nothing deferred, nothing streamed, no arguments of fragments."""
        return not any(
            detail.defer_usage
            or detail.fragment_variable_values
            or any(directive.name.value == "stream" for directive in detail.node.directives or ())
            for detail in found
        )

    def guard(
        self, kind: GraphQLObjectType, definition: StrawberryObjectDefinition, *, exact: bool
    ) -> str:
        """The lines that refuse what isn't surely an object of this type."""
        origin = self.name(definition.origin)
        if kind.is_type_of or exact:
            cast = self.name(get_strawberry_type_cast)
            return f"  if type(s) is not {origin} or {cast}(s) is not None: raise Slow\n"
        return f"  if type(s) is not {origin}: {self.name(check_odd)}(s)\n"

    def field(self, kind: GraphQLObjectType, found: list[Any], lines: list[str]) -> str | None:
        """The expression for one field, or None when it must be executed the ordinary way."""
        node: FieldNode = found[0].node
        if node.name.value == "__typename":
            return repr(kind.name)
        definition = kind.fields.get(node.name.value)
        attribute = find_plain_attribute(definition)
        if definition is None or attribute is None:
            return None
        v = f"v{len(lines)}"
        expression = self.value(definition.type, found, v)
        if expression is not None:
            lines.append(f"  {v} = s.{attribute}\n")
        return expression


def find_plain_attribute(definition: Any) -> str | None:
    """The attribute that a field reads and does nothing else, or None.

    `is_basic_field` and not the resolver's `_is_default`, which is also true for attributes that
    have permissions or extensions.
    """
    field = definition.extensions.get(BACKREF) if definition else None
    if definition is None or definition.args or not isinstance(field, StrawberryField):
        return None
    if not field.is_basic_field or not getattr(definition.resolve, "_is_default", False):
        return None
    name = field.python_name
    if field.default_resolver is not getattr or not name.isidentifier() or keyword.iskeyword(name):
        return None
    return name
