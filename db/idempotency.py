"""Keys by which a client may ask the same thing twice, and it is done once."""

from dataclasses import dataclass
from hashlib import sha256

import orjson

from db.pool import Connection, Database, one


class KeyReused(Exception):
    """This person has used the key for another request."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of `idempotency`, as far as it decides."""

    operation: str
    request_hash: str
    result: str


CLAIM = """
    INSERT INTO idempotency (person_id, key, operation, request_hash, result)
    VALUES ($1, $2, $3, $4, '')
        ON CONFLICT (person_id, key) DO NOTHING
"""

READ = "SELECT operation, request_hash, result FROM idempotency WHERE person_id = $1 AND key = $2"


async def claim(
    conn: Connection, person_id: int, key: str, operation: str, request: object
) -> str | None:
    """Claim a key first thing in the effect's transaction: None means go on, a text is what it made then.

    Waits for a transaction that holds the key. Raises KeyReused when it stands for something else. After
    the effect, call `finish` in the same transaction; a problem rolls back, and the key is free again.
    """
    digest = sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
    if await conn.execute(CLAIM, person_id, key, operation, digest) == "INSERT 0 1":
        return None
    # A statement of its own: only this one sees what the other transaction has committed meanwhile.
    found = await one(conn, Claim, READ, person_id, key)
    if found is None:  # forgotten in between
        return await claim(conn, person_id, key, operation, request)
    if (found.operation, found.request_hash) != (operation, digest):
        raise KeyReused
    return found.result


FINISH = "UPDATE idempotency SET result = $3 WHERE person_id = $1 AND key = $2"


async def finish(conn: Connection, person_id: int, key: str, result: str) -> None:
    """Keep what came of it."""
    await conn.execute(FINISH, person_id, key, result)


FORGET = "DELETE FROM idempotency WHERE at < now() - interval '7 days'"


async def forget(db: Database) -> None:
    """Forget keys after seven days."""
    await db.execute(FORGET)
