"""How far a campaign is, as a client sees it."""

from typing import Annotated

import strawberry

from db import progress
from domain.submissions import SubmissionState
from door.describe import thing
from schema.ids import made
from schema.numbers import BigInt
from schema.problems import NotFound
from schema.submissions import share


@thing
class StateCount:
    """How many submissions are in a state."""

    state: SubmissionState
    count: int


@thing
class StageProgress:
    """The sums over all submissions of a stage, tests left out."""

    stage_id: strawberry.ID
    name: str
    slices: int
    """How many slices were launched."""
    submissions_total: int
    submissions: list[StateCount]
    """By state; states without submissions are left out."""
    jobs_total: BigInt
    jobs_idle: BigInt
    jobs_running: BigInt
    jobs_held: BigInt
    jobs_succeeded: BigInt
    jobs_failed: BigInt
    jobs_removed: BigInt
    jobs_unknown: BigInt
    files_waiting: BigInt
    files_delivered: BigInt
    files_consumed: BigInt
    files_skipped: BigInt
    files_done: BigInt
    files_failed: BigInt
    outputs_declared: BigInt
    outputs_located: BigInt
    outputs_lost: BigInt
    outputs_superseded: BigInt
    events_located: BigInt
    cpu_s: float
    wall_s: float
    wall_wasted_s: float
    """Wall clock seconds of jobs that are over and did not succeed."""
    wall_efficiency: float | None
    """Wall clock time that was not wasted, as a share of all."""
    cpu_efficiency: float | None
    """CPU time as a share of wall clock time; above 1 where jobs use several cores."""
    memory_efficiency: float | None
    """Memory that was used as a share of what was asked for."""

    @classmethod
    def of(cls, row: progress.StageProgress) -> "StageProgress":
        """Show the sums."""
        states = [
            StateCount(state=state, count=row.submissions[state])
            for state in SubmissionState
            if state in row.submissions
        ]
        return cls(
            stage_id=made("stage", row.stage_id),
            submissions_total=sum(count.count for count in states),
            submissions=states,
            jobs_total=sum(getattr(row, name) for name in SUMS if name.startswith("jobs_")),
            wall_efficiency=share(row.wall_s - row.wall_wasted_s, row.wall_s),
            cpu_efficiency=share(row.cpu_s, row.wall_s),
            memory_efficiency=share(row.memory_used_mb, row.memory_requested_mb),
            **{name: getattr(row, name) for name in ("name", "slices", *SUMS)},
        )


SUMS = tuple(
    name for name in progress.SUMS if name not in ("memory_used_mb", "memory_requested_mb")
)


@thing
class CampaignProgress:
    """How far the stages of a campaign are."""

    head: str
    """Read before the sums were: no change after this cursor is missing."""
    campaign_id: strawberry.ID
    stages: list[StageProgress]


CampaignProgressItem = Annotated[
    CampaignProgress | NotFound,
    strawberry.union("CampaignProgressItem", description="What comes of a watched campaign."),
]
