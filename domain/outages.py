"""What can be missing under POMS for a while: nothing is wrong with the request, and asking again helps."""

from dataclasses import dataclass
from enum import StrEnum


class OutageCause(StrEnum):
    """Which part can't do its work at the moment."""

    DATABASE_FULL = "database_full"
    """The database's disk, or its memory, is full."""
    DATABASE_BUSY = "database_busy"
    """The database has no free connection, or does not answer in time."""
    DATABASE_AWAY = "database_away"
    """The database can't be reached, or starts or stops just now."""


@dataclass(frozen=True, slots=True)
class ServiceOutage:
    """A part that can't do its work, in words for whoever asked, and when to ask again."""

    cause: OutageCause
    message: str
    retry_after_s: int


KEY = "With the same idempotencyKey the same request is done once, however often it is sent."
OUTAGES = {
    OutageCause.DATABASE_FULL: ServiceOutage(
        OutageCause.DATABASE_FULL,
        f"The database's disk or memory is full: nothing was changed. Ask again when there is room. {KEY}",
        30,
    ),
    OutageCause.DATABASE_BUSY: ServiceOutage(
        OutageCause.DATABASE_BUSY,
        f"The database has too much to do to answer: ask again in a few seconds. {KEY}",
        5,
    ),
    OutageCause.DATABASE_AWAY: ServiceOutage(
        OutageCause.DATABASE_AWAY,
        f"The database can't be reached: ask again in a few seconds. {KEY}",
        5,
    ),
}
"""Of a request that was cut off by one of the last two it is not known whether it was carried out."""
