"""Before a batch system: its pause, its circuit and its rate, in a row that every worker locks in turn."""

from datetime import timedelta

from db.pool import Connection, Database, one
from domain.gates import FAULTS, PROBE_S, Gate

LOCK = """
    SELECT b.name, clock_timestamp() AS now, b.reachable, p.username AS paused_by, b.pause_reason, b.fault,
           b.opened_at, b.probe_at, b.launch_at
      FROM batch_system b LEFT JOIN person p ON p.id = b.paused_by
     WHERE b.name = (SELECT batch_system FROM submission
                      WHERE id = $1 AND state IN ('new', 'submitting', 'uncertain'))
       FOR NO KEY UPDATE OF b
"""


async def lock(conn: Connection, submission_id: int) -> Gate | None:
    """What stands before a launch, until the transaction ends; None where nothing does."""
    return await one(conn, Gate, LOCK, submission_id)


ENTER = """
    UPDATE batch_system
       SET launch_at = greatest(launch_at, now()) + $2,
           probe_at = CASE WHEN opened_at IS NOT NULL THEN now() + make_interval(secs => $3) END
     WHERE name = $1
"""


async def enter(conn: Connection, name: str, apart: timedelta) -> None:
    """Let a launch through: the next is due later, and while the circuit is open much later."""
    await conn.execute(ENTER, name, apart, PROBE_S)


FAULT = """
    WITH saved AS (
        UPDATE batch_system
           SET faults = faults + 1, fault = $2,
               opened_at = CASE WHEN faults + 1 >= $3 THEN coalesce(opened_at, now()) END,
               probe_at = CASE WHEN faults + 1 >= $3 THEN now() + make_interval(secs => $4) END
         WHERE name = $1
        RETURNING new.name, new.fault, old.opened_at IS NULL AND new.opened_at IS NOT NULL AS opened
    )
    INSERT INTO change_inbox (kind, body)
    SELECT 'batch_system.circuit_opened', jsonb_build_object('batch_system', name, 'text', fault)
      FROM saved WHERE opened
"""


async def fault(db: Database, name: str, said: str) -> None:
    """A launch found it unavailable; with the last of several in a row, others are not tried."""
    await db.execute(FAULT, name, said[:1000], FAULTS, PROBE_S)


WELL = """
    WITH saved AS (
        UPDATE batch_system SET faults = 0, fault = '', opened_at = NULL, probe_at = NULL
         WHERE name = $1 AND faults > 0
        RETURNING new.name, old.opened_at
    )
    INSERT INTO change_inbox (kind, body)
    SELECT 'batch_system.circuit_closed', jsonb_build_object('batch_system', name)
      FROM saved WHERE opened_at IS NOT NULL
"""


async def well(db: Database, name: str) -> None:
    """A launch went through: all may."""
    await db.execute(WELL, name)


PAUSE = """
    WITH saved AS (
        UPDATE batch_system SET paused_by = $2, paused_at = now(), pause_reason = $3 WHERE name = $1
        RETURNING name, pause_reason
    )
    INSERT INTO change_inbox (kind, body)
    SELECT 'batch_system.paused', jsonb_build_object('batch_system', name, 'text', pause_reason) FROM saved
    RETURNING id
"""


async def pause(db: Database, name: str, person_id: int, reason: str) -> bool:
    """Launch nothing more there; False when nobody knows it."""
    return await db.fetchval(PAUSE, name, person_id, reason) is not None


RESUME = """
    WITH saved AS (
        UPDATE batch_system SET paused_by = NULL, paused_at = NULL, pause_reason = ''
         WHERE name = $1 AND paused_by IS NOT NULL
        RETURNING name
    ), woken AS (
        UPDATE submission s SET lease_until = NULL FROM saved
         WHERE s.state = 'new' AND s.batch_system = saved.name
    )
    INSERT INTO change_inbox (kind, body)
    SELECT 'batch_system.resumed', jsonb_build_object('batch_system', name) FROM saved
    RETURNING id
"""


async def resume(db: Database, name: str) -> bool:
    """Launch there again, what waits at once; False when it was not paused."""
    return await db.fetchval(RESUME, name) is not None
