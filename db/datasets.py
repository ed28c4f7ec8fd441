"""Datasets: growing lists of files, each with its ordinal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db import files
from db.keyset import Place, by_name, named
from db.pool import Connection, Database, many, one
from domain.people import Role


@dataclass(frozen=True, slots=True)
class Dataset:
    """One row of `dataset`."""

    id: int
    experiment_id: int
    name: str
    description: str
    catalog: str
    head: int
    bytes: int
    events: int
    owner_id: int
    owning_role: Role
    created_at: datetime


COLUMNS = ", ".join(Dataset.__dataclass_fields__)
BY_IDS = f"SELECT {COLUMNS} FROM dataset WHERE id = ANY($1::bigint[])"


async def by_ids(db: Database, ids: Sequence[int]) -> list[Dataset]:
    """Find the datasets that exist among these."""
    return await many(db, Dataset, BY_IDS, ids)


FORWARD = by_name("dataset", COLUMNS, backwards=False)
BACKWARD = by_name("dataset", COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: Place, contains: str | None
) -> list[Dataset]:
    """Read a page of an experiment's datasets."""
    return await named(db, Dataset, (FORWARD, BACKWARD), experiment_id, place, contains)


CREATE = f"""
    WITH saved AS (
        INSERT INTO dataset (experiment_id, name, description, owner_id, owning_role)
        VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, body)
        SELECT experiment_id, 'dataset.created', jsonb_build_object('dataset', 'dataset:' || id, 'name', name)
          FROM saved
    )
    SELECT {COLUMNS} FROM saved
"""


async def create(
    db: Database, experiment_id: int, name: str, description: str, owner: tuple[int, Role]
) -> Dataset | None:
    """Make an empty dataset, or return None when the name is taken."""
    return await one(db, Dataset, CREATE, experiment_id, name, description, *owner)


LOCK = f"SELECT {COLUMNS} FROM dataset WHERE id = $1 FOR NO KEY UPDATE"


async def lock(conn: Connection, id: int) -> Dataset | None:
    """Keep others from adding files to a dataset until the transaction ends."""
    return await one(conn, Dataset, LOCK, id)


# Run it after `lock`, in a statement of its own, so that it sees what the one before has published.
PUBLISH = f"""
    WITH fresh AS (
        SELECT f.id, f.size, f.events, row_number() OVER (ORDER BY x.place) - 1 AS place
          FROM unnest($2::bigint[]) WITH ORDINALITY AS x (id, place)
          JOIN file f ON f.id = x.id
         WHERE NOT EXISTS (SELECT FROM dataset_file d WHERE d.dataset_id = $1 AND d.file_id = f.id)
    ), counted AS (
        SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes, coalesce(sum(events), 0) AS events FROM fresh
    ), grown AS (
        UPDATE dataset d
           SET head = d.head + counted.files, bytes = d.bytes + counted.bytes, events = d.events + counted.events
          FROM counted
         WHERE d.id = $1 AND counted.files > 0
        RETURNING d.*, d.head - counted.files AS from_ordinal, counted.files AS files
    ), put AS (
        INSERT INTO dataset_file (dataset_id, ordinal, file_id)
        SELECT grown.id, grown.from_ordinal + fresh.place, fresh.id FROM grown, fresh
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, body)
        SELECT experiment_id, 'dataset.files_added',
               jsonb_build_object('dataset', 'dataset:' || id, 'name', name, 'files', files, 'head', head)
          FROM grown
    )
    SELECT {COLUMNS} FROM grown
"""


async def publish(conn: Connection, id: int, file_ids: Sequence[int]) -> Dataset | None:
    """Give the files that a locked dataset hasn't got its next ordinals; None when it has all."""
    return await one(conn, Dataset, PUBLISH, id, file_ids)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a dataset at its ordinal."""

    ordinal: int
    file_id: int


FILES_FORWARD = """
    SELECT ordinal, file_id FROM dataset_file
     WHERE dataset_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3
"""

FILES_BACKWARD = """
    SELECT ordinal, file_id FROM dataset_file
     WHERE dataset_id = $1 AND ordinal < $2 ORDER BY ordinal DESC LIMIT $3
"""


async def entries(
    db: Database,
    id: int,
    start: int,
    limit: int,
    *,
    backwards: bool,
) -> list[tuple[int, files.File]]:
    """Read a page of a dataset's files, each with its ordinal."""
    found = await many(db, Entry, FILES_BACKWARD if backwards else FILES_FORWARD, id, start, limit)
    rows = {row.id: row for row in await files.by_ids(db, [entry.file_id for entry in found])}
    return [(entry.ordinal, rows[entry.file_id]) for entry in found]


NAMES = "SELECT id, name FROM dataset WHERE experiment_id = $1 AND name = ANY($2::text[])"


@dataclass(frozen=True, slots=True)
class Named:
    """A name and what it stands for."""

    id: int
    name: str


async def ids_of(db: Database, experiment_id: int, names: Sequence[str]) -> dict[str, int]:
    """Find the datasets that an experiment has among these, by name."""
    return {row.name: row.id for row in await many(db, Named, NAMES, experiment_id, names)}


OWN = """
    INSERT INTO dataset (experiment_id, name, description, owner_id, owning_role)
    SELECT $1, 'stage:' || x.id, 'What the stages upstream make', $3, $4 FROM unnest($2::bigint[]) AS x (id)
        ON CONFLICT (experiment_id, name) DO NOTHING
"""


async def ensure_own(
    conn: Connection, experiment_id: int, stage_ids: Sequence[int], owner: tuple[int, Role]
) -> dict[int, int]:
    """Make sure that each of these stages has a dataset of its own; their ids by the stages'."""
    await conn.execute(OWN, experiment_id, stage_ids, *owner)
    return await own(conn, experiment_id, stage_ids)


async def own(db: Database, experiment_id: int, stage_ids: Sequence[int]) -> dict[int, int]:
    """Find the datasets of their own that these stages have; their ids by the stages'."""
    names = {own_name(id_): id_ for id_ in stage_ids}
    found = await ids_of(db, experiment_id, list(names))
    return {names[name]: id_ for name, id_ in found.items()}


def own_name(stage_id: int) -> str:
    """What the dataset is called that the stages upstream of this one feed."""
    return f"stage:{stage_id}"
