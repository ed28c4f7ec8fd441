"""Failed jobs, read in bulk for those who ask what they have in common."""

from db.pool import Database, fetch_many
from domain.submissions.triage import FailedJob

# As many files as the job's unit had and did not get done: that is what the failure cost.
COST = """
           (SELECT count(*) FROM input_file i
             WHERE i.submission_id = j.submission_id AND i.number = j.number AND i.outcome <> 'done')
"""

OF_SUBMISSION = f"""
    SELECT j.submission_id, j.number, j.reason, j.exit_code, j.signal, j.site, left(j.text, 1000),
           right(j.log_tail, 2000), {COST}
      FROM job j
     WHERE j.submission_id = $1 AND j.state IN ('failed', 'held')
     ORDER BY j.number LIMIT $2
"""

# The newest submissions first, each job once; partitions are found by the ids.
OF_STAGE = f"""
    SELECT j.submission_id, j.number, j.reason, j.exit_code, j.signal, j.site, left(j.text, 1000),
           right(j.log_tail, 2000), {COST}
      FROM (SELECT id FROM submission
             WHERE stage_id = $1 AND (jobs_failed > 0 OR jobs_held > 0)
             ORDER BY id DESC LIMIT 1000) s
      CROSS JOIN LATERAL (
            SELECT * FROM job
             WHERE job.submission_id = s.id AND job.state IN ('failed', 'held')
             ORDER BY number LIMIT $2) j
     ORDER BY s.id DESC, j.number LIMIT $2
"""


async def list_by_submission(db: Database, submission_id: int, bound: int) -> list[FailedJob]:
    """The failed and held jobs of one submission."""
    return await fetch_many(db, FailedJob, OF_SUBMISSION, submission_id, bound)


async def list_by_stage(db: Database, stage_id: int, bound: int) -> list[FailedJob]:
    """The failed and held jobs of a stage, those of its newest submissions first."""
    return await fetch_many(db, FailedJob, OF_STAGE, stage_id, bound)
