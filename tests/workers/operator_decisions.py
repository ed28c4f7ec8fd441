"""What people do about what POMS tells them, while everything around it is maltreated."""

from db.batch import discrepancies
from db.batch.discrepancies import Discrepancy
from db.pool import Pool
from db.submissions import actions
from domain.discrepancies import DiscrepancyKind
from domain.submissions.jobs import JobActionVerb

HELD = """
    SELECT id FROM submission s WHERE state = 'held'
       AND NOT EXISTS (SELECT FROM action a WHERE a.submission_id = s.id AND done_at IS NULL)
"""
CANCELLED = "SELECT EXISTS (SELECT FROM action WHERE submission_id = $1 AND verb = 'remove' AND done_at IS NULL)"
DECIDED = [DiscrepancyKind.VANISHED, DiscrepancyKind.NEVER_OPENED, DiscrepancyKind.SET_ASIDE]
"""What is repaired as it is proposed; nothing of it can run twice."""


async def decide_all(db: Pool, person_id: int) -> None:
    """Release what is held, and have closed what a batch system has lost: by the repair, or by a cancel."""
    for row in await db.fetch(HELD):
        await actions.request_action(db, row["id"], JobActionVerb.RELEASE, "held again", person_id)
    wanted = discrepancies.DiscrepancyFilter(kinds=DECIDED, is_open=True)
    for found in await discrepancies.list_page(db, wanted, 0, 1000, newest=False):
        if found.kind is DiscrepancyKind.VANISHED and found.id % 2:
            await _cancel_lost_submission(db, found, person_id)
        else:
            await discrepancies.request_repair(db, found.id, person_id)


async def _cancel_lost_submission(db: Pool, found: Discrepancy, person_id: int) -> None:
    if found.submission_id and not await db.fetchval(CANCELLED, found.submission_id):
        await actions.request_action(
            db, found.submission_id, JobActionVerb.REMOVE, "it is lost", person_id
        )
