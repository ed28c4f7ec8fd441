"""What a job's command line becomes: layers of ordered [key, value] pairs, then keywords.

Layers: job type, campaign (where the stage takes its parameters over), stage, recovery, test, and the recovery
once more, so that it wins. A key that comes again in a later layer changes the value where the key stands;
within one layer keys may repeat. `%(name)s` becomes the keyword's value and `%%` a percent sign, so that
`%%(name)s` leaves `%(name)s` for the program that is launched.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Pairs = Sequence[Sequence[str]]
KEYWORD = re.compile(r"%(?:%|\((?P<name>[A-Za-z_]\w*)\)s)")


class UnknownKeyword(ValueError):
    """A `%(name)s` that nothing gives a value."""


class Origin(StrEnum):
    """Where a parameter comes from."""

    JOB_TYPE = "job_type"
    CAMPAIGN = "campaign"
    STAGE = "stage"
    RECOVERY = "recovery"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Layer:
    """Parameters that come from one place."""

    origin: Origin
    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Effective:
    """A parameter that a launch uses, and the same key's values that it is used instead of, oldest first."""

    key: str
    value: str
    origin: Origin
    instead_of: tuple["Effective", ...] = ()


def effective(layers: Iterable[Layer]) -> list[Effective]:
    """Put layers over each other; of a key's values the last layer's are kept, at the first place."""
    merged: dict[str, list[Effective]] = {}
    for layer in layers:
        fresh: dict[str, list[Effective]] = {}
        for key, value in layer.pairs:
            made = Effective(key, value, layer.origin, _before(merged.get(key, ()), layer.origin))
            fresh.setdefault(key, []).append(made)
        merged.update(fresh)
    return [one for values in merged.values() for one in values]


def _before(values: Sequence[Effective], origin: Origin) -> tuple[Effective, ...]:
    """All that had the key until now; what comes of the same place again was not overridden."""
    earlier = [
        *(values[0].instead_of if values else ()),
        *(Effective(v.key, v.value, v.origin) for v in values),
    ]
    return tuple(one for one in earlier if one.origin is not origin)


def expand(text: str, keywords: Mapping[str, str]) -> str:
    """Replace `%(name)s`; `%%` becomes `%`."""

    def value(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None:
            return "%"
        if name not in keywords:
            raise UnknownKeyword(f"There is no keyword {name!r}.")
        return keywords[name]

    return KEYWORD.sub(value, text)


def command(
    program: Sequence[str], found: Iterable[Effective], keywords: Mapping[str, str]
) -> list[str]:
    """The argument list: the program's own words, then key and value of each parameter as one word."""
    words = [*program, *(f"{one.key}{one.value}" for one in found)]
    return [expand(word, keywords) for word in words]
