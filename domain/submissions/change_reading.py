"""Reading what a change says, as its kind says it: thousands a second."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from domain.changes import ChangeKind
from domain.submissions.change_bodies import BODIES, Body, SaidAs


class WrongBody(ValueError):
    """A change does not say what its kind says; names the field."""


Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class BodyReader:
    """How a body is read from JSON."""

    keys: tuple[str, ...]
    """Of its fields, in order."""
    needed: tuple[bool, ...]
    converted: tuple[tuple[int, Read], ...]
    """The fields that are something else than their JSON."""


def _choose_conversion(hint: Any, node: str) -> Read | None:
    """How a value of this type is made of its JSON; None: it is that."""
    kind = next((kind for kind in get_args(hint) if kind is not NoneType), hint)
    if node:
        return lambda key: f"{node}:{key}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return datetime.fromisoformat if kind is datetime else None


def _describe_field(name: str, hint: Any) -> tuple[str, bool, Read | None]:
    """The key of a field, whether it has to be there, and how it is read."""
    said_as = SaidAs(name)
    if get_origin(hint) is Annotated:
        hint, said_as = get_args(hint)
    return said_as.key, NoneType not in get_args(hint), _choose_conversion(hint, said_as.node)


def _make_reader(body: type[Body]) -> BodyReader:
    hints = get_type_hints(body, include_extras=True)
    keys, needed, reads = zip(
        *(_describe_field(f.name, hints[f.name]) for f in fields(body)), strict=True
    )
    return BodyReader(keys, needed, tuple((n, read) for n, read in enumerate(reads) if read))


READERS = {body: _make_reader(body) for body in BODIES.values()}


def read_body(kind: ChangeKind, said: Mapping[str, Any]) -> Body:
    """What a change says; raises WrongBody where that is not what its kind says."""
    body: Any = BODIES[kind]
    reader = READERS[body]
    values = [said.get(key) for key in reader.keys]
    if None in values:
        for key, value, needed in zip(reader.keys, values, reader.needed, strict=True):
            if needed and value is None:
                raise WrongBody(f"{kind}: {key} is missing.")
    for n, read in reader.converted:
        if (value := values[n]) is not None:
            try:
                values[n] = read(value)
            except (ValueError, TypeError) as error:
                raise WrongBody(f"{kind}: {reader.keys[n]} can't be {value!r}.") from error
    read_as: Body = body(*values)
    return read_as
