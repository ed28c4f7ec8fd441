"""What somebody has to decide about a submission."""

from db.pool import Connection
from domain.changes import Actor

ASK = """
    WITH moved AS (
        UPDATE submission SET decision_needed = $2, revision = revision + 1
         WHERE id = $1 AND decision_needed <> $2
        RETURNING *
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, campaign_id, id, 'submission.decision_needed', $3::bigint, $4::text,
           nullif(decision_needed, ''), submission_image(moved)
      FROM moved
"""


async def ask_person(conn: Connection, origin_id: int, text: str, by: Actor) -> None:
    """Ask a person something about a submission, or (with no text) nothing any more; told once."""
    await conn.execute(ASK, origin_id, text, *by.columns)
