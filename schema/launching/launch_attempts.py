"""Attempts to hand submissions to their batch systems, as a client sees them."""

from datetime import datetime

from db.launching import launches
from domain.launching.launches import LaunchState, ScriptEnd
from door.describe import declare_enum_type, declare_object_type
from schema.context import Info

declare_enum_type(LaunchState)
declare_enum_type(ScriptEnd)


@declare_object_type
class LaunchAttempt:
    """One attempt to hand a submission to its batch system."""

    attempt: int
    """Counted from 1."""
    batch_system: str
    """Where its jobs were to run."""
    mark: str
    """By which its jobs are found again, whatever dies in between."""
    state: LaunchState
    """How far it came."""
    native_id: str | None
    """What the batch system calls it; of a launch script, its first cluster."""
    script_end: ScriptEnd | None
    """How its launch script ended; null while that runs, and where there is none."""
    exit_code: int | None
    """With what its launch script ended, if that ended by itself; above 128: by that signal."""
    result_message: str
    """What came of it, in words."""
    at: datetime
    """When it began."""
    updated_at: datetime
    """When it came this far."""

    @classmethod
    def of(cls, row: launches.LaunchAttempt) -> "LaunchAttempt":
        """Show a row."""
        return cls(**{name: getattr(row, name) for name in cls.__annotations__})


async def list_attempts(info: Info, submission_id: int) -> list[LaunchAttempt]:
    """Each attempt to hand a submission to its batch system, oldest first."""
    rows = await info.context.load.launch_attempts_of.load(submission_id)
    return [LaunchAttempt.of(row) for row in rows]
