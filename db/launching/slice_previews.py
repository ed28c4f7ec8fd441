"""What the next slices of a stage would be; nothing is taken."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from db.launching import job_packing
from db.launching.split_queries import find_next_slice, read_scope
from db.launching.stage_launch_view import StageLaunchView
from db.pool import Database, fetch_one
from domain.campaigns.splits.preview import SplitLookahead
from domain.campaigns.splits.queries import Look, TakenSlice
from domain.campaigns.splits.reading import parse_split

MOST_FILES = 1_000_000
"""After so many files nobody looks on."""
MOST_LEFT_OUT = 10_000
"""So many are counted."""


@dataclass(frozen=True, slots=True)
class SliceWeight:
    """What the files of a slice are together."""

    bytes: int
    events: int
    without_events: int
    without_size: int = 0


@dataclass(frozen=True, slots=True)
class UpcomingSlice:
    """One slice to come."""

    slice: TakenSlice
    jobs: int
    weight: SliceWeight


@dataclass(frozen=True, slots=True)
class SlicePreview:
    """The slices to come."""

    slices: list[UpcomingSlice]
    exhausted: bool
    """There are no more."""
    repeats: bool
    """The last one comes again for ever."""
    left_out: int
    """How many files no slice will ever have, as far as they were counted."""
    missing: int
    """How many no slice takes as long as their catalog has them no more, or otherwise."""


async def preview_slices(
    db: Database, stage: StageLaunchView, most: int, *, is_test: bool
) -> SlicePreview:
    """Think of the next slices of a stage as taken, one after the other."""
    found: list[UpcomingSlice] = []
    files, exhausted = 0, False
    async for taken in iterate_slices(db, stage, [], is_test=is_test):
        if len(found) == most or files >= MOST_FILES:
            break
        found.append(await _measure_slice(db, stage, taken))
        files += 0 if stage.generates else taken.files
    else:
        exhausted = True
    repeats = bool(found) and not found[-1].slice.exclusive
    left_out = await count_left_out(db, stage, is_test=is_test)
    where = await read_scope(db, stage, is_test=is_test)
    return SlicePreview(found, exhausted and not repeats, repeats, left_out, where.missing)


async def iterate_slices(
    db: Database, stage: StageLaunchView, looks: list[Look], *, is_test: bool
) -> AsyncIterator[TakenSlice]:
    """The slices to come, each thought of as taken; of one that comes again for ever, the first. Notes
    the looks into the dataset that it takes to find them."""
    split = parse_split(stage.split_for(is_test=is_test))
    ahead = SplitLookahead(int(stage.cursor_for(is_test=is_test)), stage.source)
    where = await read_scope(db, stage, is_test=is_test)
    while True:
        taken = await find_next_slice(db, where, split, ahead, looks)
        if taken is None or not taken.files:
            return
        yield taken
        if not taken.exclusive:
            return
        ahead = ahead.past(taken)


RANGE = """
    SELECT coalesce(sum(f.size), 0)::bigint AS bytes, coalesce(sum(f.events), 0)::bigint AS events,
           count(*) FILTER (WHERE f.events IS NULL) AS without_events,
           count(*) FILTER (WHERE f.size IS NULL) AS without_size
      FROM dataset_file d JOIN file f ON f.id = d.file_id
     WHERE d.dataset_id = $1 AND d.ordinal >= $2 AND d.ordinal < $3
"""

LISTED = """
    SELECT coalesce(sum(f.size), 0)::bigint AS bytes, coalesce(sum(f.events), 0)::bigint AS events,
           count(*) FILTER (WHERE f.events IS NULL) AS without_events,
           count(*) FILTER (WHERE f.size IS NULL) AS without_size
      FROM unnest($2::bigint[]) AS x (ordinal)
      JOIN dataset_file d ON d.dataset_id = $1 AND d.ordinal = x.ordinal
      JOIN file f ON f.id = d.file_id
"""


async def _measure_slice(db: Database, stage: StageLaunchView, taken: TakenSlice) -> UpcomingSlice:
    if stage.generates:
        return UpcomingSlice(
            taken, taken.files, SliceWeight(0, taken.files * stage.events_per_unit, 0)
        )
    jobs = len(await job_packing.compute_job_starts(db, stage, taken))
    if taken.listed is None:
        weight = await fetch_one(db, SliceWeight, RANGE, stage.dataset_id, taken.low, taken.high)
    else:
        weight = await fetch_one(db, SliceWeight, LISTED, stage.dataset_id, taken.listed)
    assert weight is not None  # noqa: S101 - sums are one row
    return UpcomingSlice(taken, jobs, weight)


WITHOUT_RUN = """
    SELECT count(*) FROM (SELECT FROM dataset_file WHERE dataset_id = $1 AND run IS NULL AND ordinal < $2 LIMIT $3) x
"""

STAGED = "SELECT coalesce(max(place) + 1, 0) FROM staged_file WHERE dataset_id = $1"


async def count_left_out(db: Database, stage: StageLaunchView, *, is_test: bool) -> int:
    """How many files don't say of themselves what the split needs."""
    where = await read_scope(db, stage, is_test=is_test)
    needs = parse_split(stage.split_for(is_test=is_test)).kind.needs
    if needs == "run":
        bound = MOST_LEFT_OUT + 1
        return int(await db.fetchval(WITHOUT_RUN, where.dataset_id, where.head, bound))
    if needs == "staged":
        return max(0, where.head - int(await db.fetchval(STAGED, where.dataset_id)))
    return 0
