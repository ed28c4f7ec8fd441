"""The lanes of workers in which calls hang: each worker tells of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from db.pool import Database


@dataclass(frozen=True, slots=True)
class HangingLane:
    """A lane of one worker, with how many of its calls hang since when; open: it refuses others at once."""

    lane: str
    hung: int
    is_open: bool
    since: datetime


COLUMNS = [field.name for field in fields(HangingLane)]

# Of a worker that was killed nobody hears again.
RECORD = """
    WITH over AS (
        DELETE FROM hanging_lane
         WHERE (holder = $1 AND lane <> ALL($2)) OR seen_at < now() - interval '5 minutes'
    )
    INSERT INTO hanging_lane (holder, lane, hung, is_open, since)
    SELECT $1, x.* FROM unnest($2::text[], $3::int[], $4::boolean[], $5::timestamptz[]) AS x
        ON CONFLICT (holder, lane) DO UPDATE
       SET hung = excluded.hung, is_open = excluded.is_open, since = excluded.since, seen_at = now()
"""


async def record(db: Database, holder: str, found: Sequence[HangingLane]) -> None:
    """Tell which of a worker's lanes hang now: all that there are."""
    await db.execute(RECORD, holder, *([getattr(x, name) for x in found] for name in COLUMNS))
