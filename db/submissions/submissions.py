"""Submissions: the record, and the moves from one state to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.changes import sign_as_service
from db.pool import Database, fetch_many, fetch_one
from domain.changes import ServicePart
from domain.submissions.configuration import Configuration
from domain.submissions.submissions import JobCounts, SubmissionState


@dataclass(frozen=True, slots=True)
class Submission:
    """One row of `submission`."""

    id: int
    experiment_id: int
    campaign_id: int
    stage_id: int
    slice_id: int
    campaign_revision: int
    is_test: bool
    state: SubmissionState
    state_since: datetime
    revision: int
    reason: str
    created_by: int
    created_at: datetime
    ended_at: datetime | None
    archived_at: datetime | None
    advanced_at: datetime | None
    fired_at: datetime | None
    check_at: datetime | None
    origin_id: int | None
    recovery_position: int | None
    round: int | None
    upstream_id: int | None
    dependency_id: int | None
    trigger_no: int | None
    batch_system: str
    configuration: dict[str, Any]
    """As it is stored; `runs_with` reads it."""
    launch_attempt: int
    lease_until: datetime | None
    lease_holder: str | None
    kicked_by: int | None
    decision_needed: str
    overdue_since: datetime | None
    silent_since: datetime | None
    silence: str
    holds_files: bool
    counted: bool
    priority: int
    jobs: int
    jobs_idle: int
    jobs_running: int
    jobs_held: int
    jobs_succeeded: int
    jobs_failed: int
    jobs_removed: int
    jobs_unknown: int
    files: int
    files_waiting: int
    files_delivered: int
    files_consumed: int
    files_skipped: int
    files_done: int
    files_failed: int
    outputs_declared: int
    outputs_located: int
    outputs_lost: int
    outputs_superseded: int
    outputs_refused: int
    events_located: int
    cpu_s: float
    wall_s: float
    wall_wasted_s: float
    memory_used_mb: float
    memory_requested_mb: float

    @property
    def output_ancestor_depth(self) -> int:
        """How many steps below its inputs the outputs are that count."""
        return self.runs_with.output_ancestor_depth

    @property
    def runs_with(self) -> Configuration:
        """What it runs with; raises WrongConfiguration where that can't be read."""
        return Configuration.from_json(self.configuration)

    @property
    def counts(self) -> JobCounts:
        """Its jobs by state."""
        return JobCounts(
            self.jobs_idle,
            self.jobs_running,
            self.jobs_held,
            self.jobs_succeeded,
            self.jobs_failed,
            self.jobs_removed,
            self.jobs_unknown,
        )

    @property
    def family(self) -> int:
        """The id of the submission that this one recovers, or its own."""
        return self.origin_id or self.id


COLUMNS = ", ".join(Submission.__dataclass_fields__)
"""To be spliced into statements of this room (never anything that a user wrote)."""

S_COLUMNS = ", ".join(f"s.{name}" for name in Submission.__dataclass_fields__)

BY_IDS = f"SELECT {COLUMNS} FROM submission WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Submission]:
    """Find the submissions that exist among these."""
    return await fetch_many(db, Submission, BY_IDS, ids)


async def find_by_id(db: Database, id: int) -> Submission | None:
    """Find one submission."""
    return await fetch_one(db, Submission, BY_IDS, [id])


def tell_moves(by: str) -> str:
    """The change that goes with a move: drawn from the CTE `moved`, so that its id comes after the row lock.

    `by` is SQL for who moves it, as `db.changes.sign_as_person` and `sign_as_service` write it.
    """
    return f"""
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, campaign_id, id, 'submission.' || state, {by}, nullif(reason, ''), submission_image(moved)
      FROM moved
"""


MOVE = f"""
    WITH moved AS (
        UPDATE submission SET state = $3, reason = $4, state_since = now(), revision = revision + 1
         WHERE id = $1 AND state = ANY($2::submission_state[])
        RETURNING *
    ), told AS ({tell_moves(sign_as_service(ServicePart.ADVANCE))})
    SELECT {COLUMNS} FROM moved
"""


async def move_state(
    db: Database,
    id: int,
    old: Sequence[SubmissionState],
    new: SubmissionState,
    reason: str = "",
) -> Submission | None:
    """Move a submission on, or return None when it is not in one of the old states any more."""
    return await fetch_one(db, Submission, MOVE, id, list(old), new, reason)
