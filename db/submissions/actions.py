"""What people asked of submissions' jobs, and how far workers have carried it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from db.changes import sign_as_person, sign_as_service
from db.pool import Database, fetch_many, fetch_one
from db.setbacks import leave_out
from domain.changes import ServicePart
from domain.submissions.jobs import JobActionVerb


@dataclass(frozen=True, slots=True)
class Action:
    """One row of `action`."""

    id: int
    submission_id: int
    verb: JobActionVerb
    reason: str
    person_id: int
    at: datetime
    attempts: int
    next_try_at: datetime
    done_at: datetime | None
    result_message: str
    lease_until: datetime | None


@dataclass(frozen=True, slots=True)
class TakenAction(Action):
    """One that is ours to carry out until its lease ends; `attempts` says which taking of it is ours."""

    batch_system: str


COLUMNS = ", ".join(Action.__dataclass_fields__)

ASK = f"""
    WITH asked AS (
        INSERT INTO action (submission_id, verb, reason, person_id) VALUES ($1, $2, $3, $4)
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
        SELECT s.experiment_id, s.campaign_id, s.id, 'action.requested', {sign_as_person("asked.person_id")},
               nullif(asked.reason, ''), jsonb_build_object('verb', asked.verb)
          FROM asked JOIN submission s ON s.id = asked.submission_id
    )
    SELECT {COLUMNS} FROM asked
"""


async def request_action(
    db: Database, submission_id: int, verb: JobActionVerb, reason: str, person_id: int
) -> Action:
    """Write down what somebody wants; a worker does it."""
    found = await fetch_one(db, Action, ASK, submission_id, verb, reason, person_id)
    assert found is not None  # noqa: S101 - an INSERT of one row returns one
    return found


# In the order in which they were asked for; what was tried in vain gives way to a removal that was asked for after it,
# which ends it: who holds what is to be removed would keep it.
TAKE = f"""
    UPDATE action SET attempts = attempts + 1, lease_until = now() + make_interval(secs => $1)
     WHERE id = (SELECT a.id FROM action a JOIN submission s ON s.id = a.submission_id
                  WHERE a.done_at IS NULL AND coalesce(a.lease_until, a.next_try_at) <= now()
                    AND s.batch_system <> ALL($2::text[]) AND {leave_out("act", "'action:' || a.id")}
                    AND NOT EXISTS (SELECT FROM action b
                                     WHERE b.submission_id = a.submission_id AND b.lease_until IS NOT NULL
                                       AND b.id <> a.id)
                    AND a.id = (SELECT min(b.id) FROM action b
                                 WHERE b.submission_id = a.submission_id AND b.done_at IS NULL
                                   AND (b.verb = 'remove' OR b.attempts = 0 OR b.lease_until IS NOT NULL
                                        OR NOT EXISTS (SELECT FROM action r
                                                        WHERE r.submission_id = b.submission_id AND r.id > b.id
                                                          AND r.done_at IS NULL AND r.verb = 'remove')))
                  ORDER BY a.next_try_at LIMIT 1 FOR UPDATE OF a SKIP LOCKED)
    RETURNING {COLUMNS}, (SELECT batch_system FROM submission WHERE id = submission_id) AS batch_system
"""


async def claim_action(
    db: Database, lease_s: float, full: Sequence[str] = ()
) -> TakenAction | None:
    """The next action that wants doing, ours as long as its lease is renewed.

    None while another of its submission is carried out or comes first, or at batch systems that are `full`.
    """
    try:
        return await fetch_one(db, TakenAction, TAKE, lease_s, list(full))
    except asyncpg.UniqueViolationError:
        return None  # another worker took another one of the same submission at the same moment


RENEW = """
    UPDATE action SET lease_until = now() + make_interval(secs => $3)
     WHERE id = $1 AND attempts = $2 AND done_at IS NULL RETURNING attempts
"""


async def renew_lease(db: Database, id: int, attempt: int, lease_s: float) -> int | None:
    """Keep an action while it is carried out, or None when it is somebody else's by now."""
    renewed: int | None = await db.fetchval(RENEW, id, attempt, lease_s)
    return renewed


# Whoever comes after its lease has lost it. All that may be ended is locked first, in one order: two removals of one
# submission, one of which was held for lost, else wait for each other, as does one with whoever takes what it ends.
DONE = f"""
    WITH locked AS (
        SELECT x.id FROM action x
         WHERE x.submission_id = (SELECT submission_id FROM action WHERE id = $1) AND x.id <= $1 AND x.done_at IS NULL
         ORDER BY x.id FOR UPDATE
    ), done AS (
        UPDATE action SET done_at = now(), result_message = $3, lease_until = NULL
         WHERE id = $1 AND attempts = $2 AND done_at IS NULL AND (SELECT count(*) FROM locked) > 0
        RETURNING *
    ), ended AS (
        UPDATE action a SET done_at = now(), lease_until = NULL, result_message = 'Not done: its removal came first.'
          FROM done WHERE done.verb = 'remove' AND a.submission_id = done.submission_id AND a.done_at IS NULL
                      AND a.id < done.id
        RETURNING a.*
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT s.experiment_id, s.campaign_id, s.id, 'action.done', {sign_as_service(ServicePart.ACT)},
           nullif(x.reason, ''), jsonb_build_object('verb', x.verb, 'result_message', x.result_message)
      FROM (SELECT * FROM done UNION ALL SELECT * FROM ended) x JOIN submission s ON s.id = x.submission_id
"""


async def finish_action(db: Database, action: Action, message: str = "") -> None:
    """Note that an action has been carried out, or why it can't be, unless it is somebody else's by now."""
    await db.execute(DONE, action.id, action.attempts, message)


LATER = """
    UPDATE action SET next_try_at = now() + make_interval(secs => $3), result_message = $4, lease_until = NULL
     WHERE id = $1 AND attempts = $2 AND done_at IS NULL
"""


async def postpone_action(db: Database, action: Action, seconds: float, message: str) -> None:
    """Try an action again after a while, and say why, unless it is somebody else's by now."""
    await db.execute(LATER, action.id, action.attempts, seconds, message)


BY_SUBMISSIONS = f"""
    SELECT {COLUMNS} FROM action WHERE submission_id = ANY($1::bigint[]) ORDER BY submission_id, id
"""


async def list_by_submissions(db: Database, ids: Sequence[int]) -> list[Action]:
    """All actions of these submissions, oldest first."""
    return await fetch_many(db, Action, BY_SUBMISSIONS, ids)
