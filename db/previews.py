"""What the next slices of a stage would be; nothing is taken."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from db import divisions
from db.launchables import Launchable
from db.looks import follow, where_of
from db.pool import Database, one
from domain import splits
from domain.splits import Taken
from domain.splits.looks import Look
from domain.splits.preview import Ahead, noted

MOST_FILES = 1_000_000
"""After so many files nobody looks on."""
MOST_LEFT_OUT = 10_000
"""So many are counted."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What the files of a slice are together."""

    bytes: int
    events: int
    without_events: int


@dataclass(frozen=True, slots=True)
class Next:
    """One slice to come."""

    taken: Taken
    jobs: int
    weight: Weight


@dataclass(frozen=True, slots=True)
class Preview:
    """The slices to come."""

    slices: list[Next]
    exhausted: bool
    """There are no more."""
    repeats: bool
    """The last one comes again for ever."""
    left_out: int
    """How many files no slice will ever have, as far as they were counted."""


async def preview(db: Database, stage: Launchable, most: int, *, is_test: bool) -> Preview:
    """Think of the next slices of a stage as taken, one after the other."""
    found: list[Next] = []
    files, exhausted = 0, False
    async for taken in upcoming(db, stage, [], is_test=is_test):
        if len(found) == most or files >= MOST_FILES:
            break
        found.append(await _next(db, stage, taken))
        files += 0 if stage.generates else taken.files
    else:
        exhausted = True
    repeats = bool(found) and not found[-1].taken.exclusive
    left_out = await left_out_of(db, stage, is_test=is_test)
    return Preview(found, exhausted and not repeats, repeats, left_out)


async def upcoming(
    db: Database, stage: Launchable, looks: list[Look], *, is_test: bool
) -> AsyncIterator[Taken]:
    """The slices to come, each thought of as taken; of one that comes again for ever, the first. Notes
    the looks into the dataset that it takes to find them."""
    split = splits.parse(stage.split_for(is_test=is_test))
    ahead = Ahead(int(stage.cursor_for(is_test=is_test)), stage.source)
    where = where_of(stage, is_test=is_test)
    while True:
        steps = noted(splits.next_slice(split, ahead.cursor, ahead.source), looks)
        taken = await follow(db, where, steps)
        if taken is None or not taken.files:
            return
        yield taken
        if not taken.exclusive:
            return
        ahead = ahead.past(taken)


RANGE = """
    SELECT coalesce(sum(f.size), 0)::bigint AS bytes, coalesce(sum(f.events), 0)::bigint AS events,
           count(*) FILTER (WHERE f.events IS NULL) AS without_events
      FROM dataset_file d JOIN file f ON f.id = d.file_id
     WHERE d.dataset_id = $1 AND d.ordinal >= $2 AND d.ordinal < $3
"""

LISTED = """
    SELECT coalesce(sum(f.size), 0)::bigint AS bytes, coalesce(sum(f.events), 0)::bigint AS events,
           count(*) FILTER (WHERE f.events IS NULL) AS without_events
      FROM unnest($2::bigint[]) AS x (ordinal)
      JOIN dataset_file d ON d.dataset_id = $1 AND d.ordinal = x.ordinal
      JOIN file f ON f.id = d.file_id
"""


async def _next(db: Database, stage: Launchable, taken: Taken) -> Next:
    if stage.generates:
        return Next(taken, taken.files, Weight(0, taken.files * stage.events_per_unit, 0))
    jobs = len(await divisions.starts(db, stage, taken))
    if taken.listed is None:
        weight = await one(db, Weight, RANGE, stage.dataset_id, taken.low, taken.high)
    else:
        weight = await one(db, Weight, LISTED, stage.dataset_id, taken.listed)
    assert weight is not None  # noqa: S101 - sums are one row
    return Next(taken, jobs, weight)


WITHOUT_RUN = """
    SELECT count(*) FROM (SELECT FROM dataset_file WHERE dataset_id = $1 AND run IS NULL AND ordinal < $2 LIMIT $3) x
"""

STAGED = "SELECT coalesce(max(place) + 1, 0) FROM staged_file WHERE dataset_id = $1"


async def left_out_of(db: Database, stage: Launchable, *, is_test: bool) -> int:
    """How many files don't say of themselves what the split needs."""
    where = where_of(stage, is_test=is_test)
    needs = splits.parse(stage.split_for(is_test=is_test)).kind.needs
    if needs == "run":
        bound = MOST_LEFT_OUT + 1
        return int(await db.fetchval(WITHOUT_RUN, where.dataset_id, where.head, bound))
    if needs == "staged":
        return max(0, where.head - int(await db.fetchval(STAGED, where.dataset_id)))
    return 0
