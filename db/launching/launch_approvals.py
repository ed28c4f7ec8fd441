"""Whether everybody has agreed to a launch who has to: what was decided is kept for each revision of a campaign.

An experiment without rules launches as it likes. One with rules launches nothing of a revision that nobody has looked
at by these rules: what is missing, is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.pool import Connection, Database, fetch_many, fetch_one
from domain.launching.queue import MissingApproval

NOT_LOOKED_AT = "It is being looked at whether somebody has to agree to it."


def is_approved(experiment: str, campaign: str, revision: str, is_test: str) -> str:
    """A condition on an experiment, a campaign, its revision, and whether it is a test: SQL for each."""
    return f"""NOT EXISTS (
        SELECT FROM approval_rule_set r
         WHERE r.experiment_id = {experiment} AND r.rules <> '[]' AND NOT EXISTS (
             SELECT FROM campaign_approval a
              WHERE a.campaign_id = {campaign} AND a.revision = {revision} AND a.rules_version = r.version
                AND CASE WHEN {is_test} THEN a.test ELSE a.production END <> 'waiting'
                AND coalesce(CASE WHEN {is_test} THEN a.test_until ELSE a.production_until END, 'infinity') > now()))"""


@dataclass(frozen=True, slots=True)
class ApprovalLackRow:
    """A launch to which somebody has still to agree."""

    id: int
    missing: list[dict[str, Any]] | None
    is_test: bool


ASKED = """
    SELECT EXISTS (SELECT FROM campaign c JOIN approval_rule_set r ON r.experiment_id = c.experiment_id
                    WHERE c.id = $1 AND r.rules <> '[]')
"""
# Nobody changes the row before the launch is made: who takes an agreement back waits for it.
LOCK = """
    SELECT FROM campaign_approval WHERE campaign_id = $1 AND revision = $2 FOR SHARE
"""
MISSING = "CASE WHEN a.rules_version > 0 THEN a.missing END"
OF_LAUNCH = f"""
    SELECT c.id, {MISSING} AS missing, $3::boolean AS is_test
      FROM campaign c LEFT JOIN campaign_approval a ON a.campaign_id = c.id AND a.revision = $2
     WHERE c.id = $1 AND NOT ({is_approved("c.experiment_id", "c.id", "$2", "$3")})
"""


async def find_lack(
    conn: Connection, campaign_id: int, revision: int, *, is_test: bool
) -> MissingApproval | None:
    """What is missing for a launch of this revision; what is there stays so until the transaction ends.

    To be asked once it is planned what would run: what was saved since is then part of what is asked.
    """
    if not await conn.fetchval(ASKED, campaign_id):
        return None
    await conn.execute(LOCK, campaign_id, revision)
    row = await fetch_one(conn, ApprovalLackRow, OF_LAUNCH, campaign_id, revision, is_test)
    return None if row is None else _build_lack(row)


OF_SUBMISSIONS = f"""
    SELECT s.id, {MISSING} AS missing, s.is_test
      FROM submission s
      LEFT JOIN campaign_approval a ON a.campaign_id = s.campaign_id AND a.revision = s.campaign_revision
     WHERE s.id = ANY($1::bigint[])
       AND NOT ({is_approved("s.experiment_id", "s.campaign_id", "s.campaign_revision", "s.is_test")})
"""


async def find_lacks(db: Database, ids: Sequence[int]) -> dict[int, MissingApproval]:
    """Which of these submissions wait for somebody's agreement."""
    found = await fetch_many(db, ApprovalLackRow, OF_SUBMISSIONS, ids)
    return {row.id: _build_lack(row) for row in found}


def _build_lack(row: ApprovalLackRow) -> MissingApproval:
    reasons = [each["reason"] for each in row.missing or () if each["is_test"] == row.is_test]
    return MissingApproval(tuple(reasons) or (NOT_LOOKED_AT,))
