"""Lists of what belongs to an experiment."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from db.keyset import PageRequest
from db.pool import Database
from domain.names import MOST_NAME, check_text
from door.pages import Connection, make_input_error
from resolvers import tenants
from schema.context import Info
from schema.lists import HasName, ListPart, page_by_name

Row = TypeVar("Row", bound=HasName)
T = TypeVar("T")
Fetch = Callable[[Database, int, PageRequest, str | None], Awaitable[list[Row]]]


async def page_experiment_items(
    info: Info,
    wanted: tuple[str, str | None],
    part: ListPart,
    fetch: Fetch[Row],
    show: Callable[[Row, Info], T],
) -> Connection[T]:
    """A page of what an experiment has: (its name, what the names contain). Of an unseen one: nothing."""
    name, contains = wanted
    if contains is not None and check_text(contains, MOST_NAME):
        raise make_input_error(f"nameContains has at most {MOST_NAME} characters.")
    experiment = await tenants.find_visible_experiment(info, name)

    async def read(place: PageRequest) -> list[Row]:
        if experiment is None:
            return []
        return await fetch(info.context.db, experiment.id, place, contains)

    return await page_by_name(part, read, lambda row: show(row, info))
