"""Pages of lists that are ordered by a name or by a number."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from db.keyset import Place
from domain.names import wrong_text
from door.pages import Connection, bad_input, page

MOST = 2**63 - 1


class HasName(Protocol):
    """A row that is listed by its name."""

    @property
    def name(self) -> str: ...  # noqa: D102


T = TypeVar("T")
Row = TypeVar("Row")
Named = TypeVar("Named", bound=HasName)


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a list is asked for, as the arguments of a connection say."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


async def by_key(
    part: Part,
    fetch: Callable[[list[Any] | None, bool, int], Awaitable[list[Row]]],
    make: Callable[[Row], T],
    key: Callable[[Row], tuple[Any, ...]],
    width: int,
) -> Connection[T]:
    """One page of any list."""
    return await page(
        fetch,
        make,
        key,
        width,
        first=part.first,
        after=part.after,
        last=part.last,
        before=part.before,
    )


async def by_text(
    part: Part,
    fetch: Callable[[Place], Awaitable[list[Row]]],
    make: Callable[[Row], T],
    key: Callable[[Row], str],
) -> Connection[T]:
    """One page of a list that is ordered by a text."""

    async def read(start: list[Any] | None, backwards: bool, limit: int) -> list[Row]:  # noqa: FBT001 - the page's contract
        return await fetch(Place(text(start[0]) if start else None, backwards, limit))

    return await by_key(part, read, make, lambda row: (key(row),), 1)


async def by_name(
    part: Part, fetch: Callable[[Place], Awaitable[list[Named]]], make: Callable[[Named], T]
) -> Connection[T]:
    """One page of a list that is ordered by names."""
    return await by_text(part, fetch, make, lambda row: row.name)


async def by_number(
    part: Part,
    fetch: Callable[[int, int, bool], Awaitable[list[Row]]],
    make: Callable[[Row], T],
    key: Callable[[Row], int],
    *,
    falling: bool = False,
) -> Connection[T]:
    """One page of a list by a number: `fetch(start, limit, backwards)` always gets a start."""

    async def read(start: list[Any] | None, backwards: bool, limit: int) -> list[Row]:  # noqa: FBT001 - the page's contract
        edge = MOST if backwards != falling else -1
        return await fetch(number(start[0]) if start else edge, limit, backwards)

    return await by_key(part, read, make, lambda row: (key(row),), 1)


def text(value: object) -> str:
    """A text out of a cursor, which anybody may have made up."""
    if not isinstance(value, str) or wrong_text(value, 1_000):
        raise bad_input("Not a cursor of this list.")
    return value


def number(value: object) -> int:
    """A number out of a cursor."""
    if type(value) is not int or not -1 <= value <= MOST:
        raise bad_input("Not a cursor of this list.")
    return value
