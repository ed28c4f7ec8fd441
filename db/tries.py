"""What was tried to recover submissions, and what came of it; what a person is asked to decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, Database, many
from domain.recovery import Worth


@dataclass(frozen=True, slots=True)
class Try:
    """One row of `recovery_try`."""

    id: int
    origin_id: int
    type: str
    position: int | None
    round: int | None
    result: Worth
    taken: int
    everything: int
    submission_id: int | None
    person_id: int | None
    at: datetime


COLUMNS = ", ".join(Try.__dataclass_fields__)

NOTE = """
    INSERT INTO recovery_try (origin_id, type, position, round, result, taken, everything, submission_id, person_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a try: of how many files how many it takes, and what it launched."""

    result: Worth
    taken: int = 0
    everything: int = 0
    submission_id: int | None = None
    person_id: int | None = None


async def note(
    conn: Connection, origin_id: int, type_: str, place: tuple[int, int] | None, made: Made
) -> None:
    """Write down what came of a recovery, by its place (position, round) in the list or by hand."""
    await conn.execute(
        NOTE, origin_id, type_, *(place or (None, None)),
        made.result, made.taken, made.everything, made.submission_id, made.person_id,
    )  # fmt: skip


OF_ORIGINS = f"""
    SELECT {COLUMNS} FROM recovery_try WHERE origin_id = ANY($1::bigint[]) ORDER BY origin_id, id
"""


async def of_origins(db: Database, ids: Sequence[int]) -> list[Try]:
    """Every try for these submissions, oldest first."""
    return await many(db, Try, OF_ORIGINS, ids)


ASK = """
    WITH moved AS (
        UPDATE submission SET asks = $2, revision = revision + 1 WHERE id = $1 AND asks <> $2 RETURNING *
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, body)
    SELECT experiment_id, campaign_id, id, 'submission.asks', submission_image(moved) FROM moved
"""


async def ask(conn: Connection, origin_id: int, text: str) -> None:
    """Ask a person something about a submission, or (with no text) nothing any more; told once."""
    await conn.execute(ASK, origin_id, text)
