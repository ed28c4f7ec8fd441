"""Pages of submissions of which only plain fields are asked: no more is read than is shown.

A whole submission has over fifty columns and its exact configuration. A page that shows twelve of them is
several times cheaper when the others are neither read nor made into Python values.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from door.selection import list_selected_names
from schema.context import Info
from schema.ids import node_id
from schema.submissions.submissions import PLAIN, Submission

COLUMNS = {to_camel_case(name): name for name in PLAIN} | {
    "id": "id",
    "jobsTotal": "jobs",
    "filesTotal": "files",
    "__typename": "id",
}
"""Fields by the one column that each shows; of the others there is no page of this kind."""
SHOWN_AS = {"jobs": "jobs_total", "files": "files_total"}


def select_columns(info: Info) -> tuple[str, ...] | None:
    """The columns that the page's items show, `id` first; None where whole submissions are needed."""
    asked = list_selected_names(info, ("nodes",), ("edges", "node"))
    return _map_columns(asked)


@lru_cache(1000)
def _map_columns(asked: frozenset[str]) -> tuple[str, ...] | None:
    if not asked <= COLUMNS.keys() or "configuration" in asked:
        return None
    return ("id", *sorted({COLUMNS[name] for name in asked} - {"id"}))


def build_row_factory(names: Sequence[str]) -> Callable[[Sequence[Any]], Submission]:
    """Makes submissions of rows with these columns; what is not asked is not there."""
    shown = tuple(SHOWN_AS.get(name, name) for name in names)

    def make(row: Sequence[Any]) -> Submission:
        one = Submission.__new__(Submission)
        one.__dict__.update(zip(shown, row, strict=True))
        one.id = node_id("submission", row[0])
        return one

    return make
