"""What was tried to recover submissions, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, Database, fetch_many
from domain.recovery.recovery_decisions import RecoveryDecision


@dataclass(frozen=True, slots=True)
class RecoveryAttempt:
    """One row of `recovery_attempt`."""

    id: int
    origin_id: int
    type: str
    position: int | None
    round: int | None
    decision: RecoveryDecision
    taken_count: int
    total_count: int
    submission_id: int | None
    person_id: int | None
    at: datetime


COLUMNS = ", ".join(RecoveryAttempt.__dataclass_fields__)

NOTE = """
    INSERT INTO recovery_attempt
           (origin_id, type, position, round, decision, taken_count, total_count, submission_id, person_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


@dataclass(frozen=True, slots=True)
class RecoveryOutcome:
    """What came of a try: of how many files how many it takes, and what it launched."""

    decision: RecoveryDecision
    taken_count: int = 0
    total_count: int = 0
    submission_id: int | None = None
    person_id: int | None = None


async def record(
    conn: Connection,
    origin_id: int,
    type_: str,
    place: tuple[int, int] | None,
    outcome: RecoveryOutcome,
) -> None:
    """Write down what came of a recovery, by its place (position, round) in the list or by hand."""
    await conn.execute(
        NOTE, origin_id, type_, *(place or (None, None)),
        outcome.decision, outcome.taken_count, outcome.total_count, outcome.submission_id, outcome.person_id,
    )  # fmt: skip


OF_ORIGINS = f"""
    SELECT {COLUMNS} FROM recovery_attempt WHERE origin_id = ANY($1::bigint[]) ORDER BY origin_id, id
"""


async def list_by_origins(db: Database, ids: Sequence[int]) -> list[RecoveryAttempt]:
    """Every try for these submissions, oldest first."""
    return await fetch_many(db, RecoveryAttempt, OF_ORIGINS, ids)
