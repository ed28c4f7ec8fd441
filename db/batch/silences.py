"""Submissions of which nothing was told for long: which are to be looked up, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.changes import sign_as_service
from db.pool import Database, fetch_many
from domain.changes import ServicePart

MOST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class SilentCluster:
    """A cluster of a submission that should have been heard of."""

    submission_id: int
    native_id: str
    mark: str


# In doubling pauses: what waits in a queue for days has nothing to tell.
TAKE = """
    WITH silent AS (
        SELECT id FROM submission
         WHERE batch_system = $1 AND state IN ('idle', 'running', 'held')
           AND coalesce(last_event_at, state_since) <= now() - make_interval(secs => $2)
           AND coalesce(next_lookup_at, state_since) <= now()
         ORDER BY next_lookup_at NULLS FIRST, id LIMIT $3
           FOR NO KEY UPDATE SKIP LOCKED
    ), asked AS (
        UPDATE submission s
           SET next_lookup_at = now() + greatest(make_interval(secs => $2),
                                         least(now() - coalesce(last_event_at, state_since), make_interval(secs => $4)))
          FROM silent WHERE s.id = silent.id
    )
    SELECT c.submission_id, c.native_id, a.mark
      FROM silent JOIN cluster c ON c.submission_id = silent.id
      JOIN launch_attempt a ON (a.submission_id, a.attempt) = (c.submission_id, c.attempt)
     WHERE c.batch_system = $1
     ORDER BY c.submission_id, c.native_id
"""


async def take_silent(
    db: Database, batch_system: str, silent_s: float, most: int
) -> list[SilentCluster]:
    """The clusters of up to `most` submissions of which nothing was told for `silent_s`, each taken once a pause."""
    return await fetch_many(db, SilentCluster, TAKE, batch_system, silent_s, most, MOST_PAUSE_S)


# What was told meanwhile has ended the silence.
NOTE = f"""
    WITH x AS (
        SELECT * FROM unnest($1::bigint[], $2::text[]) AS x (id, silence)
    ), moved AS (
        UPDATE submission s
           SET silent_since = CASE WHEN x.silence <> '' THEN coalesce(silent_since, now()) END, silence = x.silence,
               revision = revision + ((silent_since IS NULL) <> (x.silence = ''))::int
          FROM x
         WHERE s.id = x.id AND (s.silence <> x.silence OR (s.silent_since IS NULL) <> (x.silence = ''))
           AND s.state IN ('idle', 'running', 'held') AND s.next_lookup_at IS NOT NULL
        RETURNING s.*, (old.silent_since IS NULL) <> (new.silent_since IS NULL) AS is_news
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, campaign_id, id,
           CASE WHEN silent_since IS NULL THEN 'submission.heard' ELSE 'submission.silent' END,
           {sign_as_service(ServicePart.SILENCE)}, nullif(silence, ''), jsonb_build_object('revision', revision)
      FROM moved WHERE is_news ORDER BY id
"""


async def record_silence(db: Database, silences: Mapping[int, str]) -> None:
    """Write down why each of these submissions is not heard of; empty: its batch system has its jobs."""
    ids: Sequence[int] = sorted(silences)
    await db.execute(NOTE, ids, [silences[id] for id in ids])
