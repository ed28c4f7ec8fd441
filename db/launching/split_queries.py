"""What the rules of splits look up in a dataset: candidates only; which become the slice is decided there.

Each look is a step down an index and a read of what it finds: (dataset, run, ordinal) for runs,
(dataset, time, ordinal) for windows, (dataset, place) for staged files, the dataset's ordinals for the
rest. Whether a file was taken is asked file by file, of the files of one run or of those that the
cursor passes, which it does once: so that a slice costs its own size, not the dataset's.
"""

from dataclasses import dataclass, replace
from typing import Any

from db.launching.stage_launch_view import StageLaunchView
from db.pool import Database, fetch_many, fetch_one
from domain.campaigns.splits.preview import SplitLookahead, record_queries
from domain.campaigns.splits.queries import (
    FileWeights,
    FirstTime,
    InWindow,
    JoinedFiles,
    Look,
    NextRun,
    OfRun,
    StagedFiles,
    Steps,
    TakenSlice,
    UntakenRun,
)
from domain.campaigns.splits.reading import Split
from domain.campaigns.splits.slicing import choose_next_slice
from domain.submissions.units import UNKNOWN_BYTES


@dataclass(frozen=True, slots=True)
class SplitScope:
    """In which files a rule looks, and of which stage and epoch the slices are."""

    dataset_id: int | None
    head: int
    stage_id: int
    epoch: int
    missing: int
    """Files of the dataset that its catalog has no more, or otherwise."""


MISSING = """
    SELECT count(*) FROM listing_difference WHERE dataset_id = $1 AND ordinal < $2
"""


async def read_scope(db: Database, stage: StageLaunchView, *, is_test: bool) -> SplitScope:
    """Where the rules of a stage's split look."""
    inside = stage.dataset_id, stage.head
    missing = 0 if stage.generates else int(await db.fetchval(MISSING, *inside))
    return SplitScope(*inside, stage.id, stage.epoch_for(is_test=is_test), missing)


@dataclass(frozen=True, slots=True)
class UntakenFile:
    """A file that no slice of the epoch has."""

    ordinal: int
    run: int


async def find_next_slice(
    db: Database, where: SplitScope, split: Split, ahead: SplitLookahead, looks: list[Look]
) -> TakenSlice | None:
    """The next slice, without the files that are missing; one that has no others is passed, and its files count as
    left out of the next. Notes its looks.
    """
    passed = 0
    while True:
        steps = record_queries(choose_next_slice(split, ahead.cursor, ahead.source), looks)
        taken = await run_split_rule(db, where, steps)
        if taken is None or not where.missing:
            return taken
        taken = taken.leave_out(await _find_missing(db, where, taken))
        passed += taken.missing
        if taken.files or not taken.missing:
            return replace(taken, missing=passed)
        if not taken.exclusive:
            return None
        ahead = ahead.past(taken)


MISSING_OF_RANGE = """
    SELECT ordinal FROM listing_difference WHERE dataset_id = $1 AND ordinal >= $2 AND ordinal < $3
"""
MISSING_OF_LISTED = """
    SELECT ordinal FROM listing_difference WHERE dataset_id = $1 AND ordinal = ANY($2::bigint[])
"""


async def _find_missing(db: Database, where: SplitScope, taken: TakenSlice) -> set[int]:
    if taken.listed is None:
        return set(
            await _fetch_numbers(db, MISSING_OF_RANGE, where.dataset_id, taken.low, taken.high)
        )
    return set(await _fetch_numbers(db, MISSING_OF_LISTED, where.dataset_id, [*taken.listed]))


async def run_split_rule(db: Database, where: SplitScope, steps: Steps) -> TakenSlice | None:
    """Run a rule, and answer what it wants to know."""
    try:
        look = next(steps)
        while True:
            look = steps.send(await _answer_query(db, where, look))
    except StopIteration as end:
        taken: TakenSlice | None = end.value
        return taken


async def _answer_query(db: Database, where: SplitScope, look: Look) -> Any:
    inside = where.dataset_id, where.head
    match look:
        case NextRun(low, below):
            return await db.fetchval(NEXT_RUN, *inside, low, below)
        case UntakenRun(low, but):
            epoch = where.stage_id, where.epoch
            row = await fetch_one(db, UntakenFile, UNTAKEN, *inside, *epoch, low, list(but))
            return row and (row.ordinal, row.run)
        case OfRun(run):
            return await _fetch_numbers(db, OF_RUN, *inside, where.stage_id, where.epoch, run)
        case FirstTime() | InWindow():
            return await _find_files_in_window(db, where, look)
        case StagedFiles(place, most):
            return await _fetch_numbers(db, STAGED, where.dataset_id, place, most)
        case JoinedFiles(place):
            is_test = where.epoch < 0
            return await db.fetchval(GROUP, *inside, where.stage_id, is_test, place, where.epoch)
        case FileWeights(low, most, of):
            return await _fetch_numbers(db, WEIGHTS[of], *inside, low, low + most)


