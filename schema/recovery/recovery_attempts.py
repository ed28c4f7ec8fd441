"""Recoveries that were thought of, as a client sees them."""

from datetime import datetime

import strawberry

from db.recovery import recovery_attempts
from domain.recovery.recovery_decisions import RecoveryDecision
from door.describe import declare_enum_type, declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.numbers import BigInt
from schema.people.people import Person, load_person
from schema.submissions.submissions import Submission, load_submission

declare_enum_type(RecoveryDecision)


@declare_object_type
class RecoveryAttempt:
    """A recovery that was thought of, by itself or by hand, and what came of it."""

    type: str
    """Which files it was for."""
    position: int | None
    """Its place in the stage's list, from 0; null: by hand."""
    round: int | None
    """Which round of that entry it was, from 0."""
    decision: RecoveryDecision
    """What came of it."""
    taken_count: BigInt
    """How many files (of a generator: units) it would take."""
    total_count: BigInt
    """Of how many."""
    at: datetime
    """When."""
    row: strawberry.Private[recovery_attempts.RecoveryAttempt]

    @classmethod
    def of(cls, row: recovery_attempts.RecoveryAttempt) -> "RecoveryAttempt":
        """Show a row."""
        return cls(
            type=row.type,
            position=row.position,
            round=row.round,
            decision=row.decision,
            taken_count=row.taken_count,
            total_count=row.total_count,
            at=row.at,
            row=row,
        )

    @declare_query()
    async def recovery(self, info: Info) -> Submission | None:
        """The submission that was launched."""
        return await load_submission(info, self.row.submission_id)

    @declare_query()
    async def by(self, info: Info) -> Person | None:
        """Who launched it by hand."""
        return await load_person(info, self.row.person_id) if self.row.person_id else None


async def list_attempts(info: Info, submission_id: int) -> list[RecoveryAttempt]:
    """Each recovery of a submission that was thought of, oldest first."""
    rows = await info.context.load.recovery_attempts_of.load(submission_id)
    return [RecoveryAttempt.of(row) for row in rows]
