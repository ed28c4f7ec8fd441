"""Schedules of stages, as a client sees them."""

from datetime import datetime
from itertools import islice
from typing import Annotated

import strawberry

from db.campaigns import schedules
from domain.campaigns.schedules import CatchUp, iterate_times
from door.describe import declare_enum_type, declare_input_type, declare_object_type
from door.pages import make_input_error
from schema.context import Info
from schema.fields import declare_query
from schema.problems import Invalid, MutationProblem

declare_enum_type(CatchUp)

MOST_RUNS = 100


@declare_object_type
class Schedule:
    """When a stage's next slice is launched by the clock."""

    cron: str
    """Five fields: minute, hour, day of the month, month, day of the week."""
    zone: str
    """On whose clocks, such as `Europe/Paris`."""
    active: bool
    """False once somebody cleared it, or its splits are exhausted and it was to end then."""
    catch_up: CatchUp
    """What becomes of turns that were missed."""
    until_exhausted: bool
    """Whether it ends when there are no more slices, as its stage says; else it goes on, for what comes later."""
    next_at: datetime
    """The next turn. One whose stage has a launch that waits launches nothing."""
    last_at: datetime | None
    """The last turn that was taken."""
    last_result_message: str
    """What came of it."""

    @classmethod
    def of(cls, row: schedules.Schedule) -> "Schedule":
        """Show a row."""
        return cls(
            cron=row.cron,
            zone=row.zone,
            active=row.active,
            catch_up=row.catch_up,
            until_exhausted=row.until_exhausted,
            next_at=row.next_at,
            last_at=row.last_at,
            last_result_message=row.last_result_message,
        )

    @declare_query()
    async def next_runs(self, info: Info, first: int = 5) -> list[datetime]:
        """The next turns, at most 100; none of a schedule that is over."""
        if not 0 <= first <= MOST_RUNS:
            raise make_input_error(f"first is 0 to {MOST_RUNS}.")
        if not self.active or first == 0:
            return []
        later = iterate_times(self.cron, self.zone, self.next_at)
        return [self.next_at, *islice(later, first - 1)]


@declare_input_type
class SetScheduleInput:
    """When a stage's next slice shall be launched by the clock."""

    id: strawberry.ID
    """The stage's."""
    cron: str | None = None
    """Five fields: minute, hour, day of the month, month, day of the week; null: never again."""
    zone: str = "UTC"
    """On whose clocks, such as `Europe/Paris`."""
    catch_up: CatchUp = CatchUp.ONCE
    """What becomes of turns that were missed."""
    until_exhausted: bool | None = None
    """The stage's own setting, whether the schedule ends when there are no more slices; null leaves it as it is."""


SetScheduleResult = Annotated[
    Schedule | MutationProblem | Invalid, strawberry.union("SetScheduleResult")
]
