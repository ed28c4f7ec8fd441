"""Moving a stage's cursor by hand, and what of its work would be done again for that."""

from dataclasses import dataclass

from db.campaigns.stages import COLUMNS, Stage
from db.changes import sign_as_person
from db.pool import Database, fetch_many, fetch_one
from db.submissions.submission_listings import Slice
from domain.launching.split_positions import SplitPosition

MOVE = f"""
    WITH moved AS (
        UPDATE stage
           SET epoch       = CASE WHEN $3 THEN epoch ELSE $4 END,
               cursor      = CASE WHEN $3 THEN cursor ELSE $5 END,
               test_epoch  = CASE WHEN $3 THEN $4 ELSE test_epoch END,
               test_cursor = CASE WHEN $3 THEN $5 ELSE test_cursor END,
               split_seq   = split_seq + 1
         WHERE id = $1 AND split_seq = $2
        RETURNING {COLUMNS}
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, campaign_id, 'stage.cursor_moved', {sign_as_person("$7")}, nullif($6::text, ''),
               jsonb_build_object('stage', 'stage:' || id, 'is_test', $3::boolean, 'epoch', $4::int,
                                  'cursor', $5::jsonb)
          FROM moved
    )
    SELECT {COLUMNS} FROM moved
"""


async def move_position(
    db: Database,
    stage_id: int,
    split_seq: int,
    to: SplitPosition,
    why: tuple[str, int],
    *,
    is_test: bool,
) -> Stage | None:
    """Set epoch and cursor, for (reason, person); None when they have moved since `split_seq`."""
    return await fetch_one(db, Stage, MOVE, stage_id, split_seq, is_test, to.epoch, to.cursor, *why)


BEFORE = (
    "SELECT (cursor #>> '{}')::bigint FROM slice WHERE id = $1 AND stage_id = $2 AND epoch = $3"
)


async def find_position_before(
    db: Database, slice_id: int, stage_id: int, epoch: int
) -> int | None:
    """Where the cursor was before a slice of the stage's epoch was taken."""
    found: int | None = await db.fetchval(BEFORE, slice_id, stage_id, epoch)
    return found


@dataclass(frozen=True, slots=True)
class TakenAgain:
    """How much of an epoch lies behind a place of its cursor."""

    slices: int
    files: int


# Cursors rise within an epoch, so that what was taken from a place on is what began there or later.
AGAIN = """
    WITH again AS (
        SELECT id, ordinals, snapshot_id FROM slice
         WHERE stage_id = $1 AND epoch = $2 AND (cursor #>> '{}')::bigint >= $3
    )
    SELECT count(*) AS slices,
           (coalesce(sum(upper(ordinals) - lower(ordinals)) FILTER (WHERE snapshot_id IS NOT NULL), 0)
            + (SELECT count(*) FROM slice_file JOIN again ON again.id = slice_file.slice_id))::bigint AS files
      FROM again
"""


async def count_taken_again(db: Database, stage_id: int, place: SplitPosition) -> TakenAgain:
    """How many slices and files were taken from there on."""
    found = await fetch_one(db, TakenAgain, AGAIN, stage_id, place.epoch, place.cursor)
    assert found is not None  # noqa: S101 - sums are one row
    return found


AGAIN_FIRST = """
    SELECT id, stage_id, epoch, number, snapshot_id, lower(ordinals) AS low, upper(ordinals) AS high, parameter, key,
           at, missing
      FROM slice WHERE stage_id = $1 AND epoch = $2 AND (cursor #>> '{}')::bigint >= $3 ORDER BY number LIMIT $4
"""


async def list_taken_again(
    db: Database, stage_id: int, place: SplitPosition, most: int
) -> list[Slice]:
    """The first slices that were taken from there on."""
    return await fetch_many(db, Slice, AGAIN_FIRST, stage_id, place.epoch, place.cursor, most)
