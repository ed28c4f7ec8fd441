"""Making a submission count as located, whatever is missing."""

from collections.abc import Sequence

from db.changes import sign_as_person
from db.pool import Database, fetch_one
from db.submissions.submissions import COLUMNS, Submission, tell_moves
from domain.submissions.submissions import SubmissionState

KICK = f"""
    WITH moved AS (
        UPDATE submission
           SET state = 'located', state_since = now(), reason = $3, kicked_by = $4, decision_needed = '',
               check_at = now(), revision = revision + 1
         WHERE id = $1 AND state = ANY($2::submission_state[]) AND archived_at IS NULL
        RETURNING *
    ), told AS ({tell_moves(sign_as_person("$4"))})
    SELECT {COLUMNS} FROM moved
"""


async def kick_submission(
    db: Database, submission_id: int, old: Sequence[SubmissionState], reason: str, person_id: int
) -> Submission | None:
    """Let what depends on a submission go on, or return None when it is in no old state any more."""
    return await fetch_one(db, Submission, KICK, submission_id, list(old), reason, person_id)
