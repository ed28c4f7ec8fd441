"""Plans that were shown: kept for a while, so that a launch by one can say what has changed since."""

from typing import Any

from db.pool import Database
from domain.launch_plans import KEPT_S, Part, Parts, plan_hash, written

KEEP = """
    INSERT INTO launch_plan (hash, parts, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
        ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at
"""


async def keep(db: Database, parts: Parts) -> str:
    """Keep a plan that is shown; returns its hash."""
    name = plan_hash(parts)
    await db.execute(KEEP, name, written(parts), KEPT_S)
    return name


FIND = "SELECT parts FROM launch_plan WHERE hash = $1 AND expires_at > now()"


async def find(db: Database, name: str, subject: dict[str, Any]) -> Parts | None:
    """The plan of that hash as it was shown; None: never shown, expired, or a plan of something else."""
    found = await db.fetchval(FIND, name)
    if found is None:
        return None
    parts = {Part(name): of for name, of in found.items()}
    return parts if parts[Part.SUBJECT] == subject else None


FORGET = "DELETE FROM launch_plan WHERE expires_at <= now()"


async def forget(db: Database) -> None:
    """Forget what has expired."""
    await db.execute(FORGET)
