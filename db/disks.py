"""Whether there is room to write: on the workers' disks, as they say, and on the database's own."""

from dataclasses import dataclass

from asyncpg import DiskFullError

from db.pool import AnyPool, Database, fetch_many

FORGOTTEN = "interval '1 day'"
"""After how long a host that says nothing has no such disk any more."""


@dataclass(frozen=True, slots=True)
class WorkerDisk:
    """What a worker last found out about a place that it writes to."""

    place: str
    host: str
    free_bytes: int
    problem: str
    """Why nothing could be written; empty where it could."""
    age_s: float
    """How long ago that was."""


RECORD = """
    INSERT INTO disk (place, host, free_bytes, problem) VALUES ($1, $2, $3, $4)
        ON CONFLICT (place, host) DO UPDATE
       SET free_bytes = $3, problem = $4, checked_at = now()
"""


async def record_disk(db: Database, place: str, host: str, free_bytes: int, problem: str) -> None:
    """Note what a worker found."""
    await db.execute(RECORD, place, host, free_bytes, problem)


LIST = f"""
    SELECT place, host, free_bytes, problem, extract(epoch FROM now() - checked_at)::float8 AS age_s
      FROM disk WHERE checked_at > now() - {FORGOTTEN} ORDER BY place, host
"""


async def list_disks(db: Database) -> list[WorkerDisk]:
    """What the workers last said."""
    return await fetch_many(db, WorkerDisk, LIST)


UNWRITABLE = """
    SELECT format('the %s of %s can''t be written: %s', place, host, problem)
      FROM disk WHERE host = $1 AND problem <> '' AND checked_at > now() - interval '1 minute'
     ORDER BY place LIMIT 1
"""


async def explain_unwritable(db: Database, host: str) -> str | None:
    """Why a launch by this host would fail, or its jobs could keep nothing, as far as was found lately."""
    why: str | None = await db.fetchval(UNWRITABLE, host)
    return why


SPILL = "SELECT count(*) FROM generate_series(1, 20000)"


async def explain_full_database(db: AnyPool) -> str:
    """Why the database has no room, or an empty text: it is made to write a megabyte that it forgets at once.

    Rows that fit into pages which are there would go on being written for a while, so their success proves nothing.
    """
    try:
        async with db.acquire() as conn, conn.transaction(readonly=True):
            await conn.execute("SET LOCAL work_mem = '64kB'")
            await conn.fetchval(SPILL)
    except DiskFullError as error:
        return str(error)
    return ""
