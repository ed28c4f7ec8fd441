"""Launches by scripts: what a script said and how it ended, and the clusters that were adopted of it."""

from collections.abc import Sequence

from db.changes import sign_as_service
from db.launching import launches
from db.launching.launches import LaunchAttempt
from db.pool import Database, Pool, fetch_one
from db.submissions import input_files, job_driven_transitions
from db.submissions.clusters import Cluster
from db.submissions.submissions import tell_moves
from domain.changes import ServicePart
from domain.discrepancies import DiscrepancyKind, Repair
from domain.launching.launches import ScriptEnd
from domain.submissions.jobs import JobState
from domain.submissions.submissions import LAUNCHING, SubmissionState


class NumbersTaken(Exception):
    """Jobs of a cluster have numbers that another cluster's jobs have."""


# Numbers go on where those of the clusters before it end, as far as they are known.
ADOPT = """
    WITH mine AS (
        SELECT id FROM submission
         WHERE id = $3 AND state IN ('submitting', 'uncertain') AND lease_holder = $5 FOR UPDATE
    ), adopted AS (
        INSERT INTO cluster (batch_system, native_id, submission_id, attempt, first)
        SELECT $1, $2, $3, $4, 1 + coalesce(last, 0)
          FROM mine, (SELECT max(number) AS last FROM job WHERE submission_id = $3 AND native_id IS NOT NULL) j
            ON CONFLICT DO NOTHING
        RETURNING 1
    ), noted AS (
        UPDATE launch_attempt SET native_id = $2
         WHERE submission_id = $3 AND attempt = $4 AND native_id IS NULL AND EXISTS (SELECT FROM adopted)
    )
    SELECT EXISTS (SELECT FROM mine) AS is_mine,
           EXISTS (SELECT FROM adopted)
           OR EXISTS (SELECT FROM cluster WHERE (batch_system, native_id, submission_id) = ($1, $2, $3)) AS is_adopted
"""


async def adopt_cluster(
    db: Database, attempt: LaunchAttempt, holder: str, batch_system: str, native_id: str
) -> bool | None:
    """Make a cluster the launch's own; False where it is another's, None where the launch is not ours any more."""
    row = await db.fetchrow(
        ADOPT, batch_system, native_id, attempt.submission_id, attempt.attempt, holder
    )
    assert row is not None  # noqa: S101 - a SELECT without FROM yields one row
    return bool(row["is_adopted"]) if row["is_mine"] else None


COUNT = """
    UPDATE cluster SET jobs = $3
     WHERE batch_system = $1 AND native_id = $2 AND jobs IS NULL AND first IS NOT NULL
    RETURNING submission_id
"""

TAKEN = """
    SELECT EXISTS (SELECT FROM job WHERE submission_id = $1 AND number = ANY($2::int[]) AND native_id IS NOT NULL)
"""

# A job without a work unit gets a row of its own.
NAME = """
    WITH x AS (
        SELECT * FROM unnest($2::int[], $3::text[]) AS x (number, native_id)
    ), known AS (
        UPDATE job j SET native_id = x.native_id FROM x
         WHERE j.submission_id = $1 AND j.number = x.number
        RETURNING j.number
    ), more AS (
        INSERT INTO job (submission_id, number, native_id)
        SELECT $1, number, native_id FROM x WHERE number NOT IN (SELECT number FROM known)
        RETURNING number
    )
    UPDATE submission SET jobs = jobs + n, jobs_idle = jobs_idle + n
      FROM (SELECT count(*) AS n FROM more) m WHERE id = $1 AND n > 0
"""


async def record_jobs(pool: Pool, cluster: Cluster, numbers: Sequence[int]) -> None:
    """Say which jobs a followed cluster has, in the batch system's order; once more changes nothing.

    Raises NumbersTaken, and then the cluster is the launch's no more.
    """
    async with pool.acquire() as conn, conn.transaction():
        await job_driven_transitions.lock_submissions(conn, [cluster.submission_id])
        key = cluster.batch_system, cluster.native_id
        if await conn.fetchval(COUNT, *key, len(numbers)) is None:
            return
        if not await conn.fetchval(TAKEN, cluster.submission_id, numbers):
            names = [f"{cluster.native_id}.{proc}" for proc in range(len(numbers))]
            await conn.execute(NAME, cluster.submission_id, list(numbers), names)
            return
    await drop_cluster(pool, cluster)
    raise NumbersTaken


DROP = "DELETE FROM cluster WHERE batch_system = $1 AND native_id = $2 AND first IS NOT NULL"
FORGET = """
    UPDATE launch_attempt SET native_id = NULL WHERE submission_id = $1 AND attempt = $2 AND native_id = $3
"""


async def drop_cluster(pool: Pool, cluster: Cluster) -> None:
    """Let a cluster go that turned out not to be followed: nothing was told of it."""
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(DROP, cluster.batch_system, cluster.native_id)
        await conn.execute(FORGET, cluster.submission_id, cluster.attempt, cluster.native_id)


ENDED = f"""
    WITH s AS (
        SELECT id FROM submission WHERE id = $1 AND lease_holder = $3 FOR UPDATE
    )
    UPDATE launch_attempt a
       SET script_end = coalesce(script_end, $4), exit_code = CASE WHEN script_end IS NULL THEN $5 ELSE a.exit_code END,
           result_message = $6, updated_at = now()
      FROM s
     WHERE a.submission_id = $1 AND a.attempt = $2
    RETURNING {", ".join(f"a.{c}" for c in LaunchAttempt.__dataclass_fields__)}
"""


