"""Before a batch system: its pause, its circuit and its rate, in a row that every worker locks in turn."""

from datetime import timedelta

from db.changes import sign_as_person, sign_as_service
from db.pool import Connection, Database, fetch_one
from domain.batch.admission import FAULTS, PROBE_S, AdmissionState
from domain.changes import ServicePart

LOCK = """
    SELECT b.name, clock_timestamp() AS now, b.reachable, p.username AS paused_by, b.pause_reason, b.fault,
           b.opened_at, b.probe_at, b.launch_at
      FROM batch_system b LEFT JOIN person p ON p.id = b.paused_by
     WHERE b.name = (SELECT batch_system FROM submission
                      WHERE id = $1 AND state IN ('new', 'submitting', 'uncertain'))
       FOR NO KEY UPDATE OF b
"""


async def lock_admission(conn: Connection, submission_id: int) -> AdmissionState | None:
    """What stands before a launch, until the transaction ends; None where nothing does."""
    return await fetch_one(conn, AdmissionState, LOCK, submission_id)


ENTER = """
    UPDATE batch_system
       SET launch_at = greatest(launch_at, now()) + $2,
           probe_at = CASE WHEN opened_at IS NOT NULL THEN now() + make_interval(secs => $3) END
     WHERE name = $1
"""


async def enter_launch(conn: Connection, name: str, apart: timedelta) -> None:
    """Let a launch through: the next is due later, and while the circuit is open much later."""
    await conn.execute(ENTER, name, apart, PROBE_S)


FAULT = f"""
    WITH saved AS (
        UPDATE batch_system
           SET faults = faults + 1, fault = $2,
               opened_at = CASE WHEN faults + 1 >= $3 THEN coalesce(opened_at, now()) END,
               probe_at = CASE WHEN faults + 1 >= $3 THEN now() + make_interval(secs => $4) END
         WHERE name = $1 AND NOT ($5 AND reachable)
        RETURNING new.name, new.fault, old.opened_at IS NULL AND new.opened_at IS NOT NULL AS opened
    )
    INSERT INTO change_inbox (kind, actor_id, part, reason, body)
    SELECT 'batch_system.circuit_opened', {sign_as_service(ServicePart.LAUNCH)}, NULL,
           jsonb_build_object('batch_system', name, 'text', fault)
      FROM saved WHERE opened
"""


async def record_fault(db: Database, name: str, said: str, *, own_credential: bool = False) -> None:
    """A launch found it unavailable; with the last of several in a row, others are not tried.

    One with a credential of its own may be alone with that: as long as the batch system answers POMS itself, it
    says nothing of the others.
    """
    await db.execute(FAULT, name, said[:1000], FAULTS, PROBE_S, own_credential)


WELL = f"""
    WITH saved AS (
        UPDATE batch_system SET faults = 0, fault = '', opened_at = NULL, probe_at = NULL
         WHERE name = $1 AND faults > 0
        RETURNING new.name, old.opened_at
    )
    INSERT INTO change_inbox (kind, actor_id, part, reason, body)
    SELECT 'batch_system.circuit_closed', {sign_as_service(ServicePart.LAUNCH)}, NULL,
           jsonb_build_object('batch_system', name)
      FROM saved WHERE opened_at IS NOT NULL
"""


async def record_success(db: Database, name: str) -> None:
    """A launch went through: all may."""
    await db.execute(WELL, name)


PAUSE = f"""
    WITH saved AS (
        UPDATE batch_system SET paused_by = $2, paused_at = now(), pause_reason = $3 WHERE name = $1
        RETURNING name, pause_reason
    )
    INSERT INTO change_inbox (kind, actor_id, part, reason, body)
    SELECT 'batch_system.paused', {sign_as_person("$2")}, nullif(pause_reason, ''),
           jsonb_build_object('batch_system', name)
      FROM saved
    RETURNING id
"""


async def pause_launches(db: Database, name: str, person_id: int, reason: str) -> bool:
    """Launch nothing more there; False when nobody knows it."""
    return await db.fetchval(PAUSE, name, person_id, reason) is not None


RESUME = f"""
    WITH saved AS (
        UPDATE batch_system SET paused_by = NULL, paused_at = NULL, pause_reason = ''
         WHERE name = $1 AND paused_by IS NOT NULL
        RETURNING name
    ), woken AS (
        UPDATE submission s SET lease_until = NULL FROM saved
         WHERE s.state = 'new' AND s.batch_system = saved.name
    )
    INSERT INTO change_inbox (kind, actor_id, part, reason, body)
    SELECT 'batch_system.resumed', {sign_as_person("$2")}, NULL, jsonb_build_object('batch_system', name) FROM saved
    RETURNING id
"""


async def resume_launches(db: Database, name: str, person_id: int) -> bool:
    """Launch there again, what waits at once; False when it was not paused."""
    return await db.fetchval(RESUME, name, person_id) is not None
