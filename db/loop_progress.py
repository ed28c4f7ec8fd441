"""When a step of each loop ended well, in whichever worker: a loop that makes no progress is seen by that alone."""

from db.pool import Database

NOTE = """
    INSERT INTO loop_progress (loop, holder) VALUES ($1, $2)
        ON CONFLICT (loop) DO UPDATE SET good_at = now(), holder = excluded.holder
"""


async def record(db: Database, loop: str, holder: str) -> None:
    """Note that a step has just ended well."""
    await db.execute(NOTE, loop, holder)


FORGET = "DELETE FROM loop_progress WHERE good_at < now() - interval '7 days'"


async def delete_stale(db: Database) -> None:
    """Forget loops that nobody has any more: of batch systems that were taken out of the settings."""
    await db.execute(FORGET)
