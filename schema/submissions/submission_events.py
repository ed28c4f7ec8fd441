"""The history of one submission, as a client sees it."""

from typing import Any

from db import changes
from door.pages import Connection, encode_cursor
from schema.context import Info
from schema.lists import ListPart, page_by_key, parse_number_key
from schema.submissions.change_display import show_change
from schema.submissions.change_types import Change


async def page_history(info: Info, submission_id: int, part: ListPart) -> Connection[Change]:
    """What happened to a submission, whether or not it has its position already."""
    head, history = await changes.find_head(
        info.context.db
    )  # first: what has no place yet gets one after it

    async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[changes.Fact]:  # noqa: FBT001 - the page's contract
        at = parse_number_key(start[0]) if start else None
        return await changes.list_history(
            info.context.db, submission_id, at, limit, backwards=backwards
        )

    def show(row: changes.Fact) -> Change:
        return show_change(
            row, encode_cursor(history, head if row.position is None else row.position)
        )

    return await page_by_key(part, fetch, show, lambda row: (row.id,), 1)
