"""What jobs told and the database refused to keep: a discrepancy for each cluster, with what it said of the first."""

from dataclasses import dataclass

from db.changes import sign_as_service
from db.pool import Connection
from domain.changes import ServicePart


@dataclass(frozen=True, slots=True)
class RefusedReport:
    """Whose job it is that told it, and the file and the database's words."""

    native_id: str
    mark: str
    submission_id: int
    details: str


FILE = f"""
    WITH filed AS (
        INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, experiment_id, jobs, started,
                                 details, repair)
        SELECT 'unreadable_report', $1, $2, $3, s.id, s.experiment_id, 1, true, $5, 'inspect'
          FROM submission s WHERE s.id = $4
            ON CONFLICT (batch_system, native_id, kind) WHERE resolved_at IS NULL
            DO UPDATE SET jobs = discrepancy.jobs + 1, last_seen = now()
        RETURNING new.*, old.id IS NULL AS is_new
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT s.experiment_id, s.campaign_id, s.id, 'discrepancy.filed', {sign_as_service(ServicePart.WATCH)}, NULL,
           jsonb_build_object('id', f.id, 'kind', f.kind, 'batch_system', f.batch_system, 'native_id', f.native_id,
                              'details', f.details, 'repair', f.repair)
      FROM filed f JOIN submission s ON s.id = f.submission_id WHERE f.is_new
"""


async def file_refusal(conn: Connection, batch_system: str, refused: RefusedReport) -> None:
    """File it, or count it with those of its cluster that are filed."""
    r = refused
    await conn.execute(FILE, batch_system, r.native_id, r.mark, r.submission_id, r.details)
