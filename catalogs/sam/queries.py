"""How SAM is asked: definitions and dimensions, and the values in them."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from catalogs import CatalogRefused

NAME = re.compile(r"[\w.@+/-]+")
PLAIN_VALUE = re.compile(r"[\w.@+/][\w.@+/-]*", re.ASCII)
TOGETHER = 50
"""Names that are asked about in one call."""


def quote_value(value: str) -> str:
    """A value in a query; raises CatalogRefused where it would stand for others, too, or end the quotes."""
    if PLAIN_VALUE.fullmatch(value):
        return value
    if any(sign in value for sign in "%'\"\\"):
        raise CatalogRefused(f"SAM can't be asked for {value[:200]!r} and nothing else.")
    return f"'{value}'"


def build_query(definition: str, what: str) -> tuple[str, str, dict[str, str]]:
    """How a definition's or a query's files are asked for: a query by POST, since it may be long."""
    if NAME.fullmatch(definition):
        return "GET", f"/definitions/name/{quote_name(definition)}/files/{what}", {}
    return "POST", f"/files/{what}", {"dims": definition}


def quote_name(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def split_names(names: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many at a time as are asked about in one call."""
    for at in range(0, len(names), TOGETHER):
        yield names[at : at + TOGETHER]
