"""The database's clock: it alone decides what is due, over or still valid, since those of hosts differ."""

import time
from datetime import UTC, datetime

from db.pool import Database
from domain.clocks import measure_offset

NOW = "SELECT now()"


async def read_time(db: Database) -> datetime:
    """The database's time; inside a transaction that of its begin, as its statements see it."""
    now: datetime = await db.fetchval(NOW)
    return now


TRIES, QUICK_S = 5, 0.2


class DatabaseClock:
    """The database's time without a question each time: what it said last, and what has passed since."""

    def __init__(self) -> None:
        self._ahead_s: float | None = None
        self.offset_s = 0.0
        """For how long the host's own clock is ahead of it."""

    async def sync(self, db: Database) -> None:
        """Ask the database, again where it takes long to answer: the quickest answer tells the most."""
        quickest = float("inf")
        for _ in range(TRIES):
            before, since = time.time(), time.monotonic()
            there = (await read_time(db)).timestamp()
            took = time.monotonic() - since
            if took < quickest:
                quickest = took
                self._ahead_s = there - time.monotonic()
                self.offset_s = measure_offset(before, there, time.time())
            if quickest < QUICK_S:
                return

    async def time(self, db: Database) -> datetime:
        """Its time now, asked for if nobody has asked before."""
        if self._ahead_s is None:
            await self.sync(db)
        return self.now()

    def now(self) -> datetime:
        """Its time now; before anybody has asked, the host's own."""
        if self._ahead_s is None:
            return datetime.now(UTC)
        return datetime.fromtimestamp(time.monotonic() + self._ahead_s, UTC)


REPORT = """
    WITH old AS (DELETE FROM host_clock WHERE measured_at < now() - interval '1 hour')
    INSERT INTO host_clock (process, offset_s) VALUES ($1, $2)
        ON CONFLICT (process) DO UPDATE SET offset_s = excluded.offset_s, measured_at = now()
"""


async def record_offset(db: Database, process: str, offset: float) -> None:
    """Note how far a process's clock is ahead of the database's, in seconds; readiness tells of it for a minute."""
    await db.execute(REPORT, process, offset)
