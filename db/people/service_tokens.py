"""Service tokens: what scripts show in somebody's name, of which only a hash is kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.changes import sign_as_person
from db.pool import Connection, Database, fetch_many, fetch_one
from domain.changes import Actor


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """One row of `service_token`."""

    id: int
    experiment_id: int
    person_id: int
    name: str
    scopes: list[str]
    token_id: UUID
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    """When it was revoked, or all tokens of its person were."""


def _list_columns(table: str) -> str:
    own = ", ".join(f"{table}.{name}" for name in list(ServiceToken.__dataclass_fields__)[:-1])
    return f"""{own}, coalesce({table}.revoked_at, (SELECT p.tokens_since FROM person p
                 WHERE p.id = {table}.person_id AND p.tokens_since > {table}.created_at)) AS revoked_at"""


BY_IDS = f"SELECT {_list_columns('t')} FROM service_token t WHERE t.id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[ServiceToken]:
    """Find those that there are among these."""
    return await fetch_many(db, ServiceToken, BY_IDS, ids)


PAGE = f"""
    SELECT {_list_columns("t")} FROM service_token t
     WHERE t.experiment_id = $1 AND ($2::bigint IS NULL OR t.person_id = $2) AND t.id < $3
     ORDER BY t.id DESC LIMIT $4
"""
PAGE_BACKWARDS = PAGE.replace("t.id < $3", "t.id > $3").replace("t.id DESC", "t.id")


async def page(
    db: Database, whose: tuple[int, int | None], start: int, limit: int, *, backwards: bool
) -> list[ServiceToken]:
    """A page of those of an experiment, of one person or of all, the newest first; those that hold no more, too."""
    sql = PAGE_BACKWARDS if backwards else PAGE
    return await fetch_many(db, ServiceToken, sql, *whose, start, limit)


COUNT_GOOD = """
    SELECT count(*) FROM service_token
     WHERE experiment_id = $1 AND person_id = $2 AND revoked_at IS NULL AND expires_at > now()
"""


async def count_good(db: Database, experiment_id: int, person_id: int) -> int:
    """How many of a person still hold in an experiment."""
    return int(await db.fetchval(COUNT_GOOD, experiment_id, person_id))


CREATE = f"""
    WITH made AS (
        INSERT INTO service_token (experiment_id, person_id, name, scopes, token_id, token_hash, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7::interval)
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'service_token.created', {sign_as_person("$2")}, NULL,
               jsonb_build_object('token', 'service_token:' || id, 'name', name, 'person', 'person:' || person_id)
          FROM made
    )
    SELECT {_list_columns("made")} FROM made
"""


async def create(
    conn: Connection,
    owner: tuple[int, int],
    name: str,
    scopes: Collection[str],
    secret: tuple[UUID, bytes],
    valid: timedelta,
) -> ServiceToken:
    """Make one of (experiment, person), by its id and hash."""
    given = *owner, name, list(scopes), *secret, valid
    made = await fetch_one(conn, ServiceToken, CREATE, *given)
    assert made is not None  # noqa: S101 - it was inserted
    return made


# Its id among the revoked ones ends what was opened with it, as of any token.
REVOKE = f"""
    WITH gone AS (
        UPDATE service_token SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING *
    ), put AS (
        INSERT INTO revoked_token (person_id, id, ends_at) SELECT person_id, token_id, expires_at FROM gone
            ON CONFLICT DO NOTHING
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'service_token.revoked', {sign_as_person("$2")}, $3::text,
               jsonb_build_object('token', 'service_token:' || id, 'name', name, 'person', 'person:' || person_id)
          FROM gone
    )
    SELECT id FROM gone
"""


async def revoke_token(conn: Connection, id: int, by: Actor) -> bool:
    """Make one good for nothing; False when it is already."""
    return await conn.fetchval(REVOKE, id, by.id, by.reason) is not None


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A token that somebody shows, and whose it is."""

    id: int
    experiment_id: int
    username: str
    scopes: list[str]
    token_id: UUID
    created_at: datetime
    expires_at: datetime
    is_revoked: bool
    is_used_lately: bool


BY_HASH = """
    SELECT t.id, t.experiment_id, p.username, t.scopes, t.token_id, t.created_at, t.expires_at,
           t.revoked_at IS NOT NULL AS is_revoked,
           coalesce(t.last_used_at > now() - interval '1 minute', false) AS is_used_lately
      FROM service_token t JOIN person p ON p.id = t.person_id
     WHERE t.token_hash = $1
"""


async def find_shown(db: Database, token_hash: bytes) -> ShownToken | None:
    """Find a token by its hash."""
    return await fetch_one(db, ShownToken, BY_HASH, token_hash)


NOTE_USE = """
    UPDATE service_token SET last_used_at = now()
     WHERE id = $1 AND coalesce(last_used_at, '-infinity') < now() - interval '1 minute'
"""


async def note_use(db: Database, id: int) -> None:
    """Note that it is used, once a minute at most."""
    await db.execute(NOTE_USE, id)
