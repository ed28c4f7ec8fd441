"""Dividing a slice among jobs: what its files weigh is read in pages, by whom they go together is decided there."""

from collections.abc import Iterable

from db.launching.stage_launch_view import StageLaunchView
from db.pool import Database
from domain.campaigns.splits.queries import TakenSlice
from domain.setup.job_types import Consumption
from domain.submissions.units import UNKNOWN_BYTES, JobDivision
from domain.submissions.units import list_job_starts as by_number

PAGE = 100_000


async def compute_job_starts(db: Database, stage: StageLaunchView, taken: TakenSlice) -> list[int]:
    """The place in the slice where the work of each job starts: as many as there are jobs."""
    if stage.generates:
        return by_number(taken.files, 1)
    if stage.consumption is Consumption.PROJECT:
        return by_number(taken.files, taken.files)  # its project hands files to whichever job asks
    if not stage.bounds.weigh:
        return by_number(taken.files, stage.bounds.files)
    division = JobDivision(stage.bounds)
    for low in range(0, taken.files, PAGE):
        division.add(await _read_weights(db, stage.dataset_id, taken, low))
    return division.starts


# As two arrays: a million rows one by one would take longer than all else.
RANGE = f"""
    SELECT array_agg(coalesce(f.size, {UNKNOWN_BYTES}) ORDER BY d.ordinal),
           array_agg(coalesce(f.events, 0) ORDER BY d.ordinal)
      FROM dataset_file d JOIN file f ON f.id = d.file_id
     WHERE d.dataset_id = $1 AND d.ordinal >= $2 AND d.ordinal < $3
"""

LISTED = f"""
    SELECT array_agg(coalesce(f.size, {UNKNOWN_BYTES}) ORDER BY x.place),
           array_agg(coalesce(f.events, 0) ORDER BY x.place)
      FROM unnest($2::bigint[]) WITH ORDINALITY AS x (ordinal, place)
      JOIN dataset_file d ON d.dataset_id = $1 AND d.ordinal = x.ordinal
      JOIN file f ON f.id = d.file_id
"""


async def _read_weights(
    db: Database, dataset_id: int | None, taken: TakenSlice, low: int
) -> Iterable[tuple[int, int]]:
    """(bytes, events) of the next files of the slice."""
    if taken.listed is not None:
        row = await db.fetchrow(LISTED, dataset_id, taken.listed[low : low + PAGE])
    else:
        first = taken.low + low
        row = await db.fetchrow(RANGE, dataset_id, first, min(first + PAGE, taken.high))
    assert row is not None  # noqa: S101 - aggregates are one row
    return zip(*row, strict=True)
