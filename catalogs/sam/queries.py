"""How SAM is asked: definitions and dimensions, and the values in them."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import quote

from catalogs import CatalogRefused, DescentQuery

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


def build_descent(of: DescentQuery, patterns: Sequence[str] = ()) -> str:
    """What was made from the files of a definition, as POMS asks for it: by steps, time, version and names."""
    above = f"defname: {of.name}"
    for _ in range(of.steps):
        above = f"ischildof: ({above})"
    query = f"{above} and create_date > '{of.since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}'"
    if of.version:
        query += f" and version {quote_value(of.version)}"
    if not patterns:
        return query
    return f"{query} and ({' or '.join(map(_build_name_query, patterns))})"


def _build_name_query(pattern: str) -> str:
    """A pattern of names; one with a blank is a query itself, as in POMS. Raises CatalogRefused where it is neither."""
    if " " in pattern:
        return f"({pattern})"
    if any(sign in pattern for sign in "?['\"\\"):
        raise CatalogRefused(f"SAM can't be asked for names like {pattern[:200]!r}.")
    return f"file_name '{pattern.replace('*', '%')}'"
