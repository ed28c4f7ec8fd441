"""What a job's command line becomes: layers of ordered [key, value] pairs, then keywords.

Layers: job type, campaign (where the stage takes its parameters over), stage, recovery, test, and the recovery
once more, so that it wins. A key that comes again, in a later layer or in the same one, changes the value where
the key stands, as in POMS. `%(name)s` becomes the keyword's value and `%%` a percent sign, so that
`%%(name)s` leaves `%(name)s` for the program that is launched.
"""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Pairs = Sequence[Sequence[str]]
KEYWORD = re.compile(r"%(?:%|\((?P<name>[A-Za-z_]\w*)\)s)")


class CommandError(ValueError):
    """There is no command: why."""


class UnknownKeyword(CommandError):
    """A `%(name)s` that nothing gives a value."""


class ParameterOrigin(StrEnum):
    """Where a parameter comes from."""

    JOB_TYPE = "job_type"
    CAMPAIGN = "campaign"
    STAGE = "stage"
    RECOVERY = "recovery"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class ParameterPairs:
    """Parameters that come from one place."""

    origin: ParameterOrigin
    pairs: Pairs


@dataclass(frozen=True, slots=True)
class ResolvedParameter:
    """A parameter that a launch uses, and the same key's values that it is used instead of, oldest first."""

    key: str
    value: str
    origin: ParameterOrigin
    instead_of: tuple["ResolvedParameter", ...] = ()


def resolve_layers(layers: Iterable[ParameterPairs]) -> list[ResolvedParameter]:
    """Put layers over each other; of a key's values the last is kept, at the first place."""
    merged: dict[str, ResolvedParameter] = {}
    for layer in layers:
        for key, value in layer.pairs:
            earlier = merged.get(key)
            overridden = () if earlier is None else _list_overridden(layer.origin, earlier)
            merged[key] = ResolvedParameter(key, value, layer.origin, overridden)
    return [*merged.values()]


def _list_overridden(
    origin: ParameterOrigin, earlier: ResolvedParameter
) -> tuple[ResolvedParameter, ...]:
    """All that had the key until now; a recovery, which comes twice, did not override itself."""
    last = ResolvedParameter(earlier.key, earlier.value, earlier.origin)
    return tuple(
        one
        for one in (*earlier.instead_of, last)
        if one.origin is not origin or origin is not ParameterOrigin.RECOVERY
    )


def expand_keywords(text: str, keywords: Mapping[str, str]) -> str:
    """Replace `%(name)s`; `%%` becomes `%`."""

    def value(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None:
            return "%"
        if name not in keywords:
            raise UnknownKeyword(f"There is no keyword {name!r}.")
        return keywords[name]

    return KEYWORD.sub(value, text)


def fill_dataset_name(name: str, own: Mapping[str, str], *, version: str, experiment: str) -> str:
    """What a stage works on, with what its campaign's own keywords and those that no launch decides stand for."""
    if "%(" not in name:
        return name
    known = {"version": version, "group": experiment, "experiment": experiment}
    return expand_keywords(name, {**own, **known})


def expand_early(text: str, keywords: Mapping[str, str], late: Collection[str]) -> str:
    """Replace all keywords but late ones, whose values aren't known yet: what comes of it is for `expand_keywords`."""
    parts, end = list[str](), 0
    for found in KEYWORD.finditer(text):
        is_late = found["name"] in late
        value = found[0] if is_late else expand_keywords(found[0], keywords).replace("%", "%%")
        parts += [text[end : found.start()].replace("%", "%%"), value]
        end = found.end()
    return "".join([*parts, text[end:].replace("%", "%%")])


def has_keyword(text: str, names: Collection[str]) -> bool:
    """Whether one of these keywords is in it."""
    return any(found["name"] in names for found in KEYWORD.finditer(text))


def fill_words(
    program: Sequence[str],
    found: Iterable[ResolvedParameter],
    fill: Callable[[str], str],
    *,
    as_shell: bool,
) -> list[str]:
    """The argument list, with keywords filled in: the program's own words, then its parameters.

    Key and value of each parameter are one word. Of a launch script (`as_shell`) they are a part of a line, as in
    POMS, which is split as a shell splits words, after its keywords were filled in: `--stage ` and `gen` are two
    words. Nothing else is done that a shell would do.
    """
    parts = [fill(f"{one.key}{one.value}") for one in found]
    words = _split_as_shell(" ".join(parts)) if as_shell else parts
    return [*(fill(word) for word in program), *words]


def _split_as_shell(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as wrong:
        raise CommandError(
            f"The parameters can't be split into words as a shell does ({wrong}): {line[-200:]}"
        ) from None
