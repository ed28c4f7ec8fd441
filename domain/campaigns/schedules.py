"""When a stage is launched by the clock, and which of the turns that were missed are taken."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

MOST_CAUGHT_UP = 24
"""How many turns are taken afterwards, the newest ones."""
PUNCTUAL = timedelta(minutes=1)


class CatchUp(StrEnum):
    """What becomes of turns that were missed, because nothing ran or the stage was slow."""

    ONCE = "once"
    """They are taken once, not once each."""
    ALL = "all"
    """Each is taken, of very many the newest 24."""
    SKIP = "skip"
    """They are let be: what is more than a minute late is not launched."""


class ScheduleError(ValueError):
    """A schedule that can't be read; the text says what is wrong."""


def iterate_times(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """All times after `after` that fit the five fields of `cron`, on the clocks of `zone`, each once.

    Where clocks are changed, a time of day that comes twice counts when it comes first, and one that is
    left out counts when the clocks go on. What begins with `*` for its minutes, or is `*` for its hours, goes by
    time that passes.
    """
    last, fields = after.astimezone(UTC), _list_hours(cron)
    try:
        for found in CronSim(fields, last.astimezone(ZoneInfo(zone))):
            time = found.astimezone(UTC)
            if time > last:
                last = time
                yield time
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise ScheduleError(f"Not a time zone: {zone!r}.") from e
    except CronSimError as e:
        raise ScheduleError(f"Not a schedule: {cron!r}: {e}.") from e


FIELDS = 5
EVERY_FEW_HOURS = re.compile(r"\*(?=/0*(?:[2-9]|1\d))")


def _list_hours(cron: str) -> str:
    """Each so manieth hour is times of day, which CronSim moves when the clocks leave one out."""
    fields = cron.split()
    if len(fields) != FIELDS:
        raise ScheduleError(
            f"Not a schedule: {cron!r}: give minute, hour, day, month and day of the week."
        )
    fields[1] = EVERY_FEW_HOURS.sub("0-23", fields[1])
    return " ".join(fields)


def find_next_time(cron: str, zone: str, after: datetime) -> datetime:
    """The first of these times."""
    for time in iterate_times(cron, zone, after):
        return time
    raise ScheduleError(f"No time ever fits {cron!r}.")


@dataclass(frozen=True, slots=True)
class ScheduleTurn:
    """What is done about a time that has come: launch or not, and which time comes next."""

    launches: bool
    next_at: datetime


def decide_turn(
    cron: str, zone: str, policy: CatchUp, due_at: datetime, now: datetime
) -> ScheduleTurn:
    """What becomes of the turn that was due."""
    if policy is CatchUp.ALL:
        missed = list(
            islice(takewhile(lambda t: t <= now, iterate_times(cron, zone, due_at)), 100_000)
        )
        newest = missed[-(MOST_CAUGHT_UP - 1) :]
        return ScheduleTurn(
            launches=True, next_at=newest[0] if newest else find_next_time(cron, zone, due_at)
        )
    late = policy is CatchUp.SKIP and now - due_at > PUNCTUAL
    return ScheduleTurn(launches=not late, next_at=find_next_time(cron, zone, now))
