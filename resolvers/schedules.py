"""Launching stages by the clock."""

from datetime import UTC, datetime

import strawberry

from db import schedules
from db import stages as rows
from domain.names import wrong_text
from domain.schedules import CatchUp, ScheduleError, next_time
from door.describe import thing
from resolvers import tenants
from schema.context import Info
from schema.fields import changes
from schema.ids import number
from schema.problems import Invalid, NotFound, NotPermitted
from schema.schedules import Schedule, SetScheduleResult


@thing
class ScheduleMutations:
    """Giving stages a schedule."""

    @changes("modify")
    async def set_schedule(
        self,
        info: Info,
        stage_id: strawberry.ID,
        cron: str | None = None,
        zone: str = "UTC",
        catch_up: CatchUp = CatchUp.ONCE,
        until_exhausted: bool | None = None,  # noqa: FBT001 - an argument in GraphQL
    ) -> SetScheduleResult:
        """Launch a stage's next slice by the clock; without `cron`, never again.

        `untilExhausted` is the stage's own setting: null leaves it as it is.
        """
        stage = await _changeable(info, stage_id)
        if not isinstance(stage, rows.Stage):
            return stage
        if cron is None:
            cleared = await schedules.clear(info.context.db, stage.id)
            nothing = Invalid(message=f"{stage.name} has no schedule.", field="cron")
            return Schedule.of(cleared) if cleared else nothing
        if said := wrong_text(cron, 200) or wrong_text(zone, 100):
            return Invalid(message=said, field="cron")
        try:
            first = next_time(cron, zone, datetime.now(UTC))
        except ScheduleError as e:
            return Invalid(message=str(e), field="cron")
        who = info.context.viewer.person_id
        wanted = schedules.Wanted(cron, zone, catch_up, until_exhausted)
        saved = await schedules.put(info.context.db, stage.id, wanted, first, who)
        await info.context.ring()
        return Schedule.of(saved)


async def _changeable(info: Info, id: strawberry.ID) -> rows.Stage | NotFound | NotPermitted:
    """A stage that the viewer may change."""
    key = number(id, "stage")
    stage = None if key is None else await info.context.load.stage.load(key)
    if stage is None or not info.context.allows("view", stage.experiment_id):
        return tenants.unknown("stage", id)
    campaign = await info.context.load.campaign.load(stage.campaign_id)
    if campaign is None:
        return tenants.unknown("stage", id)
    owner = campaign.owner_id, campaign.owning_role
    if not info.context.allows("modify", stage.experiment_id, *owner):
        return tenants.refused("modify", f"campaign {campaign.name}")
    return stage
