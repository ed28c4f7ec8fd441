"""What workers failed at and have not done since: tried again later and later, and shown when that doesn't help."""

from dataclasses import dataclass

from db.changes import sign_as_service
from db.discrepancy_ends import tell_ends
from db.pool import Database
from domain.changes import ServicePart

SHOWN = 3
"""So many failures in a row are shown as a discrepancy."""
MOST_S = 300.0
"""How long at most until what failed is tried again."""

NAME = "loop || ' ' || subject"
"""What a discrepancy calls it."""


def leave_out(loop: str, subject: str) -> str:
    """A condition for statements that take something to do: not what was set aside and waits for its time.

    `subject` is SQL for how the thing is called.
    """
    return f"""NOT EXISTS (SELECT FROM setback b
                            WHERE (b.loop, b.subject) = ('{loop}', {subject}) AND b.next_try_at > now())"""


@dataclass(frozen=True, slots=True)
class SetbackSubject:
    """A thing that a loop has in hand."""

    name: str
    """As a client writes it: submission:12."""
    submission_id: int | None = None
    experiment_id: int | None = None
    """Where it is no submission's."""
    stage_id: int | None = None
    """Of which experiment's it is, too."""


NOTE = f"""
    WITH s AS (
        SELECT s.id AS submission_id, coalesce(s.experiment_id, g.experiment_id, x.experiment_id) AS experiment_id,
               s.campaign_id, coalesce(s.batch_system, '') AS batch_system
          FROM (VALUES ($3::bigint, $4::bigint, $5::bigint)) AS x (submission_id, experiment_id, stage_id)
          LEFT JOIN submission s ON s.id = x.submission_id
          LEFT JOIN stage g ON g.id = x.stage_id
    ), noted AS (
        INSERT INTO setback AS b (loop, subject, submission_id, experiment_id, error, next_try_at)
        SELECT $1, $2, submission_id, experiment_id, left($6, 1000), now() + interval '1 second' FROM s
            ON CONFLICT (loop, subject) DO UPDATE
           SET attempts = b.attempts + 1, error = excluded.error,
               next_try_at = now() + make_interval(
                   secs => least($7::float8, 2 ^ least(b.attempts, 20)) * (0.5 + random() / 2))
        RETURNING *
    ), filed AS (
        INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, experiment_id, jobs, started,
                                 details, repair)
        SELECT 'set_aside', s.batch_system, {NAME}, '', s.submission_id, s.experiment_id, 0, false,
               format('Failed %s times: %s', n.attempts, n.error), 'retry'
          FROM noted n, s
         WHERE n.attempts >= $8::int
           AND NOT EXISTS (SELECT FROM discrepancy d
                            WHERE (d.batch_system, d.native_id, d.kind) = (s.batch_system, {NAME}, 'set_aside')
                              AND d.resolution = 'dismissed')
            ON CONFLICT (batch_system, native_id, kind) WHERE resolved_at IS NULL
            DO UPDATE SET last_seen = now(), details = excluded.details, repaired_at = NULL
        RETURNING new.*, old.id IS NULL AS is_new
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT coalesce(f.experiment_id, 0), s.campaign_id, f.submission_id, 'discrepancy.filed', NULL::bigint, $1, NULL,
           jsonb_build_object('id', f.id, 'kind', f.kind, 'batch_system', f.batch_system, 'native_id', f.native_id,
                              'details', f.details, 'repair', f.repair)
      FROM filed f, s WHERE f.is_new
"""


async def record(db: Database, loop: str, subject: SetbackSubject, error: str) -> None:
    """Note that a thing failed (once more): it is taken again after a while that doubles each time."""
    whose = subject.submission_id, subject.experiment_id, subject.stage_id
    await db.execute(NOTE, loop, subject.name, *whose, error, MOST_S, SHOWN)


# It may be done before it is noted that it was let to be tried again.
def _build_ended_discrepancies(by: str) -> str:
    return f"""
    ended AS (
        UPDATE discrepancy d
           SET resolved_at = now(), repair_at = NULL,
               resolved_by = CASE WHEN coalesce(repaired_at, repair_at) IS NOT NULL THEN repair_by END,
               resolution = CASE WHEN coalesce(repaired_at, repair_at) IS NULL THEN 'gone' ELSE 'repaired'
                             END::resolution
          FROM gone
         WHERE d.kind = 'set_aside' AND d.native_id = gone.name AND d.resolved_at IS NULL
        RETURNING d.*
    )
    {tell_ends(by)}
"""


CLEAR = f"""
    WITH gone AS (
        DELETE FROM setback WHERE loop = $1 AND subject = $2 RETURNING {NAME} AS name
    ), {_build_ended_discrepancies("NULL::bigint, $1")}
"""


async def clear_setback(db: Database, loop: str, subject: SetbackSubject) -> None:
    """Note that a thing is done, if it had failed before."""
    await db.execute(CLEAR, loop, subject.name)


# What is still to be done is tried each few minutes.
FORGET = f"""
    WITH gone AS (
        DELETE FROM setback WHERE next_try_at < now() - interval '1 hour' RETURNING {NAME} AS name
    ), {_build_ended_discrepancies(sign_as_service(ServicePart.SWEEP))}
"""


async def delete_stale(db: Database) -> None:
    """Forget what nobody has to do any more: it was done or given up in another way."""
    await db.execute(FORGET)


RETRY = f"UPDATE setback SET next_try_at = now() WHERE {NAME} = $1 RETURNING true"


async def retry_at_once(db: Database, name: str) -> bool:
    """Let a thing be taken again at once, by what a discrepancy calls it; false when it has been done."""
    return bool(await db.fetchval(RETRY, name))
