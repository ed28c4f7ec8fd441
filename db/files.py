"""Files of the embedded catalog, and what they were made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.pool import Connection, Database, many
from domain.datasets import NewFile


@dataclass(frozen=True, slots=True)
class File:
    """One row of `file`."""

    id: int
    experiment_id: int
    name: str
    size: int
    checksum: str | None
    events: int | None
    run: int | None
    metadata: dict[str, Any]
    location: str
    submission_id: int | None
    created_at: datetime


COLUMNS = ", ".join(File.__dataclass_fields__)
F_COLUMNS = ", ".join(f"f.{name}" for name in File.__dataclass_fields__)

BY_IDS = f"SELECT {COLUMNS} FROM file WHERE id = ANY($1::bigint[])"


async def by_ids(db: Database, ids: Sequence[int]) -> list[File]:
    """Find the files that exist among these."""
    return await many(db, File, BY_IDS, ids)


BY_NAMES = f"""
    SELECT {COLUMNS} FROM file WHERE experiment_id = $1 AND name = ANY($2::text[]) AND test_of = 0
"""


async def by_names(db: Database, experiment_id: int, names: Sequence[str]) -> list[File]:
    """Find the files of an experiment that exist among these; what its tests made is not meant."""
    return await many(db, File, BY_NAMES, experiment_id, names)


# In the order of their names, so that two who put the same files don't wait for each other in a ring.
PUT = """
    INSERT INTO file (experiment_id, name, size, checksum, events, run, metadata, location)
    SELECT $1, x.name, x.size, x.checksum, x.events, x.run, coalesce(x.metadata, '{}'), x.location
      FROM jsonb_to_recordset($2) AS x (name text, size bigint, checksum text, events bigint, run int,
                                        metadata jsonb, location text)
     ORDER BY x.name
        ON CONFLICT (experiment_id, name, test_of) DO NOTHING
"""


async def put(conn: Connection, experiment_id: int, files: Sequence[NewFile]) -> None:
    """Make the files that an experiment doesn't have by name; the others stay as they are."""
    rows = [{name: getattr(file, name) for name in NewFile.__dataclass_fields__} for file in files]
    await conn.execute(PUT, experiment_id, rows)


PARENTS_FORWARD = f"""
    SELECT {F_COLUMNS} FROM file_parent p JOIN file f ON f.id = p.parent_id
     WHERE p.child_id = $1 AND p.parent_id > $2 ORDER BY p.parent_id LIMIT $3
"""

PARENTS_BACKWARD = f"""
    SELECT {F_COLUMNS} FROM file_parent p JOIN file f ON f.id = p.parent_id
     WHERE p.child_id = $1 AND p.parent_id < $2 ORDER BY p.parent_id DESC LIMIT $3
"""

CHILDREN_FORWARD = f"""
    SELECT {F_COLUMNS} FROM file_parent p JOIN file f ON f.id = p.child_id
     WHERE p.parent_id = $1 AND p.child_id > $2 ORDER BY p.child_id LIMIT $3
"""

CHILDREN_BACKWARD = f"""
    SELECT {F_COLUMNS} FROM file_parent p JOIN file f ON f.id = p.child_id
     WHERE p.parent_id = $1 AND p.child_id < $2 ORDER BY p.child_id DESC LIMIT $3
"""


async def parents(
    db: Database,
    id: int,
    start: int,
    limit: int,
    *,
    backwards: bool,
) -> list[File]:
    """Read a page of what a file was made from."""
    sql = PARENTS_BACKWARD if backwards else PARENTS_FORWARD
    return await many(db, File, sql, id, start, limit)


async def children(
    db: Database,
    id: int,
    start: int,
    limit: int,
    *,
    backwards: bool,
) -> list[File]:
    """Read a page of what was made from a file."""
    sql = CHILDREN_BACKWARD if backwards else CHILDREN_FORWARD
    return await many(db, File, sql, id, start, limit)
