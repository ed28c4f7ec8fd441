"""When a stage is launched by the clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError


class ScheduleError(ValueError):
    """A schedule that can't be read; the text says what is wrong."""


def next_time(cron: str, zone: str, after: datetime) -> datetime:
    """The first time after `after` that fits the five fields of `cron`, on the clocks of `zone`."""
    try:
        local = after.astimezone(ZoneInfo(zone))
        return next(CronSim(cron, local)).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise ScheduleError(f"Not a time zone: {zone!r}.") from e
    except CronSimError as e:
        raise ScheduleError(f"Not a schedule: {cron!r}: {e}.") from e
    except StopIteration as e:
        raise ScheduleError(f"No time ever fits {cron!r}.") from e
