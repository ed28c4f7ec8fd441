"""How batch systems are: what they answered when they were asked, and how far their feeds are read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.pool import Database, many


@dataclass(frozen=True, slots=True)
class BatchSystem:
    """One row of `batch_system`, with how its feed is read and by whom."""

    name: str
    reachable: bool
    since: datetime
    health: dict[str, Any]
    heard_at: datetime | None
    asked_at: datetime
    read_at: datetime | None
    event_at: datetime | None
    reader_lag_s: float | None
    watched_by: str | None
    paused_by: int | None
    paused_at: datetime | None
    pause_reason: str
    faults: int
    fault: str
    opened_at: datetime | None
    probe_at: datetime | None


EVERY = """
    SELECT b.name, b.reachable, b.since, b.health, b.heard_at, b.asked_at, w.read_at, w.event_at,
           extract(epoch FROM now() - w.read_at)::float8 AS reader_lag_s, l.holder AS watched_by,
           b.paused_by, b.paused_at, b.pause_reason, b.faults, b.fault, b.opened_at, b.probe_at
      FROM batch_system b
      LEFT JOIN watch w ON w.batch_system = b.name
      LEFT JOIN lease l ON l.name = 'watch:' || b.name AND l.until > now()
     ORDER BY b.name
"""


async def every(db: Database) -> list[BatchSystem]:
    """All that workers know, by name."""
    return await many(db, BatchSystem, EVERY)


ASK = """
    INSERT INTO batch_system AS b (name) VALUES ($1)
        ON CONFLICT (name) DO UPDATE SET asked_at = now()
     WHERE b.asked_at < now() - make_interval(secs => $2)
    RETURNING asked_at
"""


async def ask(db: Database, name: str, every_s: float) -> datetime | None:
    """Take it on to ask how it is, or return None while it isn't time, or somebody else asks."""
    asked_at: datetime | None = await db.fetchval(ASK, name, every_s)
    return asked_at


HEARD = """
    WITH saved AS (
        UPDATE batch_system
           SET reachable = $3, health = $4,
               heard_at = CASE WHEN $3 THEN now() ELSE heard_at END,
               since = CASE WHEN reachable = $3 THEN since ELSE now() END
         WHERE name = $1 AND asked_at = $2
        RETURNING new.name, new.reachable, new.health, old.reachable AS was
    )
    INSERT INTO change_inbox (kind, body)
    SELECT CASE WHEN reachable THEN 'batch_system.reachable' ELSE 'batch_system.unreachable' END,
           jsonb_build_object('batch_system', name, 'text', health->>'text')
      FROM saved WHERE reachable <> was
    RETURNING id
"""


async def heard(
    db: Database, name: str, asked_at: datetime, health: dict[str, Any], *, reachable: bool
) -> bool:
    """Note what it answered, unless it was asked again meanwhile; true when it went away or came back."""
    return await db.fetchval(HEARD, name, asked_at, reachable, health) is not None
