"""What happens to submissions in bulk when their jobs have moved, and what the end of one sets free."""

from collections.abc import Sequence

from db.pool import Connection, fetch_many
from db.submissions import jobs
from db.submissions.submissions import COLUMNS, Submission, tell_moves
from domain.changes import Actor, ServicePart
from domain.submissions.submissions import AT_BATCH, LAUNCHING, LIVE, SubmissionState, derive_state

LOCKED = f"""
    SELECT {COLUMNS} FROM submission WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
"""

ASKED_REMOVAL = """
    SELECT DISTINCT ON (submission_id) submission_id, reason
      FROM action WHERE submission_id = ANY($1::bigint[]) AND verb = 'remove'
     ORDER BY submission_id, id
"""

MOVE_MANY = f"""
    WITH moved AS (
        UPDATE submission s
           SET state = x.state::submission_state, state_since = now(), reason = x.reason, revision = revision + 1,
               ended_at = CASE WHEN x.state = ANY($4::text[]) THEN NULL ELSE now() END,
               lease_until = NULL, lease_holder = NULL
          FROM unnest($1::bigint[], $2::text[], $3::text[]) AS x (id, state, reason)
         WHERE s.id = x.id
        RETURNING s.*
    ), told AS ({tell_moves("NULL::bigint, $5::text")} ORDER BY id)
    SELECT {COLUMNS} FROM moved
"""

# Files go back, the stage's place is free, and advance has something to do. Stages in the order of their ids.
RELEASE = """
    WITH freed AS (
        UPDATE submission SET counted = false, holds_files = false, check_at = now(), silent_since = NULL, silence = ''
         WHERE id = ANY($1::bigint[]) AND holds_files
        RETURNING id, stage_id, old.counted AS counted
    ), gone AS (
        DELETE FROM live_file USING freed WHERE live_file.submission_id = freed.id
    )
    UPDATE stage SET unfinished = unfinished - d.n
      FROM (SELECT stage.id, n
              FROM stage JOIN (SELECT stage_id, count(*) AS n FROM freed WHERE counted GROUP BY stage_id) x
                ON stage.id = x.stage_id
             ORDER BY stage.id FOR NO KEY UPDATE OF stage) d
     WHERE stage.id = d.id
"""


async def lock_submissions(conn: Connection, ids: Sequence[int]) -> list[Submission]:
    """Lock submissions in the order of their ids, as everybody does who locks several."""
    return await fetch_many(conn, Submission, LOCKED, sorted(set(ids)))


async def apply_job_states(
    conn: Connection, ids: Sequence[int], part: ServicePart
) -> list[Submission]:
    """Give submissions the states that follow from their jobs; returns those that moved."""
    rows = await conn.fetch(ASKED_REMOVAL, ids)
    asked = {row["submission_id"]: row["reason"] for row in rows}
    wanted: dict[int, SubmissionState] = {}
    for submission in await lock_submissions(conn, ids):
        state = derive_state(submission.counts, cancelled=submission.id in asked)
        if state is not submission.state and _may_follow(submission, state):
            wanted[submission.id] = state
    if not wanted:
        return []
    reasons = [
        asked.get(id, "") if state is SubmissionState.CANCELLED else ""
        for id, state in wanted.items()
    ]
    moved = await _move_many(conn, list(wanted), list(wanted.values()), reasons, part)
    await release_ended(conn, [s.id for s in moved if not s.state.is_live])
    return moved


async def _move_many(
    conn: Connection,
    ids: list[int],
    states: list[SubmissionState],
    reasons: list[str],
    part: ServicePart | None,
) -> list[Submission]:
    return await fetch_many(conn, Submission, MOVE_MANY, ids, states, reasons, list(LIVE), part)


def _may_follow(submission: Submission, new: SubmissionState) -> bool:
    """Jobs that have started prove a launch: they are followed even before its launcher says so.

    Not those of a launch script, which may go on submitting.
    """
    if submission.state in LAUNCHING:
        return new is not SubmissionState.IDLE and not submission.runs_with.runs_script
    return submission.state in AT_BATCH


async def release_ended(conn: Connection, ids: Sequence[int]) -> None:
    """Set free what ended submissions held."""
    if ids:
        await conn.execute(RELEASE, ids)


NEVER_RAN = """
    UPDATE submission SET jobs_removed = jobs_removed + jobs_idle + jobs_running + jobs_held + jobs_unknown,
                          jobs_idle = 0, jobs_running = 0, jobs_held = 0, jobs_unknown = 0
     WHERE id = $1
"""


async def discard_launch(
    conn: Connection,
    id: int,
    old: Sequence[SubmissionState],
    new: SubmissionState,
    by: Actor,
    holder: str | None = None,
) -> Submission | None:
    """End a submission none of whose jobs will run, or return None when it is in no old state any more.

    `by` says why, too. A launcher names itself as the holder, so that one who has lost the submission ends nothing.
    """
    found = await lock_submissions(conn, [id])
    if not found or found[0].state not in old or holder not in (None, found[0].lease_holder):
        return None
    moved = await _move_many(conn, [id], [new], [by.reason], by.part)
    await jobs.discard_jobs(conn, id, new)
    await conn.execute(NEVER_RAN, id)
    await release_ended(conn, [id])
    return moved[0]
