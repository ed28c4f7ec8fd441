"""Changes: rows of the inbox until the relay gives them their position, then history as long as it is kept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.pool import Database, fetch_many
from domain.changes import ChangeKind, ServicePart


@dataclass(frozen=True, slots=True)
class Change:
    """One fact with its place in the one order of all."""

    position: int
    experiment_id: int | None
    campaign_id: int | None
    submission_id: int | None
    kind: str
    actor_id: int | None
    part: str | None
    reason: str | None
    body: Any
    at: datetime


FOR_ADMINS = 0
"""The experiment of changes that only those hear of who see every experiment."""


def sign_as_person(who: str) -> str:
    """SQL for `actor_id, part` of a change that a person has made; `who` is SQL for their id."""
    return f"{who}::bigint, NULL::text"


def sign_as_service(part: ServicePart) -> str:
    """SQL for `actor_id, part` of a change that the service has made by itself."""
    return f"NULL::bigint, '{part}'"


def tell_saved_row(kind: ChangeKind, by: str, *columns: str) -> str:
    """SQL that tells of the row of the CTE `saved`, with its name and these columns; `by` is SQL for who saved it."""
    noun = kind.value.partition(".")[0]
    more = "".join(f", '{column}', {column}" for column in columns)
    return f"""
    INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, '{kind.value}', {by}, NULL,
           jsonb_build_object('{noun}', '{noun}:' || id, 'name', name{more})
      FROM saved
"""


COLUMNS = ", ".join(Change.__dataclass_fields__)

HEAD = "SELECT position, history_id::text FROM change_head"


async def find_head(db: Database) -> tuple[int, str]:
    """The newest position, and which history it is one of."""
    row = await db.fetchrow(HEAD)
    assert row is not None  # noqa: S101 - the migration made it
    return row["position"], row["history_id"]


DROPPED_TO = "SELECT dropped_to FROM change_head"


async def find_dropped_to(db: Database) -> int:
    """The position up to which changes are dropped: whoever goes on after one before it misses some.

    Ask after reading: a drop that is under way is noticed then.
    """
    return int(await db.fetchval(DROPPED_TO))


# What doesn't fit the filter counts as scanned; a window bounds how much of that there is.
WINDOW = 50_000

BETWEEN = f"""
    SELECT {COLUMNS} FROM change
     WHERE position > $1 AND position <= $2
       AND ($3::bigint[] IS NULL OR experiment_id = ANY($3) OR experiment_id IS NULL)
       AND ($4::bigint IS NULL OR campaign_id = $4)
       AND ($5::text[] IS NULL OR kind = ANY($5))
     ORDER BY position LIMIT $6
"""

OF_SUBMISSION = f"""
    SELECT {COLUMNS} FROM change
     WHERE submission_id = $7 AND position > $1 AND position <= $2
       AND ($3::bigint[] IS NULL OR experiment_id = ANY($3) OR experiment_id IS NULL)
       AND ($4::bigint IS NULL OR campaign_id = $4)
       AND ($5::text[] IS NULL OR kind = ANY($5))
     ORDER BY position LIMIT $6
"""


async def list_after(
    db: Database,
    position: int,
    upto: int,
    bound: int,
    *,
    experiments: Collection[int] | None = None,
    campaign_id: int | None = None,
    submission_id: int | None = None,
    kinds: Collection[str] = (),
) -> tuple[list[Change], int]:
    """The next changes in (position, upto] that fit, and how far that has looked."""
    narrow = (
        None if experiments is None else list(experiments),
        campaign_id,
        list(kinds) or None,
        bound,
    )
    if submission_id is None:
        upto = min(upto, position + WINDOW)
        found = await fetch_many(db, Change, BETWEEN, position, upto, *narrow)
    else:
        found = await fetch_many(db, Change, OF_SUBMISSION, position, upto, *narrow, submission_id)
    return found, found[-1].position if len(found) == bound else upto


# An empty inbox costs no lock: several relays look at it, several times a second.
RELAY = "SELECT first, last FROM relay_batch($1) WHERE EXISTS (SELECT FROM change_inbox)"


async def relay_batch(db: Database, bound: int) -> int:
    """Give the oldest rows of the inbox their positions; returns how many."""
    row = await db.fetchrow(RELAY, bound)
    return int(row["last"]) - int(row["first"]) if row else 0


@dataclass(frozen=True, slots=True)
class Fact:
    """One change of a submission, positioned or still in the inbox (then without position)."""

    id: int
    position: int | None
    experiment_id: int | None
    campaign_id: int | None
    submission_id: int | None
    kind: str
    actor_id: int | None
    part: str | None
    reason: str | None
    body: Any
    at: datetime


HISTORY = """
    (SELECT id, position, experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body, at FROM change
      WHERE submission_id = $1 AND ($2::bigint IS NULL OR (NOT $3 AND id > $2) OR ($3 AND id < $2))
      UNION ALL
     SELECT id, NULL, experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body, at
       FROM change_inbox
      WHERE submission_id = $1 AND ($2::bigint IS NULL OR (NOT $3 AND id > $2) OR ($3 AND id < $2)))
     ORDER BY id
"""


async def list_history(
    db: Database, submission_id: int, start: int | None, bound: int, *, backwards: bool
) -> list[Fact]:
    """What happened to a submission past an id, without waiting for the relay."""
    order = " DESC" if backwards else ""
    sql = HISTORY + order + " LIMIT $4"
    return await fetch_many(db, Fact, sql, submission_id, start, backwards, bound)
