"""Pages of lists that are ordered by a name or by a number."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from db.keyset import PageRequest
from domain.names import check_text
from door.pages import Connection, fetch_page, make_input_error

MOST = 2**63 - 1


class HasName(Protocol):
    """A row that is listed by its name."""

    @property
    def name(self) -> str: ...  # noqa: D102


T = TypeVar("T")
Row = TypeVar("Row")
Named = TypeVar("Named", bound=HasName)


@dataclass(frozen=True, slots=True)
class ListPart:
    """Which part of a list is asked for, as the arguments of a connection say."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


async def page_by_key(
    part: ListPart,
    fetch: Callable[[list[Any] | None, bool, int], Awaitable[list[Row]]],
    make: Callable[[Row], T],
    key: Callable[[Row], tuple[Any, ...]],
    width: int,
) -> Connection[T]:
    """One page of any list."""
    return await fetch_page(
        fetch,
        make,
        key,
        width,
        first=part.first,
        after=part.after,
        last=part.last,
        before=part.before,
    )


async def page_by_text(
    part: ListPart,
    fetch: Callable[[PageRequest], Awaitable[list[Row]]],
    make: Callable[[Row], T],
    key: Callable[[Row], str],
) -> Connection[T]:
    """One page of a list that is ordered by a text."""

    async def read(start: list[Any] | None, backwards: bool, limit: int) -> list[Row]:  # noqa: FBT001 - the page's contract
        return await fetch(
            PageRequest(parse_text_key(start[0]) if start else None, backwards, limit)
        )

    return await page_by_key(part, read, make, lambda row: (key(row),), 1)


async def page_by_name(
    part: ListPart,
    fetch: Callable[[PageRequest], Awaitable[list[Named]]],
    make: Callable[[Named], T],
) -> Connection[T]:
    """One page of a list that is ordered by names."""
    return await page_by_text(part, fetch, make, lambda row: row.name)


async def page_by_number(
    part: ListPart,
    fetch: Callable[[int, int, bool], Awaitable[list[Row]]],
    make: Callable[[Row], T],
    key: Callable[[Row], int],
    *,
    falling: bool = False,
) -> Connection[T]:
    """One page of a list by a number: `fetch(start, limit, backwards)` always gets a start."""

    async def read(start: list[Any] | None, backwards: bool, limit: int) -> list[Row]:  # noqa: FBT001 - the page's contract
        edge = MOST if backwards != falling else -1
        return await fetch(parse_number_key(start[0]) if start else edge, limit, backwards)

    return await page_by_key(part, read, make, lambda row: (key(row),), 1)


def parse_text_key(value: object) -> str:
    """A text out of a cursor, which anybody may have made up."""
    if not isinstance(value, str) or check_text(value, 1_000):
        raise make_input_error("Not a cursor of this list.")
    return value


def parse_number_key(value: object) -> int:
    """A number out of a cursor."""
    if type(value) is not int or not -1 <= value <= MOST:
        raise make_input_error("Not a cursor of this list.")
    return value
