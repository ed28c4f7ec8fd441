"""Relay's shapes: readable ids, cursors that name a row and not a count, connections."""

import base64
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import orjson
import strawberry
from graphql import GraphQLError

from door.describe import shape, thing
from door.limits import PAGE

MOST = 100

T = TypeVar("T")
R = TypeVar("R")


def bad_input(message: str) -> GraphQLError:
    """An error that the client can mend by asking otherwise."""
    return GraphQLError(message, extensions={"code": "BAD_INPUT"})


@shape
class Node:
    """Anything that can be fetched again by its id."""

    id: strawberry.ID
    """`kind:key`, for example `submission:42`."""


def split_id(value: str, kind: str | None = None) -> tuple[str, str]:
    """`submission:42` → (`submission`, `42`); raises when the kind is another one."""
    found, colon, key = value.partition(":")
    if not found or not colon or not key or (kind and found != kind):
        raise bad_input(f"Not the id of a {kind or 'node'}: {value[:100]!r}")
    return found, key


@thing
class PageInfo:
    """Where a page begins and ends."""

    has_next_page: bool
    """Whether more comes after this page (going backwards: whether a cursor was given)."""
    has_previous_page: bool
    """Whether more comes before this page (going forward: whether a cursor was given)."""
    start_cursor: str | None
    """Give it as `before` to go back."""
    end_cursor: str | None
    """Give it as `after` to go on."""


@thing
class Edge(Generic[T]):
    """One item of a page with its cursor."""

    cursor: str
    """Names this item's place in this list."""
    node: T
    """The item."""


@thing
class Connection(Generic[T]):
    """One page of a list."""

    edges: list[Edge[T]]
    """The items with their cursors."""
    nodes: list[T]
    """The items."""
    page_info: PageInfo
    """Where the page begins and ends."""
    place: strawberry.Private[Callable[[int], str] | None] = None
    """The cursor of the item with a number, where edges are made only once somebody asks for them."""

    def __getattr__(self, name: str) -> Any:
        if name != "edges" or self.place is None:
            raise AttributeError(name)
        self.edges = [Edge(cursor=self.place(n), node=node) for n, node in enumerate(self.nodes)]
        return self.edges


def cursor(*keys: Any) -> str:
    """A place in a list: the values that the list is ordered by."""
    return base64.urlsafe_b64encode(orjson.dumps(keys)).rstrip(b"=").decode()


def keys(text: str, width: int) -> list[Any]:
    """What a cursor holds; raises when it isn't one of a list ordered by `width` values."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) != width:
        raise bad_input(f"Not a cursor of this list: {text[:100]!r}")
    return found


def span(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> tuple[bool, int, str | None]:
    """Which way to go, how far, and from where."""
    backwards = last is not None or before is not None
    if backwards and (first is not None or after is not None):
        raise bad_input("Use first with after, or last with before.")
    size = last if backwards else first
    size = PAGE if size is None else size
    if not 0 <= size <= MOST:
        raise bad_input(f"first and last are 0 to {MOST}.")
    return backwards, size, before if backwards else after


Fetch = Callable[[list[Any] | None, bool, int], Awaitable[Sequence[R]]]


async def page(
    fetch: Fetch[R],
    make: Callable[[R], T],
    key: Callable[[R], tuple[Any, ...]],
    width: int,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Connection[T]:
    """One page by keyset: `fetch(start, backwards, limit)` reads rows past `start` that way.

    Going backwards it reads in the opposite order; the page comes out in the list's order.
    """
    backwards, size, at = span(first, after, last, before)
    rows = list(await fetch(keys(at, width) if at else None, backwards, size + 1))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    found: Connection[T] = Connection.__new__(Connection)
    found.place = lambda n: cursor(*key(rows[n]))
    found.nodes = [make(row) for row in rows]
    found.page_info = PageInfo(
        has_next_page=bool(at) if backwards else more,
        has_previous_page=more if backwards else bool(at),
        start_cursor=found.place(0) if rows else None,
        end_cursor=found.place(-1) if rows else None,
    )
    return found
