"""What people asked of submissions' jobs, and how far workers have carried it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Database, many, one
from domain.jobs import Verb


@dataclass(frozen=True, slots=True)
class Action:
    """One row of `action`."""

    id: int
    submission_id: int
    verb: Verb
    reason: str
    person_id: int
    at: datetime
    tries: int
    try_at: datetime
    done_at: datetime | None
    said: str


COLUMNS = ", ".join(Action.__dataclass_fields__)

ASK = f"""
    WITH asked AS (
        INSERT INTO action (submission_id, verb, reason, person_id) VALUES ($1, $2, $3, $4)
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, body)
        SELECT s.experiment_id, s.campaign_id, s.id, 'action.asked',
               jsonb_build_object('verb', asked.verb, 'reason', asked.reason)
          FROM asked JOIN submission s ON s.id = asked.submission_id
    )
    SELECT {COLUMNS} FROM asked
"""


async def ask(db: Database, submission_id: int, verb: Verb, reason: str, person_id: int) -> Action:
    """Write down what somebody wants; a worker does it."""
    found = await one(db, Action, ASK, submission_id, verb, reason, person_id)
    assert found is not None  # noqa: S101 - an INSERT of one row returns one
    return found


# Whoever takes an action has 30 seconds for it; then another may.
TAKE = f"""
    UPDATE action SET tries = tries + 1, try_at = now() + interval '30 seconds'
     WHERE id = (SELECT id FROM action WHERE done_at IS NULL AND try_at <= now()
                  ORDER BY try_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def take(db: Database) -> Action | None:
    """The next action that wants doing."""
    return await one(db, Action, TAKE)


DONE = """
    WITH done AS (
        UPDATE action SET done_at = now(), said = $2 WHERE id = $1 AND done_at IS NULL RETURNING *
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, body)
    SELECT s.experiment_id, s.campaign_id, s.id, 'action.done',
           jsonb_build_object('verb', done.verb, 'reason', done.reason, 'said', done.said)
      FROM done JOIN submission s ON s.id = done.submission_id
"""


async def done(db: Database, id: int, said: str = "") -> None:
    """Note that an action has been carried out, or why it can't be."""
    await db.execute(DONE, id, said)


LATER = "UPDATE action SET try_at = now() + make_interval(secs => $2), said = $3 WHERE id = $1"


async def later(db: Database, id: int, seconds: float, said: str) -> None:
    """Try an action again after a while, and say why."""
    await db.execute(LATER, id, seconds, said)


BY_SUBMISSIONS = f"""
    SELECT {COLUMNS} FROM action WHERE submission_id = ANY($1::bigint[]) ORDER BY submission_id, id
"""


async def by_submissions(db: Database, ids: Sequence[int]) -> list[Action]:
    """All actions of these submissions, oldest first."""
    return await many(db, Action, BY_SUBMISSIONS, ids)
