"""The life of one batch job."""

from dataclasses import dataclass
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


class Verb(StrEnum):
    """What can be asked of a batch system about jobs that it has."""

    REMOVE = "remove"
    HOLD = "hold"
    RELEASE = "release"


MOST_RESOURCE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Resources:
    """What one job may use: cores, MB of memory and disk, seconds of wall time."""

    cpus: int = 1
    memory_mb: int = 2000
    disk_mb: int = 2000
    walltime_s: int = 28_800
