"""Schedules of stages, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db import schedules
from door.describe import thing
from schema.problems import Invalid, NotFound, NotPermitted


@thing
class Schedule:
    """When a stage's next slice is launched by the clock."""

    cron: str
    """Five fields: minute, hour, day of the month, month, day of the week."""
    zone: str
    """On whose clocks, such as `Europe/Paris`."""
    active: bool
    """False once its splits are exhausted, or somebody cleared it."""
    next_at: datetime
    """The next turn; turns that were missed are taken once, not once each."""
    last_at: datetime | None
    """The last turn that was taken."""
    last_said: str
    """What came of it."""

    @classmethod
    def of(cls, row: schedules.Schedule) -> "Schedule":
        """Show a row."""
        return cls(
            cron=row.cron,
            zone=row.zone,
            active=row.active,
            next_at=row.next_at,
            last_at=row.last_at,
            last_said=row.last_said,
        )


SetScheduleResult = Annotated[
    Schedule | NotFound | NotPermitted | Invalid, strawberry.union("SetScheduleResult")
]
