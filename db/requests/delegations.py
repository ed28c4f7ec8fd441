"""Who decides for whom while they are away."""

from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, Database, fetch_one
from domain.permissions import Role


@dataclass(frozen=True, slots=True)
class DelegatedRole:
    """Somebody for whom another one decides now, and what they are in the experiment."""

    person_id: int
    username: str
    role: Role | None


# Who has been deactivated has nobody decide for them; the delegation ends with its time, by the database's clock.
ACTIVE = """
    SELECT p.id, p.username, m.role
      FROM delegation d JOIN person p ON p.id = d.from_id
      LEFT JOIN membership m ON m.person_id = p.id AND m.experiment_id = d.experiment_id
     WHERE d.experiment_id = $1 AND d.to_id = $2 AND p.username = $3 AND p.active
       AND d.ended_at IS NULL AND clock_timestamp() BETWEEN d.starts_at AND d.ends_at
     ORDER BY d.id DESC LIMIT 1
"""


async def find_active(
    db: Database, experiment_id: int, to_id: int, username: str
) -> DelegatedRole | None:
    """For whom somebody decides now; None where they are nobody's delegate of that name."""
    return await fetch_one(db, DelegatedRole, ACTIVE, experiment_id, to_id, username)


# A person has one delegate at a time: a new delegation ends what was said before.
SET = """
    WITH ended AS (
        UPDATE delegation SET ended_at = now()
         WHERE experiment_id = $1 AND from_id = $2 AND ended_at IS NULL
    )
    INSERT INTO delegation (experiment_id, from_id, to_id, starts_at, ends_at)
    SELECT $1, $2, $3, $4, $5 WHERE $3::bigint IS NOT NULL
"""


async def set_delegate(
    conn: Connection,
    experiment_id: int,
    from_id: int,
    to_id: int | None,
    between: tuple[datetime, datetime],
) -> None:
    """Let somebody decide for another between two times; None: nobody any more."""
    await conn.execute(SET, experiment_id, from_id, to_id, *between)