async def _find_files_in_window(db: Database, where: SplitScope, look: FirstTime | InWindow) -> Any:
    window = where.dataset_id, where.head, float(look.after), float(look.upto)
    if isinstance(look, FirstTime):
        return await db.fetchval(FIRST_TIME, *window)
    return await _fetch_numbers(db, IN_WINDOW, *window)


async def _fetch_numbers(db: Database, sql: str, *args: Any) -> list[int]:
    return await fetch_many(db, int, sql, *args)


NEXT_RUN = """
    SELECT run FROM dataset_file
     WHERE dataset_id = $1 AND ordinal < $2 AND run >= $3::bigint AND run < $4::bigint ORDER BY run LIMIT 1
"""

# LATERAL … LIMIT keeps the planner from reading everything that was ever taken.
TAKEN = """
    LEFT JOIN LATERAL (SELECT true AS taken FROM slice_file s
                        WHERE s.stage_id = $3 AND s.epoch = $4 AND s.file_id = d.file_id LIMIT 1) s ON true
"""

UNTAKEN = f"""
    SELECT d.ordinal, d.run FROM dataset_file d {TAKEN}
     WHERE d.dataset_id = $1 AND d.ordinal < $2 AND d.ordinal >= $5 AND s.taken IS NULL
       AND d.run IS NOT NULL AND d.run <> ALL($6::int[])
       AND NOT EXISTS (SELECT FROM listing_difference x WHERE x.dataset_id = $1 AND x.ordinal = d.ordinal)
     ORDER BY d.ordinal LIMIT 1
"""

OF_RUN = f"""
    SELECT d.ordinal FROM dataset_file d {TAKEN}
     WHERE d.dataset_id = $1 AND d.ordinal < $2 AND d.run = $5 AND s.taken IS NULL ORDER BY d.ordinal
"""

FIRST_TIME = """
    SELECT time FROM dataset_file
     WHERE dataset_id = $1 AND ordinal < $2 AND time > $3 AND time <= $4 ORDER BY time LIMIT 1
"""

IN_WINDOW = """
    SELECT ordinal FROM dataset_file
     WHERE dataset_id = $1 AND ordinal < $2 AND time > $3 AND time <= $4 ORDER BY time, ordinal
"""

STAGED = """
    SELECT ordinal FROM staged_file WHERE dataset_id = $1 AND place >= $2 ORDER BY place LIMIT $3
"""

BYTES = f"""
    SELECT coalesce(f.size, {UNKNOWN_BYTES}) FROM dataset_file d JOIN file f ON f.id = d.file_id
     WHERE d.dataset_id = $1 AND d.ordinal < $2 AND d.ordinal >= $3 AND d.ordinal < $4 ORDER BY d.ordinal
"""

EVENTS = """
    SELECT coalesce(f.events, 0) FROM dataset_file d JOIN file f ON f.id = d.file_id
     WHERE d.dataset_id = $1 AND d.ordinal < $2 AND d.ordinal >= $3 AND d.ordinal < $4 ORDER BY d.ordinal
"""

WEIGHTS = {"bytes": BYTES, "events": EVENTS}

# What the submissions upstream, with their recoveries, made and put into the dataset, and no slice of the epoch has:
# a set that comes once more, for what came late, is that alone.
GROUP = """
    SELECT ARRAY(
               SELECT DISTINCT d.ordinal
                 FROM join_arrival a
                CROSS JOIN LATERAL (SELECT a.origin_id AS id
                                     UNION ALL SELECT id FROM submission WHERE origin_id = a.origin_id) s
                 JOIN output_file o ON o.submission_id = s.id AND o.state = 'located'
                 JOIN dataset_file d ON d.dataset_id = $1 AND d.file_id = o.file_id AND d.ordinal < $2
                WHERE a.stage_id = g.stage_id AND a.is_test = g.is_test AND a.key = g.key AND a.turn = g.turn
                  AND NOT EXISTS (SELECT FROM slice_file x
                                   WHERE x.stage_id = g.stage_id AND x.epoch = $6 AND x.file_id = d.file_id)
                ORDER BY d.ordinal)
      FROM joined g WHERE g.stage_id = $3 AND g.is_test = $4 AND g.place = $5
"""