async def record_end(
    db: Database, attempt: LaunchAttempt, holder: str, how: tuple[ScriptEnd, int | None, str]
) -> LaunchAttempt | None:
    """Note how a script ended (with its exit code, and in words), if that is not known yet.

    None when the launch is not ours any more.
    """
    end, exit_code, message = how
    key = attempt.submission_id, attempt.attempt
    return await fetch_one(db, LaunchAttempt, ENDED, *key, holder, end, exit_code, message)


SAID = """
    SELECT text FROM launch_output WHERE submission_id = $1 AND attempt = $2 ORDER BY sequence
"""


async def list_output(db: Database, attempt: LaunchAttempt) -> list[str]:
    """What was kept of what a script said, with what POMS said of it."""
    rows = await db.fetch(SAID, attempt.submission_id, attempt.attempt)
    return [row["text"] for row in rows]


REMOVAL = "SELECT EXISTS (SELECT FROM action WHERE submission_id = $1 AND verb = 'remove' AND done_at IS NULL)"


async def is_removal_requested(db: Database, submission_id: int) -> bool:
    """Whether somebody wants the jobs gone."""
    return bool(await db.fetchval(REMOVAL, submission_id))


LEAVE_OUT = """
    WITH left_out AS (
        UPDATE job SET state = $2, reason = 'not_submitted', text = $3, ended_at = now()
         WHERE submission_id = $1 AND native_id IS NULL AND state = 'idle'
        RETURNING number
    ), counted AS (
        UPDATE submission
           SET jobs_idle = jobs_idle - n, jobs_failed = jobs_failed + CASE WHEN $2 = 'failed' THEN n ELSE 0 END,
               jobs_removed = jobs_removed + CASE WHEN $2 = 'removed' THEN n ELSE 0 END
          FROM (SELECT count(*) AS n FROM left_out) x WHERE id = $1
    )
    SELECT number FROM left_out
"""


async def conclude_script(
    pool: Pool, attempt: LaunchAttempt, holder: str, left_out: JobState, text: str
) -> bool:
    """End a script's part: jobs that it did not submit have ended, and the state is that of its jobs.

    All in one transaction; False when the launch is not ours any more.
    """
    id = attempt.submission_id
    async with pool.acquire() as conn, conn.transaction():
        (submission,) = await job_driven_transitions.lock_submissions(conn, [id])
        if submission.state not in LAUNCHING or submission.lease_holder != holder:
            return False
        rows = await conn.fetch(LEAVE_OUT, id, left_out, text)
        if rows:
            await input_files.fail_unreported(
                conn, [(id, row["number"], "not_submitted") for row in rows]
            )
        await launches.conclude_launch(conn, id, holder, SubmissionState.IDLE)
        await job_driven_transitions.apply_job_states(conn, [id], ServicePart.LAUNCH)
    return True


# An open one of the same launch and kind is told once, and of what was dismissed nobody hears again.
FILE = f"""
    WITH filed AS (
        INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, experiment_id, jobs, started,
                                 details, repair)
        SELECT $2, $3, $4, $5, s.id, s.experiment_id, 0, false, $6, $7 FROM submission s
         WHERE s.id = $1
           AND NOT EXISTS (SELECT FROM discrepancy d
                            WHERE (d.batch_system, d.native_id, d.kind) = ($3, $4, $2) AND d.resolved_at IS NOT NULL)
            ON CONFLICT (batch_system, native_id, kind) WHERE resolved_at IS NULL DO NOTHING
        RETURNING *
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT f.experiment_id, s.campaign_id, f.submission_id, 'discrepancy.filed', {sign_as_service(ServicePart.LAUNCH)},
           NULL,
           jsonb_build_object('id', f.id, 'kind', f.kind, 'batch_system', f.batch_system, 'native_id', f.native_id,
                              'details', f.details, 'repair', f.repair)
      FROM filed f JOIN submission s ON s.id = f.submission_id
"""


async def file_discrepancy(
    db: Database,
    attempt: LaunchAttempt,
    kind: DiscrepancyKind,
    thing: str,
    details: str,
    repair: Repair,
) -> None:
    """File what a launch itself found out; `thing` is the cluster, or the launch's mark."""
    await db.execute(
        FILE, attempt.submission_id, kind, attempt.batch_system, thing, attempt.mark, details, repair
    )  # fmt: skip


AGAIN = f"""
    WITH given_up AS (
        UPDATE launch_attempt a SET state = 'abandoned', updated_at = now(), result_message = $2
          FROM submission s
         WHERE a.mark = $1 AND a.script_end IS NOT NULL AND s.id = a.submission_id
           AND a.attempt = s.launch_attempt AND s.state = 'uncertain' AND s.lease_holder IS NULL
           AND NOT EXISTS (SELECT FROM cluster c WHERE (c.submission_id, c.attempt) = (a.submission_id, a.attempt))
        RETURNING a.submission_id
    ), moved AS (
        UPDATE submission
           SET state = 'new', state_since = now(), reason = '', lease_until = NULL, revision = revision + 1
         WHERE id IN (SELECT submission_id FROM given_up)
        RETURNING *
    ), told AS ({tell_moves(sign_as_service(ServicePart.REPAIR))})
    SELECT id FROM moved
"""


async def restart_launch(db: Database, mark: str, message: str) -> bool:
    """Let a launch of which nothing is known begin anew; False where it is not waiting for that."""
    return await db.fetchval(AGAIN, mark, message) is not None
