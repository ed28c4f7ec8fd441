"""The life of one submission."""

from dataclasses import dataclass
from enum import StrEnum


class SubmissionState(StrEnum):
    """Where a submission is. `completed` means that batch work is over, `located` that outputs are usable."""

    QUEUED = "queued"
    NEW = "new"
    SUBMITTING = "submitting"
    UNCERTAIN = "uncertain"
    IDLE = "idle"
    RUNNING = "running"
    HELD = "held"
    COMPLETED = "completed"
    LOCATED = "located"
    LAUNCH_FAILED = "launch_failed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REMOVED = "removed"

    @property
    def is_live(self) -> bool:
        """True while it may still run something: its files are in no other submission of the stage."""
        return self in LIVE

    @property
    def is_at_batch(self) -> bool:
        """True while its state follows from what the batch system says of its jobs."""
        return self in AT_BATCH


LAUNCHING = frozenset({SubmissionState.SUBMITTING, SubmissionState.UNCERTAIN})
AT_BATCH = frozenset({SubmissionState.IDLE, SubmissionState.RUNNING, SubmissionState.HELD})
LIVE = AT_BATCH | {
    SubmissionState.QUEUED,
    SubmissionState.NEW,
    SubmissionState.SUBMITTING,
    SubmissionState.UNCERTAIN,
}

ENDS = frozenset(
    {
        SubmissionState.COMPLETED,
        SubmissionState.FAILED,
        SubmissionState.CANCELLED,
        SubmissionState.REMOVED,
    }
)
"""As what a submission ends whose jobs are over."""
_FROM_UNCERTAIN = AT_BATCH | ENDS | {SubmissionState.NEW, SubmissionState.LAUNCH_FAILED}
"""Jobs that have started prove a launch of which its launcher has not heard yet: any state of theirs may follow."""

TRANSITIONS: dict[SubmissionState, frozenset[SubmissionState]] = {
    SubmissionState.QUEUED: frozenset({SubmissionState.NEW, SubmissionState.CANCELLED}),
    SubmissionState.NEW: frozenset({SubmissionState.SUBMITTING, SubmissionState.CANCELLED}),
    SubmissionState.SUBMITTING: _FROM_UNCERTAIN | {SubmissionState.UNCERTAIN},
    SubmissionState.UNCERTAIN: _FROM_UNCERTAIN,
    **{state: (AT_BATCH | ENDS) - {state} for state in AT_BATCH},
    SubmissionState.COMPLETED: frozenset({SubmissionState.LOCATED}),
    SubmissionState.LOCATED: frozenset(),
    SubmissionState.LAUNCH_FAILED: frozenset({SubmissionState.LOCATED}),
    SubmissionState.FAILED: frozenset({SubmissionState.LOCATED}),
    SubmissionState.CANCELLED: frozenset({SubmissionState.LOCATED}),
    SubmissionState.REMOVED: frozenset({SubmissionState.LOCATED}),
}
"""What a submission may become: which state may follow which; the database refuses any other move. What ended otherwise
than `completed` becomes `located` when its recoveries made up for it, `failed` and `launch_failed` also when somebody
kicks them."""


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs of a submission are in each state."""

    idle: int = 0
    running: int = 0
    held: int = 0
    succeeded: int = 0
    failed: int = 0
    removed: int = 0
    unknown: int = 0

    @property
    def unfinished(self) -> int:
        """Jobs that may still do something."""
        return self.idle + self.running + self.held + self.unknown

    @property
    def total(self) -> int:
        """All jobs."""
        return self.unfinished + self.succeeded + self.failed + self.removed


def derive_state(jobs: JobCounts, *, cancelled: bool = False) -> SubmissionState:
    """The state that follows from the jobs; `cancelled` says that we asked for their removal.

    Over: jobs were removed because somebody asked us → cancelled, whatever the others did, since nobody
    wants it done again; twice the failures outnumber the successes → failed; more than one removed by
    somebody else and none succeeded → removed; otherwise completed. Not over: held only when nothing else
    is left to run, so that one held job of many doesn't hide that the others go on.
    """
    if jobs.unfinished == 0:
        return _end_of(jobs, cancelled=cancelled)
    if jobs.running or jobs.unknown:
        return SubmissionState.RUNNING
    return SubmissionState.IDLE if jobs.idle else SubmissionState.HELD


def _end_of(jobs: JobCounts, *, cancelled: bool) -> SubmissionState:
    if jobs.removed and cancelled:
        return SubmissionState.CANCELLED
    if jobs.failed * 2 > jobs.succeeded and jobs.failed:
        return SubmissionState.FAILED
    if jobs.removed and not jobs.succeeded and (jobs.removed > 1 or jobs.total == 1):
        return SubmissionState.REMOVED
    return SubmissionState.COMPLETED
