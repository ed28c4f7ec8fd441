"""Files of the embedded catalog, and what they were made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.pool import Connection, Database, fetch_many
from domain.files.datasets import NewFile


@dataclass(frozen=True, slots=True)
class File:
    """One row of `file`."""

    id: int
    experiment_id: int
    name: str
    size: int | None
    checksum: str | None
    events: int | None
    run: int | None
    metadata: dict[str, Any]
    location: str | None
    catalog: str
    replicas: list[str]
    submission_id: int | None
    created_at: datetime

    @property
    def known(self) -> NewFile:
        """All that is known of it, to compare it with what is told."""
        return NewFile(**{name: getattr(self, name) for name in NewFile.__dataclass_fields__})


COLUMNS = ", ".join(File.__dataclass_fields__)
F_COLUMNS = ", ".join(f"f.{name}" for name in File.__dataclass_fields__)

BY_IDS = f"SELECT {COLUMNS} FROM file WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[File]:
    """Find the files that exist among these."""
    return await fetch_many(db, File, BY_IDS, ids)


NAMES = "SELECT id, name FROM file WHERE id = ANY($1::bigint[])"


async def find_names(db: Database, ids: Sequence[int]) -> dict[int, str]:
    """The names of files, by their ids."""
    return {row["id"]: row["name"] for row in await db.fetch(NAMES, list(ids))}


BY_NAMES = f"""
    SELECT {COLUMNS} FROM file WHERE experiment_id = $1 AND name = ANY($2::text[]) AND test_of = 0
"""


async def find_by_names(db: Database, experiment_id: int, names: Sequence[str]) -> list[File]:
    """Find the files of an experiment that exist among these; what its tests made is not meant."""
    return await fetch_many(db, File, BY_NAMES, experiment_id, names)


# In the order of their names, so that two who put the same files don't wait for each other in a ring.
PUT = """
    INSERT INTO file (experiment_id, name, size, checksum, events, run, metadata, location, catalog, replicas)
    SELECT $1, x.name, x.size, x.checksum, x.events, x.run, coalesce(x.metadata, '{}'), x.location, x.catalog,
           coalesce(x.replicas, '{}')
      FROM jsonb_to_recordset($2) AS x (name text, size bigint, checksum text, events bigint, run int,
                                        metadata jsonb, location text, catalog text, replicas text[])
     ORDER BY x.name
        ON CONFLICT (experiment_id, name, test_of) DO NOTHING
    RETURNING id, name
"""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file's id, by its name."""

    id: int
    name: str


async def put_files(
    conn: Connection, experiment_id: int, files: Sequence[NewFile]
) -> dict[str, int]:
    """Make the files that an experiment doesn't have by name; the others stay as they are. The ids of new ones."""
    rows = [_render_row(file) for file in files]
    return {row.name: row.id for row in await fetch_many(conn, NamedFile, PUT, experiment_id, rows)}


def _render_row(file: NewFile) -> dict[str, Any]:
    return {name: getattr(file, name) for name in NewFile.__dataclass_fields__}


# Locked in the order of their ids; a trigger brings what datasets keep of them up to it.
LOCK = f"SELECT {COLUMNS} FROM file WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"


async def lock_files(conn: Connection, ids: Sequence[int]) -> list[File]:
    """Keep others from completing these files until the transaction ends."""
    return await fetch_many(conn, File, LOCK, ids)


COMPLETE = """
    UPDATE file f
       SET size = x.size, checksum = x.checksum, events = x.events, run = x.run, metadata = coalesce(x.metadata, '{}'),
           location = x.location, replicas = coalesce(x.replicas, '{}')
      FROM jsonb_to_recordset($1) AS x (id bigint, size bigint, checksum text, events bigint, run int,
                                        metadata jsonb, location text, replicas text[])
     WHERE f.id = x.id
"""


async def fill_files(conn: Connection, files: Mapping[int, NewFile]) -> None:
    """Write what is known now of locked files, by their ids."""
    await conn.execute(COMPLETE, [{**_render_row(file), "id": id_} for id_, file in files.items()])


MARK = """
    UPDATE file f SET metadata = f.metadata || jsonb_build_object('staged', $3::boolean)
      FROM (SELECT f.id FROM dataset_file d JOIN file f ON f.id = d.file_id
             WHERE d.dataset_id = $1 AND f.name = ANY($2::text[]) AND f.test_of = 0
               AND f.metadata -> 'staged' IS DISTINCT FROM to_jsonb($3::boolean)
             ORDER BY f.id FOR NO KEY UPDATE OF f) x
     WHERE f.id = x.id
    RETURNING f.id
"""
IN_DATASET = """
    SELECT f.name FROM file f
     WHERE f.experiment_id = $3 AND f.name = ANY($2::text[]) AND f.test_of = 0
       AND EXISTS (SELECT FROM dataset_file d WHERE d.dataset_id = $1 AND d.file_id = f.id)
"""


async def mark_staged(
    conn: Connection, dataset_id: int, names: Sequence[str], *, staged: bool
) -> int:
    """Mark files of a locked dataset as staged, or as on tape; how many were not marked so."""
    return len(await fetch_many(conn, int, MARK, dataset_id, names, staged))


async def list_names_in_dataset(
    db: Database, dataset_id: int, experiment_id: int, names: Sequence[str]
) -> list[str]:
    """Which of these names files of a dataset have."""
    return await fetch_many(db, str, IN_DATASET, dataset_id, names, experiment_id)


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


async def list_parents(
    db: Database,
    id: int,
    start: int,
    limit: int,
    *,
    backwards: bool,
) -> list[File]:
    """Read a page of what a file was made from."""
    sql = PARENTS_BACKWARD if backwards else PARENTS_FORWARD
    return await fetch_many(db, File, sql, id, start, limit)


async def list_children(
    db: Database,
    id: int,
    start: int,
    limit: int,
    *,
    backwards: bool,
) -> list[File]:
    """Read a page of what was made from a file."""
    sql = CHILDREN_BACKWARD if backwards else CHILDREN_FORWARD
    return await fetch_many(db, File, sql, id, start, limit)
