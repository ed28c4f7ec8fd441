"""How batch systems are: what they answered when they were asked, and how far their feeds are read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.changes import sign_as_service
from db.pool import Database, fetch_many
from domain.changes import ServicePart


@dataclass(frozen=True, slots=True)
class BatchSystem:
    """One row of `batch_system`, with how its feed is read and by whom."""

    name: str
    reachable: bool
    since: datetime
    health: dict[str, Any]
    last_answer_at: datetime | None
    last_asked_at: datetime
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
    SELECT b.name, b.reachable, b.since, b.health, b.last_answer_at, b.last_asked_at, w.read_at, w.event_at,
           extract(epoch FROM now() - w.read_at)::float8 AS reader_lag_s, l.holder AS watched_by,
           b.paused_by, b.paused_at, b.pause_reason, b.faults, b.fault, b.opened_at, b.probe_at
      FROM batch_system b
      LEFT JOIN watch w ON w.batch_system = b.name
      LEFT JOIN lease l ON l.name = 'watch:' || b.name AND l.until > now()
     ORDER BY b.name
"""


async def list_all(db: Database) -> list[BatchSystem]:
    """All that workers know, by name."""
    return await fetch_many(db, BatchSystem, EVERY)


ASK = """
    INSERT INTO batch_system AS b (name, check_lease_until) VALUES ($1, now() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET last_asked_at = now(), check_lease_until = excluded.check_lease_until
     WHERE b.last_asked_at < now() - make_interval(secs => $2) AND coalesce(b.check_lease_until, now()) <= now()
    RETURNING last_asked_at
"""


async def claim_health_check(
    db: Database, name: str, every_s: float, within_s: float
) -> datetime | None:
    """Take it on to ask how it is, or return None while it isn't time, or somebody else waits for its answer."""
    last_asked_at: datetime | None = await db.fetchval(ASK, name, every_s, within_s)
    return last_asked_at


HEARD = f"""
    WITH saved AS (
        UPDATE batch_system
           SET reachable = $3, health = $4, check_lease_until = NULL,
               last_answer_at = CASE WHEN $3 THEN now() ELSE last_answer_at END,
               since = CASE WHEN reachable = $3 THEN since ELSE now() END
         WHERE name = $1 AND last_asked_at = $2
        RETURNING new.name, new.reachable, new.health, old.reachable AS was
    )
    INSERT INTO change_inbox (kind, actor_id, part, reason, body)
    SELECT CASE WHEN reachable THEN 'batch_system.reachable' ELSE 'batch_system.unreachable' END,
           {sign_as_service(ServicePart.HEALTH)}, NULL,
           jsonb_build_object('batch_system', name, 'text', health->>'text')
      FROM saved WHERE reachable <> was
    RETURNING id
"""


async def record_health(
    db: Database, name: str, last_asked_at: datetime, health: dict[str, Any], *, reachable: bool
) -> bool:
    """Note what it answered, unless it was asked again meanwhile; true when it went away or came back."""
    return await db.fetchval(HEARD, name, last_asked_at, reachable, health) is not None
