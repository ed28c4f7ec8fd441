"""People as they sign in: who they are and what they are in each experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.pool import Database, fetch_many


@dataclass(frozen=True, slots=True)
class ViewerRow:
    """One active person with their memberships of active experiments."""

    id: int
    username: str
    is_admin: bool
    experiment_ids: Sequence[int]
    roles: Sequence[str]
    tokens_since: datetime | None
    """Tokens from before are revoked."""
    revoked_tokens: Sequence[UUID]


BY_USERNAMES = """
    SELECT p.id, p.username, p.is_admin,
           coalesce(array_agg(m.experiment_id ORDER BY m.experiment_id)
                    FILTER (WHERE m.experiment_id IS NOT NULL), '{}'),
           coalesce(array_agg(m.role::text ORDER BY m.experiment_id)
                    FILTER (WHERE m.experiment_id IS NOT NULL), '{}'),
           p.tokens_since,
           ARRAY(SELECT r.id FROM revoked_token r WHERE r.person_id = p.id ORDER BY r.id) AS revoked_tokens
      FROM person p
      LEFT JOIN membership m ON m.person_id = p.id
     WHERE p.username = ANY($1::text[]) AND p.active
     GROUP BY p.id
"""


async def find_by_usernames(db: Database, usernames: Sequence[str]) -> list[ViewerRow]:
    """Find those who may sign in, by the names that tokens carry."""
    return await fetch_many(db, ViewerRow, BY_USERNAMES, usernames)


ENSURE_ADMIN = """
    INSERT INTO person (username, name, is_admin) VALUES ($1, 'Service admin', true)
    ON CONFLICT (username) DO UPDATE SET is_admin = true, active = true
"""


async def ensure_admin(db: Database, username: str) -> None:
    """Make somebody a service admin, who need not be there yet."""
    await db.execute(ENSURE_ADMIN, username)
