"""Jobs and their attempts: what batch systems say of them, applied in bulk and once."""

from collections.abc import Sequence

from db.changes import sign_as_service
from db.pool import Connection
from domain.changes import ServicePart
from domain.submissions.news import JobNews

ROWS = "unnest($1::job_news[]) AS x"
MEASURED = ", ".join(
    f"{name} = coalesce(x.{name}, j.{name})"
    for name in JobNews._fields[5:]
    if name not in ("code", "subcode", "text")
)

# Only what is newer along the feed moves a job, and nothing moves one that is over: twice changes nothing. A lower
# attempt moves none, unless it is a removal by who knows of none (`JobNews.removes_any_attempt`). What moved
# becomes deltas of the kept counters and one change per submission; efficiency counts ended jobs.
APPLY = f"""
    WITH moved AS (
        UPDATE job j
           SET state = x.state::job_state, attempt = greatest(j.attempt, x.attempt), sequence = x.sequence,
               code = x.code, subcode = x.subcode, text = x.text, {MEASURED}
          FROM {ROWS}
         WHERE j.submission_id = ANY($2::bigint[]) AND j.submission_id = x.submission_id AND j.number = x.number
           AND j.sequence < x.sequence
           AND (j.attempt <= x.attempt OR (x.attempt = 0 AND x.state = 'removed'))
           AND j.state NOT IN ('succeeded', 'failed', 'removed')
        RETURNING j.submission_id, j.number, old.state AS was, new.state AS now,
                  new.cpu_s AS cpu_s, new.wall_s AS wall_s, new.memory_mb AS memory_mb
    ), delta AS (
        SELECT submission_id,
               count(*) FILTER (WHERE now = 'idle')      - count(*) FILTER (WHERE was = 'idle')    AS idle,
               count(*) FILTER (WHERE now = 'running')   - count(*) FILTER (WHERE was = 'running') AS running,
               count(*) FILTER (WHERE now = 'held')      - count(*) FILTER (WHERE was = 'held')    AS held,
               count(*) FILTER (WHERE now = 'unknown')   - count(*) FILTER (WHERE was = 'unknown') AS unknown,
               count(*) FILTER (WHERE now = 'succeeded') AS succeeded,
               count(*) FILTER (WHERE now = 'failed')    AS failed,
               count(*) FILTER (WHERE now = 'removed')   AS removed,
               count(*) FILTER (WHERE now IN ('succeeded', 'failed', 'removed')) AS over,
               coalesce(sum(cpu_s)     FILTER (WHERE now IN ('succeeded', 'failed', 'removed')), 0) AS cpu_s,
               coalesce(sum(wall_s)    FILTER (WHERE now IN ('succeeded', 'failed', 'removed')), 0) AS wall_s,
               coalesce(sum(wall_s)    FILTER (WHERE now IN ('failed', 'removed')), 0)              AS wasted_s,
               coalesce(sum(memory_mb) FILTER (WHERE now IN ('succeeded', 'failed', 'removed')), 0) AS memory_mb
          FROM moved GROUP BY submission_id
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
        SELECT s.experiment_id, s.campaign_id, s.id, 'jobs.changed', {sign_as_service(ServicePart.WATCH)}, NULL,
               jsonb_build_object('idle', d.idle, 'running', d.running, 'held', d.held, 'unknown', d.unknown,
                                  'succeeded', d.succeeded, 'failed', d.failed, 'removed', d.removed)
          FROM delta d JOIN submission s ON s.id = d.submission_id
         ORDER BY s.id
    ), counted AS (
        UPDATE submission s
           SET jobs_idle = jobs_idle + d.idle, jobs_running = jobs_running + d.running, jobs_held = jobs_held + d.held,
               jobs_unknown = jobs_unknown + d.unknown, jobs_succeeded = jobs_succeeded + d.succeeded,
               jobs_failed = jobs_failed + d.failed, jobs_removed = jobs_removed + d.removed,
               cpu_s = s.cpu_s + d.cpu_s, wall_s = s.wall_s + d.wall_s, wall_wasted_s = wall_wasted_s + d.wasted_s,
               memory_used_mb = memory_used_mb + d.memory_mb,
               memory_requested_mb = memory_requested_mb
                                     + d.over * coalesce((configuration -> 'resources' ->> 'memory_mb')::float8, 0),
               last_event_at = now(), next_lookup_at = NULL, silent_since = NULL, silence = '', revision = revision + 1
          FROM delta d WHERE s.id = d.submission_id
        RETURNING s.id, s.experiment_id, s.campaign_id, s.revision, old.silent_since IS NOT NULL AS was_silent
    ), heard AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, campaign_id, id, 'submission.heard', {sign_as_service(ServicePart.WATCH)}, NULL,
               jsonb_build_object('revision', revision)
          FROM counted WHERE was_silent ORDER BY id
    )
    SELECT submission_id, number FROM moved
"""

ATTEMPTS = f"""
    INSERT INTO attempt AS a (submission_id, number, attempt, state, sequence, exit_code, signal, code, subcode, text,
                              site, slot, cpu_s, wall_s, memory_mb, started_at, ended_at)
    SELECT x.submission_id, x.number, x.attempt, x.state::job_state, x.sequence, x.exit_code, x.signal, x.code,
           x.subcode, x.text, x.site, x.slot, x.cpu_s, x.wall_s, x.memory_mb, x.started_at, x.ended_at
      FROM {ROWS}
     WHERE x.submission_id = ANY($2::bigint[])
        ON CONFLICT (submission_id, number, attempt) DO UPDATE
       SET state = excluded.state, sequence = excluded.sequence, exit_code = excluded.exit_code,
           signal = excluded.signal, code = excluded.code, subcode = excluded.subcode, text = excluded.text,
           site = coalesce(excluded.site, a.site), slot = coalesce(excluded.slot, a.slot),
           cpu_s = coalesce(excluded.cpu_s, a.cpu_s), wall_s = coalesce(excluded.wall_s, a.wall_s),
           memory_mb = coalesce(excluded.memory_mb, a.memory_mb),
           started_at = coalesce(a.started_at, excluded.started_at), ended_at = excluded.ended_at
     WHERE a.sequence < excluded.sequence AND a.state NOT IN ('succeeded', 'failed', 'removed')
"""


async def apply_news(
    conn: Connection, jobs: Sequence[JobNews], attempts: Sequence[JobNews]
) -> set[tuple[int, int]]:
    """Bring jobs, attempts and counters up to the news, and tell of it; returns (submission, number) of the jobs
    that moved, and of those told anew in place."""
    if attempts:
        await conn.execute(ATTEMPTS, attempts, _list_submission_ids(attempts))
    rows = await conn.fetch(APPLY, jobs, _list_submission_ids(jobs)) if jobs else []
    return {(row[0], row[1]) for row in rows}


def _list_submission_ids(news: Sequence[JobNews]) -> list[int]:
    return sorted({item.submission_id for item in news})


DISCARD = """
    UPDATE job SET state = 'removed', reason = $2, ended_at = now()
     WHERE submission_id = $1 AND state NOT IN ('succeeded', 'failed', 'removed')
"""


async def discard_jobs(conn: Connection, submission_id: int, reason: str) -> None:
    """Note that a submission's jobs will never run."""
    await conn.execute(DISCARD, submission_id, reason)
