"""Launch holds: who holds launches of what, since when, and why."""

from dataclasses import dataclass
from datetime import datetime

from db.changes import sign_as_person
from db.pool import Database, fetch_many, fetch_one


@dataclass(frozen=True, slots=True)
class LaunchHold:
    """One row of `launch_hold`, with the names of what it holds and of who did it."""

    id: int
    experiment_id: int | None
    campaign_id: int | None
    stage_id: int | None
    name: str
    reason: str
    held_by: int
    held_at: datetime
    released_by: int | None
    released_at: datetime | None

    def holds(self, what: "HoldScope") -> bool:
        """Whether launches of this wait for it."""
        mine = (self.experiment_id, self.campaign_id, self.stage_id)
        theirs = (what.experiment_id, what.campaign_id, what.stage_id)
        return all(a is None or a == b for a, b in zip(mine, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class HoldScope:
    """What launches are held of: a stage with its campaign and experiment, or less; of nothing: everything."""

    experiment_id: int | None = None
    campaign_id: int | None = None
    stage_id: int | None = None


SHOWN = """
    SELECT h.id, h.experiment_id, h.campaign_id, h.stage_id, coalesce(s.name, c.name, e.name, '') AS name, h.reason,
           h.held_by, h.held_at, h.released_by, h.released_at
"""
NAMES = """
      LEFT JOIN stage s ON s.id = h.stage_id
      LEFT JOIN campaign c ON c.id = h.campaign_id
      LEFT JOIN experiment e ON e.id = h.experiment_id
"""
TELL = f"""
    INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, campaign_id, 'launches.' || CASE WHEN released_at IS NULL THEN 'held' ELSE 'released' END,
           {sign_as_person("coalesce(released_by, held_by)")}, reason,
           jsonb_build_object('hold', 'launch_hold:' || id, 'stage', 'stage:' || stage_id)
      FROM changed
"""

HOLD = f"""
    WITH changed AS (
        INSERT INTO launch_hold (experiment_id, campaign_id, stage_id, reason, held_by) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
        RETURNING *
    ), told AS ({TELL})
    {SHOWN} FROM changed h {NAMES}
"""


async def hold_launches(
    db: Database, what: HoldScope, reason: str, person_id: int
) -> LaunchHold | None:
    """Hold launches, or return None when they are held already."""
    key = what.experiment_id, what.campaign_id, what.stage_id
    return await fetch_one(db, LaunchHold, HOLD, *key, reason, person_id)


RELEASE = f"""
    WITH changed AS (
        UPDATE launch_hold SET released_by = $2, released_at = now() WHERE id = $1 AND released_at IS NULL
        RETURNING *
    ), told AS ({TELL})
    {SHOWN} FROM changed h {NAMES}
"""


async def release(db: Database, id: int, person_id: int) -> LaunchHold | None:
    """Let launches begin again, or return None when that was done already."""
    return await fetch_one(db, LaunchHold, RELEASE, id, person_id)


ACTIVE = f"{SHOWN} FROM launch_hold h {NAMES} WHERE h.released_at IS NULL ORDER BY h.id"


async def list_active(db: Database) -> list[LaunchHold]:
    """All that is held now: a few, as one thing is held once."""
    return await fetch_many(db, LaunchHold, ACTIVE)


BY_ID = f"{SHOWN} FROM launch_hold h {NAMES} WHERE h.id = $1"


async def find_by_id(db: Database, id: int) -> LaunchHold | None:
    """Find a hold, released or not."""
    return await fetch_one(db, LaunchHold, BY_ID, id)
