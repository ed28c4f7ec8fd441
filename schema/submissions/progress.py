"""How far a campaign is, as a client sees it."""

from typing import Annotated

import strawberry

from db.submissions import accounts, progress
from domain.submissions.submissions import SubmissionState
from door.describe import declare_enum_type, declare_object_type
from schema.ids import node_id
from schema.numbers import BigInt
from schema.problems import NotFound
from schema.submissions.accounts import Account

declare_enum_type(SubmissionState)


def compute_share(part: float, whole: float) -> float | None:
    """How much of the whole, or nothing where there is none."""
    return part / whole if whole > 0 else None


@declare_object_type
class StateCount:
    """How many submissions are in a state."""

    state: SubmissionState
    """The state."""
    count: int
    """How many submissions are in it."""


@declare_object_type
class StageProgress:
    """The sums over all submissions of a stage, tests left out."""

    stage_id: strawberry.ID
    """Whose sums these are."""
    name: str
    """The stage's name."""
    slices: int
    """How many slices were launched."""
    submissions_total: int
    """In whatever state."""
    submissions: list[StateCount]
    """By state; states without submissions are left out."""
    jobs_total: BigInt
    """In whatever state."""
    jobs_idle: BigInt
    """Waiting to run."""
    jobs_running: BigInt
    """Running now."""
    jobs_held: BigInt
    """Kept from running until they are released."""
    jobs_succeeded: BigInt
    """Over, and well."""
    jobs_failed: BigInt
    """Over, and not well."""
    jobs_removed: BigInt
    """Taken away by somebody."""
    jobs_unknown: BigInt
    """In states that we don't know."""
    files_waiting: BigInt
    """Inputs that no job has got yet."""
    files_delivered: BigInt
    """Inputs that a job has got."""
    files_consumed: BigInt
    """Inputs that a job has read."""
    files_skipped: BigInt
    """Inputs that a job left out."""
    files_done: BigInt
    """Inputs of which everything was made."""
    files_failed: BigInt
    """Inputs of which not everything could be made."""
    outputs_declared: BigInt
    """Jobs say that they made them; nobody has seen them yet."""
    outputs_located: BigInt
    """Outputs that were seen where they should be."""
    outputs_lost: BigInt
    """Outputs that are gone."""
    outputs_superseded: BigInt
    """Outputs of attempts that don't count."""
    outputs_refused: BigInt
    """Outputs that are there, but other files of the experiment have their names."""
    events_located: BigInt
    """Events in located outputs."""
    cpu_s: float
    """CPU seconds of jobs that are over."""
    wall_s: float
    """Wall clock seconds of jobs that are over."""
    wall_wasted_s: float
    """Wall clock seconds of jobs that are over and did not succeed."""
    wall_efficiency: float | None
    """Wall clock time that was not wasted, as a share of all."""
    cpu_efficiency: float | None
    """CPU time as a share of wall clock time; above 1 where jobs use several cores."""
    memory_efficiency: float | None
    """Memory that was used as a share of what was asked for."""

    account: Account
    """What became of inputs and outputs, each counted once: the sums above count every launch that has them."""

    @classmethod
    def of(cls, row: progress.StageProgress, account: accounts.Account) -> "StageProgress":
        """Show the sums."""
        states = [
            StateCount(state=state, count=row.submissions[state])
            for state in SubmissionState
            if state in row.submissions
        ]
        return cls(
            stage_id=node_id("stage", row.stage_id),
            submissions_total=sum(count.count for count in states),
            submissions=states,
            jobs_total=sum(getattr(row, name) for name in SUMS if name.startswith("jobs_")),
            wall_efficiency=compute_share(row.wall_s - row.wall_wasted_s, row.wall_s),
            cpu_efficiency=compute_share(row.cpu_s, row.wall_s),
            memory_efficiency=compute_share(row.memory_used_mb, row.memory_requested_mb),
            account=Account.of(account),
            **{name: getattr(row, name) for name in ("name", "slices", *SUMS)},
        )


SUMS = tuple(
    name
    for name in progress.SUMS
    if name not in ("memory_used_mb", "memory_requested_mb", "origins")
    and not name.startswith("inputs_")
)


@declare_object_type
class CampaignProgress:
    """How far the stages of a campaign are."""

    head: str
    """Read before the sums were: no change after this cursor is missing."""
    campaign_id: strawberry.ID
    """Whose sums these are."""
    account: Account
    """Of all its stages together."""
    stages: list[StageProgress]
    """In the order in which they were made."""


CampaignProgressItem = Annotated[
    CampaignProgress | NotFound,
    strawberry.union("CampaignProgressItem", description="What comes of a watched campaign."),
]
