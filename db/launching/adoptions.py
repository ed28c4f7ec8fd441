"""Which cluster is a launch's own: adopted before its gate is opened, given up when it was never there or lost."""

from db.launching.launches import ATTEMPT_COLUMNS, LaunchAttempt, advance_attempt
from db.pool import Pool, fetch_one
from domain.launching.launches import LaunchState


class IdTaken(Exception):
    """The batch system has given an id again that is a live submission's: it has lost that one's jobs."""


# An id that is given again is the new launch's, once the submission that had it has ended.
ADOPT_CLUSTER = """
    INSERT INTO cluster AS c (batch_system, native_id, submission_id, attempt)
    VALUES ($1, $2, $3, $4)
        ON CONFLICT (batch_system, native_id) DO UPDATE SET submission_id = $3, attempt = $4
     WHERE (SELECT ended_at IS NOT NULL FROM submission WHERE id = c.submission_id)
    RETURNING submission_id
"""

OWNER = "SELECT submission_id FROM cluster WHERE batch_system = $1 AND native_id = $2"

# What was told of an earlier attempt's cluster, which never ran, is not heard any more.
BEGIN_AGAIN = """
    WITH told AS (
        UPDATE job SET state = 'idle', sequence = -1, code = NULL, subcode = NULL, text = NULL
         WHERE submission_id = $1 AND sequence >= 0 AND state IN ('idle', 'held', 'unknown')
        RETURNING old.state AS was
    ), back AS (
        SELECT count(*) FILTER (WHERE was = 'held') AS held, count(*) FILTER (WHERE was = 'unknown') AS unknown
          FROM told
    )
    UPDATE submission
       SET jobs_idle = jobs_idle + held + unknown, jobs_held = jobs_held - held, jobs_unknown = jobs_unknown - unknown
      FROM back WHERE id = $1 AND held + unknown > 0
"""


async def adopt_cluster(
    pool: Pool, attempt: LaunchAttempt, holder: str, native_id: str, message: str
) -> LaunchAttempt | None:
    """Make one cluster the attempt's own: from now on its events are the submission's. Raises IdTaken."""
    async with pool.acquire() as conn, conn.transaction():
        adopted = await advance_attempt(
            conn, attempt, holder, [LaunchState.SENT], LaunchState.ACKNOWLEDGED,
            native_id=native_id, message=message,
        )  # fmt: skip
        if adopted is not None:
            place = (attempt.batch_system, native_id)
            key = (attempt.submission_id, attempt.attempt)
            if await conn.fetchval(ADOPT_CLUSTER, *place, *key) is None:
                raise IdTaken(f"submission {await conn.fetchval(OWNER, *place)}")
            if attempt.attempt > 1:
                await conn.execute(BEGIN_AGAIN, attempt.submission_id)
        return adopted


ABANDON = f"""
    WITH given_up AS (
        UPDATE launch_attempt a
           SET state = 'abandoned', native_id = NULL, result_message = $4, holder = $3, updated_at = now()
          FROM submission s
         WHERE a.submission_id = $1 AND a.attempt = $2 AND a.state IN ('sent', 'acknowledged')
           AND s.id = a.submission_id AND s.lease_holder = $3
        RETURNING {", ".join(f"a.{c}" for c in LaunchAttempt.__dataclass_fields__)}
    ), gone AS (
        DELETE FROM cluster c USING given_up g WHERE (c.submission_id, c.attempt) = (g.submission_id, g.attempt)
    )
    SELECT {ATTEMPT_COLUMNS} FROM given_up
"""


async def abandon_attempt(pool: Pool, attempt: LaunchAttempt, holder: str, proof: str) -> bool:
    """Give up an attempt of which nothing is at the batch system, and nothing ran; false when it is not ours."""
    key = (attempt.submission_id, attempt.attempt)
    return await fetch_one(pool, LaunchAttempt, ABANDON, *key, holder, proof) is not None
