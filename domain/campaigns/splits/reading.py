"""Reading a split from its text: once, into typed values, or an error with its place."""

import re
from dataclasses import dataclass

from domain.campaigns.splits.kinds import KINDS, SplitKind
from domain.campaigns.splits.parameters import Value
from domain.campaigns.splits.queries import Arguments

FORM = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)?\s*(?:\((?P<inside>[^()]*)\)\s*)?$")


class SplitError(ValueError):
    """A split that can't be read: what is wrong, and at which character (from 0)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Split:
    """A split as a stage has it, read from its text."""

    name: str
    arguments: Arguments

    @property
    def kind(self) -> SplitKind:
        """What its name means."""
        return KINDS[self.name]

    @property
    def waits(self) -> bool:
        """When nothing is left there may be more later, without anything being added."""
        return self.kind.waits and self.arguments.get("lasttime") is None

    @property
    def counts(self) -> tuple[object, ...]:
        """What its cursor counts: with another one, the cursor says nothing any more."""
        kind = self.kind
        return kind.same_as or self.name, *(self.arguments[name] for name in kind.anew)


def parse_split(text: str) -> Split:
    """Read `name` or `name(arguments)`; raises SplitError with the place of what is wrong."""
    found = FORM.match(text)
    if found is None:
        raise SplitError("A split is written name(arguments), for example nfiles(20).", 0)
    name = (found["name"] or "none").lower()
    if name not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise SplitError(f"There is no split {name!r}; there are {known}.", found.start("name"))
    inside = found["inside"] or ""
    start = found.start("inside") if found["inside"] is not None else len(text)
    given = _parse_arguments(inside, start, KINDS[name])
    for missing in (p for p in KINDS[name].parameters if p not in given):
        parameter = KINDS[name].parameters[missing]
        if parameter.needed:
            raise SplitError(f"{name} needs {missing}: {parameter.is_}.", start)
        given[missing] = parameter.default
    if said := KINDS[name].refuses(given):
        raise SplitError(said, start)
    return Split(name, given)


def _parse_arguments(inside: str, start: int, kind: SplitKind) -> dict[str, Value]:
    given: dict[str, Value] = {}
    names, at = tuple(kind.parameters), start
    for place, part in enumerate(inside.split(",") if inside.strip() else ()):
        key, equals, value = (p.strip() for p in part.rpartition("="))
        name = key.lower() if equals else (names[place] if place < len(names) else "")
        if name not in names or name in given:
            raise SplitError(f"Not an argument here: {part.strip()!r}.", at)
        try:
            given[name] = kind.parameters[name].read(value)
        except ValueError:
            is_ = kind.parameters[name].is_
            raise SplitError(f"{name} is {is_}, not {value!r}.", at) from None
        at += len(part) + 1
    return given
