"""What a job's command line becomes: layers of ordered [key, value] pairs, then keywords.

Layers: job type, campaign, stage, recovery, test, and the recovery once more, so that it wins. A key that
comes again in a later layer changes the value where the key stands; within one layer keys may repeat.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

Pairs = Sequence[Sequence[str]]
KEYWORD = re.compile(r"%(?:%|\((?P<name>[A-Za-z_]\w*)\)s)")


class UnknownKeyword(ValueError):
    """A `%(name)s` that nothing gives a value."""


def merge(layers: Iterable[Pairs]) -> list[tuple[str, str]]:
    """Put layers over each other; of a key's values the last layer's are kept, at the first place."""
    merged: dict[str, list[str]] = {}
    for layer in layers:
        fresh: dict[str, list[str]] = {}
        for key, value in layer:
            fresh.setdefault(key, []).append(value)
        merged.update(fresh)
    return [(key, value) for key, values in merged.items() for value in values]


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


def command(program: Sequence[str], pairs: Pairs, keywords: Mapping[str, str]) -> list[str]:
    """The argument list: the program's own words, then key and value of each pair as one word."""
    words = [*program, *(f"{key}{value}" for key, value in pairs)]
    return [expand(word, keywords) for word in words]
