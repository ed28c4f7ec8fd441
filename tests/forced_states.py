"""Submissions in states to which many steps would lead."""

from db.pool import Pool
from domain.submissions.submissions import LIVE

# The database refuses moves that no submission makes: such a step is a test's alone.
UNCHECKED = "SET LOCAL session_replication_role = replica"


async def force_state(
    db: Pool, state: str, where: str = "true", *args: object, also: str = ""
) -> None:
    """Put submissions into a state, as if they had come there; `also`: what else is set, as SQL."""
    live = ", ".join(f"'{each}'" for each in LIVE)
    sql = f"""
        UPDATE submission
           SET state = '{state}',
               ended_at = CASE WHEN '{state}' IN ({live}) THEN NULL ELSE coalesce(ended_at, now()) END{also}
         WHERE {where}
    """
    async with db.acquire() as conn, conn.transaction():
        await conn.execute(UNCHECKED)
        await conn.execute(sql, *args)
