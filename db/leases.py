"""Leadership by a lease row with fencing: an old leader that wakes up finds its epoch gone."""

from db.pool import Database

TAKE = """
    INSERT INTO lease (name, holder, epoch, until) VALUES ($1, $2, 1, now() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE
       SET holder = $2, epoch = lease.epoch + 1, until = now() + make_interval(secs => $3)
     WHERE lease.until < now()
    RETURNING epoch
"""


async def claim(db: Database, name: str, holder: str, seconds: float) -> int | None:
    """Become the leader and get the epoch to show, or None while there is another."""
    epoch: int | None = await db.fetchval(TAKE, name, holder, seconds)
    return epoch


RENEW = """
    UPDATE lease SET until = now() + make_interval(secs => $3)
     WHERE name = $1 AND epoch = $2 RETURNING epoch
"""


async def renew_lease(db: Database, name: str, epoch: int, seconds: float) -> bool:
    """Stay the leader; False when somebody else has become it."""
    return await db.fetchval(RENEW, name, epoch, seconds) is not None


DROP = "UPDATE lease SET until = now() WHERE name = $1 AND epoch = $2 AND until > now()"


async def release(db: Database, name: str, epoch: int) -> None:
    """Stop being the leader, so that the next need not wait."""
    await db.execute(DROP, name, epoch)
