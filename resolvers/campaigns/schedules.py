"""Launching stages by the clock."""

from db.campaigns import schedules
from db.clock import read_time
from domain.campaigns.schedules import ScheduleError, find_next_time
from domain.names import check_text
from door.describe import declare_object_type
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import STAGE, find_allowed
from schema.campaigns.schedules import Schedule, SetScheduleInput, SetScheduleResult
from schema.context import Info
from schema.problems import Invalid, NotFound, NotPermitted


@declare_object_type
class ScheduleMutations:
    """Giving stages a schedule."""

    @declare_mutation("modify")
    async def set_schedule(
        self,
        info: Info,
        input: SetScheduleInput,  # noqa: A002
    ) -> SetScheduleResult:
        """Launch a stage's next slice by the clock; without `cron`, never again."""
        stage = await find_allowed(info, STAGE, input.id, "modify")
        if isinstance(stage, NotFound | NotPermitted):
            return stage
        cron, zone = input.cron, input.zone
        if cron is None:
            cleared = await schedules.delete(await begin_change(), stage.id)
            nothing = Invalid(message=f"{stage.name} has no schedule.", field="cron")
            return Schedule.of(cleared) if cleared else nothing
        if said := check_text(cron, 200) or check_text(zone, 100):
            return Invalid(message=said, field="cron")
        try:
            first = find_next_time(cron, zone, await read_time(info.context.db))
        except ScheduleError as e:
            return Invalid(message=str(e), field="cron")
        who = info.context.viewer.person_id
        wanted = schedules.ScheduleDefinition(cron, zone, input.catch_up, input.until_exhausted)
        saved = await schedules.put_schedule(await begin_change(), stage.id, wanted, first, who)
        return Schedule.of(saved)
