"""Keys by which a client may ask the same thing twice, and it is done once."""

from dataclasses import dataclass
from hashlib import sha256

import orjson

from db.pool import Connection, Database, fetch_one


class KeyReused(Exception):
    """This person has used the key for another request."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person asks with a key: the mutation, and the arguments that the key stands for."""

    person_id: int
    key: str
    operation: str
    request: object

    @property
    def digest(self) -> str:
        """A hash of the arguments."""
        try:
            plain = orjson.dumps(self.request, option=orjson.OPT_SORT_KEYS, default=str)
        except TypeError:  # deeper than it goes, or no text: nothing that any mutation takes
            plain = repr(self.request).encode("utf-8", "surrogatepass")
        return sha256(plain).hexdigest()


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
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


async def find_kept_answer(db: Database, ask: Ask) -> str | None:
    """What came of it when it was asked before, if it was. Raises KeyReused when the key stands for something else."""
    found = await fetch_one(db, IdempotencyClaim, READ, ask.person_id, ask.key)
    if found is None:
        return None
    if (found.operation, found.request_hash) != (ask.operation, ask.digest):
        raise KeyReused
    return found.result


async def claim_key(conn: Connection, ask: Ask) -> str | None:
    """Claim a key first thing in the effect's transaction: None means go on, a text is what came of it then.

    Waits for a transaction that holds the key. Raises KeyReused when it stands for something else. After
    the effect, call `keep_result` in the same transaction; a problem rolls back, and the key is free again.
    """
    if await conn.execute(CLAIM, ask.person_id, ask.key, ask.operation, ask.digest) == "INSERT 0 1":
        return None
    # A statement of its own: only this one sees what the other transaction has committed meanwhile.
    kept = await find_kept_answer(conn, ask)
    return await claim_key(conn, ask) if kept is None else kept  # None: forgotten in between


FINISH = "UPDATE idempotency SET result = $3 WHERE person_id = $1 AND key = $2"


async def keep_result(conn: Connection, ask: Ask, result: str) -> None:
    """Keep what came of it."""
    await conn.execute(FINISH, ask.person_id, ask.key, result)


FORGET = "DELETE FROM idempotency WHERE at < now() - interval '7 days'"


async def delete_expired(db: Database) -> None:
    """Forget keys after seven days."""
    await db.execute(FORGET)
