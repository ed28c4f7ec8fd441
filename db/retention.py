"""What is old enough to be dropped, what of it is in the archive, and dropping it: by the owner's functions alone."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.pool import Pool, fetch_one

SUBMISSION_PARTS = ("action", "launch_attempt", "launch_output", "input_file", "attempt")
"""Tables of which all rows of 10,000 submissions go together."""
LONG_S = 3600.0
"""How long one part may be read, or counted."""


@dataclass(frozen=True, slots=True)
class ArchivedPart:
    """A part of a table that is in a file of the archive."""

    parent: str
    number: int
    file: str
    """Below the archive's folder."""
    row_count: int
    fingerprint: int
    """Of the rows, in any order."""
    sha256: str
    bytes: int


class PartChanged(Exception):
    """It is no more what was archived, or is needed again: it has to be archived anew, later."""


COLUMNS = ", ".join(ArchivedPart.__dataclass_fields__)

NEXT_SUBMISSIONS = """
    SELECT n FROM generate_series((SELECT min(id) / 10000 FROM submission),
                                  (SELECT max(id) / 10000 - 1 FROM submission)) n
     WHERE EXISTS (SELECT FROM submission WHERE id >= n * 10000 AND id < (n + 1) * 10000)
       AND NOT EXISTS (SELECT FROM archived_part
                        WHERE parent = 'attempt' AND number = n AND dropped_at IS NOT NULL)
       AND submissions_are_over(n, now() - make_interval(days => $1))
     ORDER BY n LIMIT 1
"""

NEXT_CHANGES = """
    SELECT (dropped_to + 1) / 5000000 FROM change_head
     WHERE changes_are_old((dropped_to + 1) / 5000000, now() - make_interval(days => $1))
"""


async def find_old_submissions(db: Pool, keep_days: int) -> int | None:
    """The number of the first 10,000 submissions that are all over for so long, with their recoveries."""
    number: int | None = await db.fetchval(NEXT_SUBMISSIONS, keep_days, timeout=LONG_S)
    return number


async def find_old_changes(db: Pool, keep_days: int) -> int | None:
    """The number of the oldest 5,000,000 changes, if all are so old and of submissions that are over."""
    number: int | None = await db.fetchval(NEXT_CHANGES, keep_days, timeout=LONG_S)
    return number


HISTORY = "SELECT history_id::text FROM change_head"


async def find_folder(db: Pool) -> str:
    """The folder of this history: after a restore the same numbers may be of other rows."""
    return str(await db.fetchval(HISTORY))


PART = (
    f"SELECT {COLUMNS} FROM archived_part WHERE parent = $1 AND number = $2 AND dropped_at IS NULL"
)


async def find_part(db: Pool, parent: str, number: int) -> ArchivedPart | None:
    """What was written of a part that is not dropped yet."""
    return await fetch_one(db, ArchivedPart, PART, parent, number)


QUERY = "SELECT part_query($1, $2)"
FINGERPRINT = "SELECT row_count, fingerprint FROM part_fingerprint($1, $2)"


async def copy_part(
    db: Pool, parent: str, number: int, write: Callable[[bytes], Coroutine[Any, Any, None]]
) -> tuple[int, int]:
    """Hand a part out as CSV with a header; returns how many rows it has, and their fingerprint, in one snapshot."""
    async with db.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        query = await conn.fetchval(QUERY, parent, number)
        row = await conn.fetchrow(FINGERPRINT, parent, number, timeout=LONG_S)
        assert row is not None  # noqa: S101 - counts are one row
        ordered = f"{query} ORDER BY {'position' if parent == 'change' else 'submission_id'}"
        await conn.copy_from_query(ordered, output=write, format="csv", header=True, timeout=LONG_S)
        return row["row_count"], row["fingerprint"]


RECORD = """
    INSERT INTO archived_part (parent, number, file, row_count, fingerprint, sha256, bytes)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def record_part(db: Pool, part: ArchivedPart) -> None:
    """Note that a part is in the archive: from now on it may be dropped."""
    values = [getattr(part, name) for name in ArchivedPart.__dataclass_fields__]
    await db.execute(RECORD, *values)


FORGET = "DELETE FROM archived_part WHERE parent = ANY($1) AND number = $2 AND dropped_at IS NULL"


async def forget_parts(db: Pool, parents: tuple[str, ...], number: int) -> None:
    """Have parts archived anew that were not dropped."""
    await db.execute(FORGET, list(parents), number)


DROP_SUBMISSIONS = "SELECT drop_submission_parts($1, now() - make_interval(days => $2))"
DROP_CHANGES = "SELECT drop_change_part($1, now() - make_interval(days => $2))"


async def drop_submissions(db: Pool, number: int, keep_days: int) -> bool:
    """Drop the details of 10,000 submissions; False where somebody is using them just now."""
    return await _drop_part(db, DROP_SUBMISSIONS, number, keep_days)


async def drop_changes(db: Pool, number: int, keep_days: int) -> bool:
    """Drop the oldest 5,000,000 changes; False where somebody is using them just now."""
    return await _drop_part(db, DROP_CHANGES, number, keep_days)


async def _drop_part(db: Pool, statement: str, number: int, keep_days: int) -> bool:
    try:
        await db.execute(statement, number, keep_days, timeout=LONG_S)
    except asyncpg.LockNotAvailableError:
        return False
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise PartChanged(str(error)) from error
    return True
