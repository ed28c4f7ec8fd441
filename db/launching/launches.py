"""Launch attempts: who launches a submission, under which mark, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.changes import sign_as_service
from db.pool import Connection, Database, fetch_many, fetch_one
from db.setbacks import leave_out
from db.submissions.submissions import COLUMNS, Submission, tell_moves
from domain.changes import ServicePart
from domain.files.locations import is_path
from domain.launching.launches import LaunchState, ScriptEnd
from domain.submissions.submissions import SubmissionState


@dataclass(frozen=True, slots=True)
class LaunchAttempt:
    """One row of `launch_attempt`."""

    submission_id: int
    attempt: int
    batch_system: str
    mark: str
    state: LaunchState
    holder: str
    native_id: str | None
    result_message: str
    at: datetime
    updated_at: datetime
    script_end: ScriptEnd | None
    exit_code: int | None


ATTEMPT_COLUMNS = ", ".join(LaunchAttempt.__dataclass_fields__)

# An uncertain one stays so while it is looked at, with its age; it is told only when it moves.
CLAIM = f"""
    WITH was AS (
        SELECT state FROM submission WHERE id = $1
    ), moved AS (
        UPDATE submission
           SET state = CASE WHEN state = 'new' THEN 'submitting' ELSE state END,
               state_since = CASE WHEN state = 'new' THEN now() ELSE state_since END,
               reason = CASE WHEN state = 'new' THEN '' ELSE reason END,
               lease_until = now() + make_interval(
                   secs => CASE configuration ->> 'job_kind' WHEN 'script' THEN $4::float8 ELSE $3::float8 END),
               lease_holder = $2, revision = revision + 1
         WHERE id = $1
           AND (state = 'new' OR (state IN ('submitting', 'uncertain') AND coalesce(lease_until, now()) <= now()))
        RETURNING *
    ), told AS ({tell_moves(sign_as_service(ServicePart.LAUNCH))} WHERE state <> (SELECT state FROM was))
    SELECT {COLUMNS} FROM moved
"""


async def claim_submission(
    db: Database, submission_id: int, holder: str, lease_s: float, script_lease_s: float
) -> Submission | None:
    """Take a submission for launching, or None when it needs none or somebody has it.

    A launch script has a lease of its own, which it never outlives.
    """
    return await fetch_one(db, Submission, CLAIM, submission_id, holder, lease_s, script_lease_s)


RENEW = """
    UPDATE submission SET lease_until = now() + make_interval(secs => $3)
     WHERE id = $1 AND lease_holder = $2 AND state IN ('submitting', 'uncertain')
    RETURNING true
"""


async def renew_lease(db: Database, submission_id: int, holder: str, lease_s: float) -> bool:
    """Keep a submission that is being launched; False: it is not ours any more."""
    return bool(await db.fetchval(RENEW, submission_id, holder, lease_s))


@dataclass(frozen=True, slots=True)
class StuckLaunch:
    """A submission that nobody launches, and where it is to be launched."""

    id: int
    batch_system: str


STUCK = f"""
    SELECT id, batch_system FROM submission
     WHERE state IN ('new', 'submitting', 'uncertain') AND coalesce(lease_until, now()) <= now()
       AND (state <> 'new' OR state_since < now() - make_interval(secs => $1))
       AND batch_system <> ALL($2::text[]) AND id <> ALL($3::bigint[]) AND {leave_out("launch", "'submission:' || id")}
     ORDER BY id LIMIT 100
"""


async def list_stuck(
    db: Database, patience_s: float, full: Sequence[str], in_hand: Sequence[int]
) -> list[StuckLaunch]:
    """Submissions that nobody launches: not picked up in time, or their launcher's lease ran out.

    Not those at batch systems that are `full`, nor those `in_hand`.
    """
    return await fetch_many(db, StuckLaunch, STUCK, patience_s, full, in_hand)


# Told when what it waits for is something else than before.
WAIT = f"""
    WITH was AS (
        SELECT reason FROM submission WHERE id = $1
    ), moved AS (
        UPDATE submission
           SET state = 'new', state_since = CASE WHEN state = 'new' THEN state_since ELSE now() END,
               reason = $2, lease_until = now() + make_interval(secs => $3), lease_holder = NULL,
               revision = revision + (reason <> $2)::int
         WHERE id = $1
           AND (state = 'new' OR (state IN ('submitting', 'uncertain') AND coalesce(lease_until, now()) <= now()))
        RETURNING *
    ), told AS ({tell_moves(sign_as_service(ServicePart.LAUNCH))} WHERE reason <> (SELECT reason FROM was) RETURNING id)
    SELECT EXISTS (SELECT FROM told)
"""


async def postpone_launch(db: Database, submission_id: int, why: str, seconds: float) -> bool:
    """Leave a submission of which nothing is under way for a while, with what it waits for; true when that is news.

    One that a launcher left behind is new again.
    """
    return bool(await db.fetchval(WAIT, submission_id, why, seconds))


CURRENT = f"""
    SELECT {ATTEMPT_COLUMNS} FROM launch_attempt
     WHERE submission_id = $1 ORDER BY attempt DESC LIMIT 1
"""


async def find_current_attempt(db: Database, submission_id: int) -> LaunchAttempt | None:
    """The newest attempt, if there was any."""
    return await fetch_one(db, LaunchAttempt, CURRENT, submission_id)


# The mark names the installation's history: a database restored from a dump has another one.
INTEND = f"""
    WITH next AS (
        UPDATE submission SET launch_attempt = launch_attempt + 1
         WHERE id = $1 AND state IN ('submitting', 'uncertain') AND lease_holder = $2
        RETURNING id, launch_attempt, batch_system, nextval('launch_number')
    )
    INSERT INTO launch_attempt (submission_id, attempt, batch_system, mark, holder)
    SELECT next.id, launch_attempt, batch_system,
           format('poms-%s-%s-%s', left(history_id::text, 8), next.id, launch_attempt), $2
      FROM next, change_head
    RETURNING {ATTEMPT_COLUMNS}
