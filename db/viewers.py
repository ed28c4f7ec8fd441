"""People as they sign in: who they are and what they are in each experiment."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.pool import Database, many


@dataclass(frozen=True, slots=True)
class Person:
    """One active person with their memberships of active experiments."""

    id: int
    username: str
    is_admin: bool
    experiment_ids: Sequence[int]
    roles: Sequence[str]


BY_USERNAMES = """
    SELECT p.id, p.username, p.is_admin,
           coalesce(array_agg(m.experiment_id ORDER BY m.experiment_id)
                    FILTER (WHERE m.experiment_id IS NOT NULL), '{}'),
           coalesce(array_agg(m.role::text ORDER BY m.experiment_id)
                    FILTER (WHERE m.experiment_id IS NOT NULL), '{}')
      FROM person p
      LEFT JOIN membership m ON m.person_id = p.id
     WHERE p.username = ANY($1::text[]) AND p.active
     GROUP BY p.id
"""


async def by_usernames(db: Database, usernames: Sequence[str]) -> list[Person]:
    """Find those who may sign in, by the names that tokens carry."""
    return await many(db, Person, BY_USERNAMES, usernames)


ENSURE_ADMIN = """
    INSERT INTO person (username, name, is_admin) VALUES ($1, 'Service admin', true)
    ON CONFLICT (username) DO UPDATE SET is_admin = true, active = true
"""


async def ensure_admin(db: Database, username: str) -> None:
    """Make somebody a service admin, who need not be there yet."""
    await db.execute(ENSURE_ADMIN, username)
