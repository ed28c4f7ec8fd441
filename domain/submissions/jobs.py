"""The life of one batch job."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is; `unknown` is a state that the batch system named and we don't know."""

    IDLE = "idle"
    RUNNING = "running"
    HELD = "held"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REMOVED = "removed"
    UNKNOWN = "unknown"

    @property
    def is_over(self) -> bool:
        """True once the batch system will not start it again."""
        return self in _OVER


# Made once: to look up three members takes ten times as long as to look through them.
_OVER = (JobState.SUCCEEDED, JobState.FAILED, JobState.REMOVED)


class JobActionVerb(StrEnum):
    """What can be asked of a batch system about jobs that it has."""

    REMOVE = "remove"
    HOLD = "hold"
    RELEASE = "release"
