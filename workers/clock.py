"""Measure how far this host's clock is from the database's, so that somebody mends it: nothing here goes by it."""

from db import clock
from domain.clocks import MOST_OFFSET_S
from workers.tools import WorkerTools, log

EVERY_S = 10.0


async def measure_clock(tools: WorkerTools) -> bool:
    """Measure once; never more to do at once."""
    measured = clock.DatabaseClock()
    await measured.sync(tools.db)
    if abs(measured.offset_s) > MOST_OFFSET_S:
        log.warning("this host's clock is %+.0f s from the database's", measured.offset_s)
    await clock.record_offset(tools.db, tools.holder, measured.offset_s)
    return False
