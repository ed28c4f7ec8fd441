"""Making a submission count as located, whatever is missing."""

from collections.abc import Sequence

from db.pool import Database, one
from db.submissions import COLUMNS, TELL, Submission
from domain.submissions import SubmissionState

KICK = f"""
    WITH moved AS (
        UPDATE submission
           SET state = 'located', state_since = now(), reason = $3, kicked_by = $4, asks = '', check_at = now(),
               revision = revision + 1
         WHERE id = $1 AND state = ANY($2::submission_state[])
        RETURNING *
    ), told AS ({TELL})
    SELECT {COLUMNS} FROM moved
"""


async def kick(
    db: Database, submission_id: int, old: Sequence[SubmissionState], reason: str, person_id: int
) -> Submission | None:
    """Let what depends on a submission go on, or return None when it is in no old state any more."""
    return await one(db, Submission, KICK, submission_id, list(old), reason, person_id)
