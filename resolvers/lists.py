"""Lists of what belongs to an experiment."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from db.keyset import Place
from db.pool import Database
from domain.names import MOST_NAME, wrong_text
from door.pages import Connection, bad_input
from resolvers import tenants
from schema.context import Info
from schema.lists import HasName, Part, by_name

Row = TypeVar("Row", bound=HasName)
T = TypeVar("T")
Fetch = Callable[[Database, int, Place, str | None], Awaitable[list[Row]]]


async def of_experiment(
    info: Info,
    wanted: tuple[str, str | None],
    part: Part,
    fetch: Fetch[Row],
    show: Callable[[Row, Info], T],
) -> Connection[T]:
    """A page of what an experiment has: (its name, what the names contain). Of an unseen one: nothing."""
    name, contains = wanted
    if contains is not None and wrong_text(contains, MOST_NAME):
        raise bad_input(f"nameContains has at most {MOST_NAME} characters.")
    experiment = await tenants.find(info, name)

    async def read(place: Place) -> list[Row]:
        if experiment is None:
            return []
        return await fetch(info.context.db, experiment.id, place, contains)

    return await by_name(part, read, lambda row: show(row, info))
