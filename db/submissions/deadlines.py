"""Submissions that are not located by their stage's deadline: marked, and told of, once."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.changes import sign_as_service
from db.pool import Database, fetch_many
from domain.changes import ServicePart

# Not those of which nobody expects anything any more; a recovery is its origin's matter. What somebody is moving right
# now is looked at next time.
MARK = f"""
    WITH late AS (
        SELECT s.id
          FROM stage g
          CROSS JOIN LATERAL (
               SELECT id FROM submission s
                WHERE s.stage_id = g.id AND s.origin_id IS NULL AND s.overdue_since IS NULL
                  AND s.state NOT IN ('located', 'cancelled', 'removed')
                  AND CASE g.deadline_from WHEN 'launch' THEN s.created_at ELSE s.ended_at END
                      + make_interval(secs => g.deadline_s) <= now()
                ORDER BY id LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED) s
         WHERE g.deadline_s IS NOT NULL
    ), moved AS (
        UPDATE submission s SET overdue_since = now(), revision = revision + 1
          FROM late
         WHERE s.id = late.id
        RETURNING s.*
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, campaign_id, id, 'submission.overdue', {sign_as_service(ServicePart.SWEEP)}, NULL,
               submission_image(moved)
          FROM moved ORDER BY id
    )
    SELECT id FROM moved
"""


async def mark_overdue(db: Database) -> list[int]:
    """Mark what has become overdue; nothing else is done about it."""
    return await fetch_many(db, int, MARK)


@dataclass(frozen=True, slots=True)
class MissingItem:
    """Something that a submission and its recoveries still owe."""

    name: str
    is_output: bool
    why: str


MISSING = """
    SELECT name, is_output, why FROM (
        SELECT o.name, true AS is_output, coalesce(o.problem, 'nobody has looked for it yet') AS why
          FROM output_file o WHERE o.submission_id = ANY($1::bigint[]) AND o.state IN ('declared', 'lost', 'refused')
         UNION ALL
        SELECT f.name, false, coalesce(i.reason, 'not done')
          FROM (SELECT DISTINCT ON (file_id) file_id, outcome, reason
                  FROM input_file WHERE submission_id = ANY($1) ORDER BY file_id, submission_id DESC) i
          JOIN file f ON f.id = i.file_id
         WHERE i.outcome <> 'done'
         UNION ALL
        SELECT 'unit ' || u.index, false, u.state::text
          FROM (SELECT DISTINCT ON (u.index) u.index, j.state
                  FROM work_unit u JOIN job j ON j.submission_id = u.submission_id AND j.number = u.number
                 WHERE u.submission_id = ANY($1) AND j.submission_id = ANY($1) AND u.index IS NOT NULL
                 ORDER BY u.index, u.submission_id DESC) u
         WHERE u.state <> 'succeeded'
    ) m ORDER BY is_output DESC, name LIMIT $2
"""


async def list_missing(db: Database, family: Sequence[int], most: int) -> list[MissingItem]:
    """What is missing, by name: outputs that nobody saw, then inputs (or units) that are not done."""
    return await fetch_many(db, MissingItem, MISSING, family, most)
