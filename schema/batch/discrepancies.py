"""What the database and the batch systems say differently of launches, as a client sees it."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.batch import discrepancies
from domain.batch.reconciliation import ReportedCluster, describe_repair
from domain.discrepancies import DiscrepancyKind, Repair, Resolution
from door.describe import declare_enum_type, declare_object_type
from door.pages import Node
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.people.people import Person, load_person
from schema.problems import Invalid, MutationProblem, Problem
from schema.submissions.submissions import Submission, load_submission

declare_enum_type(Resolution)


@declare_object_type
class ProposedRepair:
    """What would set a discrepancy right; nothing is repaired unless somebody asks for it."""

    repair: Repair
    """What kind of thing."""
    description: str
    """What exactly, in a sentence."""
    next_try_at: datetime | None
    """When a worker tries it next; null when nobody has asked, or it was done."""
    done_at: datetime | None
    """When a worker did it; the discrepancy is over when the batch system has followed."""
    result_message: str
    """What came of it so far."""


@declare_object_type
class Discrepancy(Node):
    """What the database and a batch system say differently of a cluster, or what workers fail at again and again."""

    kind: DiscrepancyKind
    """How they differ."""
    batch_system: str
    """Where; empty where it is at none."""
    native_id: str
    """The cluster's id there; of a launch script that was cut off, the launch's mark; of what was set aside, the
    worker's loop and the thing that it fails at."""
    mark: str
    """The launch's mark that it carries."""
    jobs: int
    """Its jobs that are not over there; of unreadable reports, how many jobs reported so."""
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
        cluster = ReportedCluster(row.native_id, row.mark, row.jobs, row.started)
        repair = ProposedRepair(
            repair=row.repair,
            description=describe_repair(row.repair, row.batch_system, cluster),
            next_try_at=row.repair_at,
            done_at=row.repaired_at,
            result_message=row.result_message,
        )
        return cls(
            id=node_id("discrepancy", row.id),
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

    @declare_query()
    async def submission(self, info: Info) -> Submission | None:
        """The submission that it was launched for; null where the database doesn't know it."""
        return await load_submission(info, self.row.submission_id)

    @declare_query()
    async def resolved_by(self, info: Info) -> Person | None:
        """Who asked for the repair, or dismissed it."""
        return await load_person(info, self.row.resolved_by) if self.row.resolved_by else None


@declare_object_type
class RepairPlanned:
    """What a repair would do; nothing was asked for."""

    discrepancy: Discrepancy
    """As it is now, with its `proposedRepair`."""


@declare_object_type
class DiscrepancyOver(Problem):
    """It is not there any more, or was dismissed."""

    outcome: Resolution
    """How it ended."""


@declare_object_type
class DiscrepanciesDecision:
    """What was decided about many discrepancies at once, or would be."""

    decided: int
    """How many were asked to be repaired, or were dismissed; of a dry run: would be."""
    refused: int
    """Those about which you may not decide, and, of repairs, those for which POMS could do nothing."""
    more: bool
    """There are more than one request decides about: ask again."""


DecideDiscrepanciesResult = Annotated[
    DiscrepanciesDecision | MutationProblem | Invalid, strawberry.union("DecideDiscrepanciesResult")
]
RepairDiscrepancyResult = Annotated[
    Discrepancy | RepairPlanned | MutationProblem | DiscrepancyOver,
    strawberry.union("RepairDiscrepancyResult"),
]
DismissDiscrepancyResult = Annotated[
    Discrepancy | MutationProblem | Invalid | DiscrepancyOver,
    strawberry.union("DismissDiscrepancyResult"),
]