"""


async def begin_attempt(db: Database, submission_id: int, holder: str) -> LaunchAttempt | None:
    """Begin a new attempt, or None when the submission is not ours any more."""
    return await fetch_one(db, LaunchAttempt, INTEND, submission_id, holder)


ADVANCE = f"""
    UPDATE launch_attempt a
       SET state = $4, native_id = coalesce($5, native_id), result_message = $6, holder = $3, updated_at = now()
      FROM submission s
     WHERE a.submission_id = $1 AND a.attempt = $2 AND a.state = ANY($7::launch_state[])
       AND ($5::text IS NULL OR a.native_id IS NULL)
       AND s.id = a.submission_id AND s.lease_holder = $3
    RETURNING {", ".join(f"a.{c}" for c in LaunchAttempt.__dataclass_fields__)}
"""


async def advance_attempt(
    db: Database,
    attempt: LaunchAttempt,
    holder: str,
    old: Sequence[LaunchState],
    new: LaunchState,
    *,
    native_id: str | None = None,
    message: str = "",
) -> LaunchAttempt | None:
    """Bring an attempt one step on, or None when it is not ours or not there any more."""
    return await fetch_one(
        db, LaunchAttempt, ADVANCE,
        attempt.submission_id, attempt.attempt, holder, new, native_id, message, list(old),
    )  # fmt: skip


LAUNCHED = f"""
    WITH was AS (
        SELECT state FROM submission WHERE id = $1
    ), moved AS (
        UPDATE submission
           SET state = $3, reason = $4, lease_until = CASE WHEN $5 > 0 THEN now() + make_interval(secs => $5) END,
               lease_holder = NULL, state_since = CASE WHEN state = $3 THEN state_since ELSE now() END,
               revision = revision + 1
         WHERE id = $1 AND state IN ('submitting', 'uncertain') AND lease_holder = $2
        RETURNING *
    ), told AS ({tell_moves(sign_as_service(ServicePart.LAUNCH))} WHERE state <> (SELECT state FROM was))
    SELECT {COLUMNS} FROM moved
"""


async def conclude_launch(
    db: Database,
    submission_id: int,
    holder: str,
    state: SubmissionState,
    reason: str = "",
    retry_s: float = 0,
) -> Submission | None:
    """End our part: idle, new again, or uncertain to be looked at again in `retry_s` seconds."""
    return await fetch_one(db, Submission, LAUNCHED, submission_id, holder, state, reason, retry_s)


UNITS = """
    SELECT u.number, u.parameter, u.index, u.seed, u.run, u.subrun, u.first_event, u.events
      FROM work_unit u WHERE u.submission_id = $1 ORDER BY u.number
"""

UNIT_FILES = """
    SELECT i.number, f.id, f.name, coalesce(f.location, f.name) AS path, f.size, f.checksum, f.replicas,
           f.location IS NULL AS is_elsewhere
      FROM input_file i JOIN file f ON f.id = i.file_id
     WHERE i.submission_id = $1 ORDER BY i.number, f.id
"""


async def list_units(db: Database, submission_id: int) -> list[dict[str, Any]]:
    """The submission's work units as the payload wants them."""
    made = {row["number"]: _render_unit(dict(row)) for row in await db.fetch(UNITS, submission_id)}
    for row in await db.fetch(UNIT_FILES, submission_id):
        file = dict(row)
        file["is_elsewhere"] |= not is_path(file["path"])
        made[file.pop("number")]["files"].append(file)
    return list(made.values())


def _render_unit(row: dict[str, Any]) -> dict[str, Any]:
    number, parameter = row.pop("number"), row.pop("parameter")
    generator = row if row["index"] is not None else None
    return {"number": number, "parameter": parameter, "files": [], "generator": generator}


SAY = """
    INSERT INTO launch_output (submission_id, sequence, attempt, text)
    SELECT $1, coalesce(max(sequence), 0) + 1, $2, left($3, 20000) FROM launch_output WHERE submission_id = $1
    ON CONFLICT DO NOTHING
    RETURNING sequence
"""


async def append_log(db: Database, attempt: LaunchAttempt, text: str) -> None:
    """Append a piece to the launch's own log, at most 20,000 characters; whoever comes second takes the next place."""
    while await db.fetchval(SAY, attempt.submission_id, attempt.attempt, text) is None:
        pass


BY_SUBMISSION = f"""
    SELECT {ATTEMPT_COLUMNS} FROM launch_attempt WHERE submission_id = ANY($1::bigint[])
     ORDER BY submission_id, attempt
"""


async def list_by_submissions(db: Database, ids: Sequence[int]) -> list[LaunchAttempt]:
    """All attempts of these submissions, oldest first."""
    return await fetch_many(db, LaunchAttempt, BY_SUBMISSION, ids)


CONFIRM = """
    UPDATE launch_attempt SET state = 'confirmed', updated_at = now()
     WHERE (batch_system, native_id) IN (SELECT $1, unnest($2::text[])) AND state IN ('acknowledged', 'opened')
"""


async def record_open_gates(conn: Connection, batch_system: str, native_ids: Sequence[str]) -> None:
    """Note that jobs of these clusters have started: the gate is open, whoever opened it."""
    await conn.execute(CONFIRM, batch_system, native_ids)
