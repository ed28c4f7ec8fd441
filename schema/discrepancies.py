"""What the database and the batch systems say differently of launches, as a client sees it."""

from datetime import datetime
from typing import Annotated

import strawberry

from db import discrepancies
from domain.discrepancies import Cluster, DiscrepancyKind, Repair, Resolution, proposal
from door.describe import choice, thing
from door.pages import Node
from schema.context import Info
from schema.fields import reads
from schema.ids import made
from schema.people import Person, person
from schema.problems import IdempotencyKeyReused, Invalid, NotFound, NotPermitted, Problem
from schema.submissions import Submission, found

choice(DiscrepancyKind)
choice(Repair)
choice(Resolution)


@thing
class ProposedRepair:
    """What would set a discrepancy right; nothing is repaired unless somebody asks for it."""

    repair: Repair
    """What kind of thing."""
    does: str
    """What exactly, in a sentence."""
    asked_at: datetime | None
    """When a worker tries it next; null when nobody has asked, or it was done."""
    done_at: datetime | None
    """When a worker did it; the discrepancy is over when the batch system has followed."""
    said: str
    """What came of it so far."""


@thing
class Discrepancy(Node):
    """A cluster of which the database and a batch system say different things."""

    kind: DiscrepancyKind
    """How they differ."""
    batch_system: str
    """Where."""
    native_id: str
    """The cluster's id there; of a launch script that was cut off, the launch's mark."""
    mark: str
    """The launch's mark that it carries."""
    jobs: int
    """Its jobs that are not over there."""
    started: bool
    """Whether any of its jobs has ever started."""
    details: str
    """What is said by whom."""
    proposed_repair: ProposedRepair
    """What would set it right."""
    first_seen: datetime
    """When it was found."""
    last_seen: datetime
    """When it was still there."""
    resolution: Resolution | None
    """How it ended; null while it is open."""
    resolved_at: datetime | None
    """When it ended."""
    reason: str
    """Why it was dismissed."""
    row: strawberry.Private[discrepancies.Discrepancy]

    @classmethod
    def of(cls, row: discrepancies.Discrepancy) -> "Discrepancy":
        """Show a row."""
        cluster = Cluster(row.native_id, row.mark, row.jobs, row.started)
        repair = ProposedRepair(
            repair=row.repair,
            does=proposal(row.repair, row.batch_system, cluster),
            asked_at=row.repair_at,
            done_at=row.repaired_at,
            said=row.said,
        )
        return cls(
            id=made("discrepancy", row.id),
            kind=row.kind,
            batch_system=row.batch_system,
            native_id=row.native_id,
            mark=row.mark,
            jobs=row.jobs,
            started=row.started,
            details=row.details,
            proposed_repair=repair,
            first_seen=row.first_seen,
            last_seen=row.last_seen,
            resolution=row.resolution,
            resolved_at=row.resolved_at,
            reason=row.reason,
            row=row,
        )

    @reads()
    async def submission(self, info: Info) -> Submission | None:
        """The submission that it was launched for; null where the database doesn't know it."""
        return await found(info, self.row.submission_id)

    @reads()
    async def resolved_by(self, info: Info) -> Person | None:
        """Who asked for the repair, or dismissed it."""
        return await person(info, self.row.resolved_by) if self.row.resolved_by else None


@thing
class RepairPlanned:
    """What a repair would do; nothing was asked for."""

    discrepancy: Discrepancy
    """As it is now, with its `proposedRepair`."""


@thing
class DiscrepancyOver(Problem):
    """It is not there any more, or was dismissed."""

    how: Resolution
    """How it ended."""


RepairDiscrepancyResult = Annotated[
    Discrepancy | RepairPlanned | NotFound | NotPermitted | DiscrepancyOver | IdempotencyKeyReused,
    strawberry.union("RepairDiscrepancyResult"),
]
DismissDiscrepancyResult = Annotated[
    Discrepancy | NotFound | NotPermitted | Invalid | DiscrepancyOver,
    strawberry.union("DismissDiscrepancyResult"),
]
