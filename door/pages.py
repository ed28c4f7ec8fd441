"""Relay's shapes: readable ids, cursors that name a row and not a count, connections."""

import base64
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

import orjson
import strawberry
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from graphql import GraphQLError

from door.describe import declare_interface_type, declare_object_type
from door.limits import PAGE

MOST = 100

T = TypeVar("T")
R = TypeVar("R")


def make_input_error(message: str) -> GraphQLError:
    """An error that the client can mend by asking otherwise."""
    return GraphQLError(message, extensions={"code": "BAD_INPUT"})


@declare_interface_type
class Node:
    """Anything that can be fetched again by its id."""

    id: strawberry.ID
    """`kind:key`, for example `submission:42`."""


@declare_object_type
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


@declare_object_type
class Edge(Generic[T]):
    """One item of a page with its cursor."""

    cursor: str
    """Names this item's place in this list."""
    node: T
    """The item."""


@declare_object_type
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


def derive_cursor_key(secret: str) -> bytes:
    """The key of cursors that belongs to a secret."""
    return HKDF(SHA256(), 32, salt=None, info=b"poms cursors").derive(secret.encode())


class CursorSeal:
    """Encrypts cursors: what a list is ordered by may tell of rows that its reader can't see.

    Equal places have equal cursors, whose lengths do not tell how large a number is. Until a key is given, the
    process has one of its own.
    """

    def __init__(self) -> None:
        self._ciphers = [AESSIV(AESSIV.generate_key(256))]

    def use_secrets(self, *secrets: str) -> None:
        """Take keys from secrets that all processes share, so that a cursor holds at each of them: the first
        for new cursors."""
        self._ciphers = [AESSIV(derive_cursor_key(secret)) for secret in secrets]

    def close(self, place: bytes) -> bytes:
        """Encrypt a place."""
        return self._ciphers[0].encrypt(place, None)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt a place; raises `InvalidTag` where no key of ours closed it."""
        for cipher in self._ciphers[1:]:
            with suppress(InvalidTag):
                return cipher.decrypt(sealed, None)
        return self._ciphers[0].decrypt(sealed, None)


SEAL = CursorSeal()


STEP = 96
"""Cursors grow by so many bytes: how many digits a number has is not to be seen."""


def encode_cursor(*keys: Any) -> str:
    """A place in a list: the values that the list is ordered by, for our eyes only."""
    plain = orjson.dumps(keys)
    sealed = SEAL.close(plain.ljust(-(-len(plain) // STEP) * STEP))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def decode_cursor(text: str, width: int) -> list[Any]:
    """What a cursor holds; raises when it isn't one of a list ordered by `width` values."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = orjson.loads(SEAL.open(sealed))
    except (ValueError, InvalidTag):
        found = None
    if not isinstance(found, list) or len(found) != width:
        raise make_input_error(f"Not a cursor of this list: {text[:100]!r}")
    return found


def resolve_span(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> tuple[bool, int, str | None]:
    """Which way to go, how far, and from where."""
    backwards = last is not None or before is not None
    if backwards and (first is not None or after is not None):
        raise make_input_error("Use first with after, or last with before.")
    size = last if backwards else first
    size = PAGE if size is None else size
    if not 0 <= size <= MOST:
        raise make_input_error(f"first and last are 0 to {MOST}.")
    return backwards, size, before if backwards else after


Fetch = Callable[[list[Any] | None, bool, int], Awaitable[Sequence[R]]]


async def fetch_page(
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
    backwards, size, at = resolve_span(first, after, last, before)
    rows = list(await fetch(decode_cursor(at, width) if at else None, backwards, size + 1))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    found: Connection[T] = Connection.__new__(Connection)
    found.place = lambda n: encode_cursor(*key(rows[n]))
    found.nodes = [make(row) for row in rows]
    found.page_info = PageInfo(
        has_next_page=bool(at) if backwards else more,
        has_previous_page=more if backwards else bool(at),
        start_cursor=found.place(0) if rows else None,
        end_cursor=found.place(-1) if rows else None,
    )
    return found
