"""Submissions, page by page along their ids, and what their launches left."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from db.pool import Database, fetch_many
from db.submissions.submissions import COLUMNS, S_COLUMNS, Submission
from domain.submissions.submissions import SubmissionState


@dataclass(frozen=True, slots=True)
class SubmissionFilter:
    """Which submissions to list; what is None doesn't narrow."""

    experiments: Collection[int] | None = None
    campaign_id: int | None = None
    stage_id: int | None = None
    states: Collection[SubmissionState] | None = None
    is_test: bool | None = None
    created_by: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    origin_id: int | None = None
    upstream_id: int | None = None


@dataclass(frozen=True, slots=True)
class OutputChunk:
    """One row of `launch_output`."""

    submission_id: int
    sequence: int
    attempt: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Slice:
    """One row of `slice`, its range in the open."""

    id: int
    stage_id: int
    epoch: int
    number: int
    snapshot_id: int | None
    low: int | None
    high: int | None
    parameter: str | None
    key: str | None
    at: datetime
    missing: int


NARROW = {
    "stage_id": "stage_id = $1",
    "campaign_id": "campaign_id = $1",
    "origin_id": "origin_id = $1",
    "upstream_id": "upstream_id = $1",
    "": "$1::bigint IS NULL",
}
"""By what is told most narrowly an index is chosen; everything else filters what that yields."""

REST = """
       AND ($2::bigint IS NULL OR id {sign} $2)
       AND ($4::submission_state[] IS NULL OR state = ANY($4))
       AND ($5::boolean IS NULL OR is_test = $5)
       AND ($6::bigint IS NULL OR created_by = $6)
       AND ($7::timestamptz IS NULL OR created_at >= $7) AND ($9::timestamptz IS NULL OR created_at < $9)
     ORDER BY id {way} LIMIT $3
"""


def _render_direction(sql: str, *, newest: bool) -> str:
    return sql.replace("{sign}", "<" if newest else ">").replace(
        "{way}", "DESC" if newest else "ASC"
    )


def _render_narrowed_page(name: str, *, newest: bool) -> str:
    return f"""
    SELECT {COLUMNS} FROM submission
     WHERE {NARROW[name]} AND ($8::bigint[] IS NULL OR experiment_id = ANY($8))
    {_render_direction(REST, newest=newest)}"""


def _render_experiments_page(*, newest: bool) -> str:
    return f"""
    SELECT {S_COLUMNS}
      FROM unnest($8::bigint[]) AS mine (experiment_id)
      CROSS JOIN LATERAL (
    SELECT {COLUMNS} FROM submission
     WHERE submission.experiment_id = mine.experiment_id AND $1::bigint IS NULL
    {_render_direction(REST, newest=newest)}) s
     ORDER BY s.id {"DESC" if newest else "ASC"} LIMIT $3
    """


SUBMISSIONS = {
    (name, newest): _render_narrowed_page(name, newest=newest)
    for name in NARROW
    for newest in (True, False)
}
OF_EXPERIMENTS = {newest: _render_experiments_page(newest=newest) for newest in (True, False)}


async def list_submissions(
    db: Database, wanted: SubmissionFilter, start: int | None, limit: int, *, newest: bool
) -> list[Submission]:
    """The next submissions past an id, newest or oldest first."""
    name, values = _choose_statement(wanted, start, limit)
    sql = OF_EXPERIMENTS[newest] if name == "experiments" else SUBMISSIONS[name, newest]
    return await fetch_many(db, Submission, sql, *values)


def _choose_statement(
    wanted: SubmissionFilter, start: int | None, limit: int
) -> tuple[str, tuple[Any, ...]]:
    """Which statement, and its values."""
    name = next((name for name in NARROW if name and getattr(wanted, name) is not None), "")
    values = (
        getattr(wanted, name) if name else None,
        start,
        limit,
        None if wanted.states is None else list(wanted.states),
        wanted.is_test,
        wanted.created_by,
        wanted.since,
        None if wanted.experiments is None else list(wanted.experiments),
        wanted.until,
    )
    return ("experiments" if not name and wanted.experiments is not None else name), values


@lru_cache(1000)
def _render_columns_page(name: str, columns: tuple[str, ...], *, newest: bool) -> str:
    """A page's statement with only these columns, which are names of this room's own record."""
    if not Submission.__dataclass_fields__.keys() >= set(columns):
        raise ValueError(columns)
    some = ", ".join(columns)
    if name == "experiments":
        wide = OF_EXPERIMENTS[newest].replace(S_COLUMNS, ", ".join(f"s.{c}" for c in columns))
        return wide.replace(COLUMNS, some)
    return SUBMISSIONS[name, newest].replace(COLUMNS, some)


async def list_columns(
    db: Database,
    wanted: SubmissionFilter,
    start: int | None,
    limit: int,
    columns: tuple[str, ...],
    *,
    newest: bool,
) -> Sequence[Any]:
    """The same page, of which only these columns are read: plain rows, in the columns' order."""
    name, values = _choose_statement(wanted, start, limit)
    return await db.fetch(_render_columns_page(name, columns, newest=newest), *values)


LAUNCH_OUTPUT = f"""
    SELECT {", ".join(OutputChunk.__dataclass_fields__)} FROM launch_output
     WHERE submission_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
"""

LAUNCH_OUTPUT_BACKWARD = f"""
    SELECT {", ".join(OutputChunk.__dataclass_fields__)} FROM launch_output
     WHERE submission_id = $1 AND ($2::bigint IS NULL OR sequence < $2) ORDER BY sequence DESC LIMIT $3
"""


async def launch_output(
    db: Database, submission_id: int, after: int, limit: int
) -> list[OutputChunk]:
    """The next pieces of what the launch said."""
    return await fetch_many(db, OutputChunk, LAUNCH_OUTPUT, submission_id, after, limit)


async def launch_output_before(
    db: Database, submission_id: int, before: int | None, limit: int
) -> list[OutputChunk]:
    """The pieces before one (None: the end), the last first."""
    return await fetch_many(db, OutputChunk, LAUNCH_OUTPUT_BACKWARD, submission_id, before, limit)


SLICES = """
    SELECT id, stage_id, epoch, number, snapshot_id, lower(ordinals), upper(ordinals), parameter, key, at, missing
      FROM slice WHERE id = ANY($1::bigint[])
"""


async def find_slices(db: Database, ids: Sequence[int]) -> list[Slice]:
    """Find the slices that exist among these."""
    return await fetch_many(db, Slice, SLICES, ids)
