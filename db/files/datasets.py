"""Datasets: growing lists of files, each with its ordinal."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from db.changes import sign_as_person
from db.files import files
from db.keyset import PageRequest, page_by_name, render_page_by_name
from db.pool import Connection, Database, fetch_many, fetch_one
from domain.changes import Actor
from domain.files.catalogs import DatasetPolicy
from domain.permissions import Role


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
    unsized: int
    """So many of its files have no known size: `bytes` is of the others."""
    events: int
    owner_id: int
    owning_role: Role
    created_at: datetime
    submission_id: int | None
    """The launch whose files it has; None: it has files of its own."""
    catalog_id: int | None
    definition: str
    policy: DatasetPolicy
    idle_listings: int
    """In a row that brought nothing."""
    listed_at: datetime | None
    unknown_since: datetime | None


COLUMNS = ", ".join(Dataset.__dataclass_fields__)
BY_IDS = f"SELECT {COLUMNS} FROM dataset WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Dataset]:
    """Find the datasets that exist among these."""
    return await fetch_many(db, Dataset, BY_IDS, ids)


OWN_FILES = "(SELECT * FROM dataset WHERE submission_id IS NULL) AS d"
FORWARD = render_page_by_name(OWN_FILES, COLUMNS, backwards=False)
BACKWARD = render_page_by_name(OWN_FILES, COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: PageRequest, contains: str | None
) -> list[Dataset]:
    """Read a page of an experiment's datasets; those of launches are found by their names alone."""
    return await page_by_name(db, Dataset, (FORWARD, BACKWARD), experiment_id, place, contains)


CREATE = f"""
    WITH saved AS (
        INSERT INTO dataset (experiment_id, name, description, owner_id, owning_role, catalog_id, catalog, definition,
                             policy, list_at)
        VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, 'embedded'), $8, $9,
                CASE WHEN $6::bigint IS NOT NULL THEN now() END)
            ON CONFLICT (experiment_id, name) DO NOTHING
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'dataset.created', {sign_as_person("$4")}, NULL,
               jsonb_build_object('dataset', 'dataset:' || id, 'name', name)
          FROM saved
    )
    SELECT {COLUMNS} FROM saved
"""


@dataclass(frozen=True, slots=True)
class OutsideReference:
    """What a dataset refers to in a catalog outside of ours; nothing: its files are the embedded catalog's."""

    catalog_id: int | None = None
    catalog: str | None = None
    definition: str = ""
    policy: DatasetPolicy = DatasetPolicy.ONCE


EMBEDDED = OutsideReference()
EMBEDDED_NAME = "embedded"
"""What datasets show as their catalog whose files are ours."""


async def create(
    db: Database,
    experiment_id: int,
    name: str,
    description: str,
    owner: tuple[int, Role],
    refers_to: OutsideReference = EMBEDDED,
) -> Dataset | None:
    """Make a dataset without files, or return None when the name is taken."""
    return await fetch_one(
        db, Dataset, CREATE, experiment_id, name, description, *owner, *astuple(refers_to)
    )


LOCK = f"SELECT {COLUMNS} FROM dataset WHERE id = $1 FOR NO KEY UPDATE"


async def lock(conn: Connection, id: int) -> Dataset | None:
    """Keep others from adding files to a dataset until the transaction ends."""
    return await fetch_one(conn, Dataset, LOCK, id)


# With the datasets that have one of the files of which something may be filled in, since what they keep of it changes.
LOCK_FOR_FILES = f"""
    SELECT {COLUMNS} FROM dataset
     WHERE id IN (SELECT $1::bigint
                   UNION
                  SELECT d.dataset_id FROM file f JOIN dataset_file d ON d.file_id = f.id
                   WHERE f.experiment_id = $2 AND f.test_of = 0 AND f.name = ANY($3::text[])
                     AND (f.size IS NULL OR f.events IS NULL OR f.run IS NULL OR f.name = ANY($4::text[])))
     ORDER BY id FOR NO KEY UPDATE
"""


async def lock_for_files(
    conn: Connection, id: int, experiment_id: int, names: Sequence[str], marked: Sequence[str]
) -> Dataset | None:
    """Keep others from adding files to a dataset, and to those that have files of these names of which not all is
    known, or which may be marked, until the transaction ends; always in one order."""
    found = await fetch_many(conn, Dataset, LOCK_FOR_FILES, id, experiment_id, names, marked)
    return next((row for row in found if row.id == id), None)


# Run it after `lock`, in a statement of its own, so that it sees what the one before has published.
PUBLISH = f"""
    WITH fresh AS (
        SELECT f.id, f.size, f.events, row_number() OVER (ORDER BY x.place) - 1 AS place
          FROM unnest($2::bigint[]) WITH ORDINALITY AS x (id, place)
          JOIN file f ON f.id = x.id
         WHERE NOT EXISTS (SELECT FROM dataset_file d WHERE d.dataset_id = $1 AND d.file_id = f.id)
    ), counted AS (
        SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes, count(*) - count(size) AS unsized,
               coalesce(sum(events), 0) AS events
          FROM fresh
    ), grown AS (
        UPDATE dataset d
           SET head = d.head + counted.files, bytes = d.bytes + counted.bytes, unsized = d.unsized + counted.unsized,
               events = d.events + counted.events
          FROM counted
         WHERE d.id = $1 AND counted.files > 0
        RETURNING d.*, d.head - counted.files AS from_ordinal, counted.files AS files
    ), put AS (
        INSERT INTO dataset_file (dataset_id, ordinal, file_id)
        SELECT grown.id, grown.from_ordinal + fresh.place, fresh.id FROM grown, fresh
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'dataset.files_added', $3::bigint, $4::text, NULL,
               jsonb_build_object('dataset', 'dataset:' || id, 'name', name, 'files', files, 'head', head)
          FROM grown
    )
    SELECT {COLUMNS} FROM grown
"""


async def publish_files(
    conn: Connection, id: int, file_ids: Sequence[int], by: Actor
) -> Dataset | None:
    """Give the files that a locked dataset hasn't got its next ordinals; None when it has all."""
    return await fetch_one(conn, Dataset, PUBLISH, id, file_ids, *by.columns)


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """One file of a dataset at its ordinal."""

    ordinal: int
    file_id: int


BY_NAME = f"SELECT {COLUMNS} FROM dataset WHERE experiment_id = $1 AND name = $2"


async def find_by_name(db: Database, experiment_id: int, name: str) -> Dataset | None:
    """Find what an experiment calls so: a dataset, or what a launch works on."""
    return await fetch_one(db, Dataset, BY_NAME, experiment_id, name)


FREE = """
    SELECT x.name FROM unnest($2::text[]) WITH ORDINALITY AS x (name, place)
     WHERE NOT EXISTS (SELECT FROM dataset d WHERE d.experiment_id = $1 AND d.name = x.name)
     ORDER BY x.place LIMIT 1
"""


async def find_free_name(db: Database, experiment_id: int, names: Sequence[str]) -> str | None:
    """The first of these names that nothing has."""
    name: str | None = await db.fetchval(FREE, experiment_id, names)
    return name


def render_slice_dataset(files: str) -> str:
    """The statement that names what the submission in `moved` works on; `files` are rows with size and events."""
    return f"""
        INSERT INTO dataset (experiment_id, name, description, head, bytes, events, owner_id, owning_role,
                             submission_id)
        SELECT moved.experiment_id, moved.configuration ->> 'works_on', '', moved.files,
               (SELECT coalesce(sum(size), 0) FROM {files}), (SELECT coalesce(sum(events), 0) FROM {files}),
               c.owner_id, c.owning_role, moved.id
          FROM moved JOIN campaign c ON c.id = moved.campaign_id
         WHERE moved.configuration ? 'works_on'
    """


FILES_FORWARD = """
    SELECT ordinal, file_id FROM dataset_file
     WHERE dataset_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3
"""

FILES_BACKWARD = """
    SELECT ordinal, file_id FROM dataset_file
     WHERE dataset_id = $1 AND ordinal < $2 ORDER BY ordinal DESC LIMIT $3
"""


# A launch's files, in the order in which the catalog came to know them.
INPUTS_FORWARD = """
    SELECT file_id AS ordinal, file_id FROM input_file
     WHERE submission_id = $1 AND file_id > $2 ORDER BY file_id LIMIT $3
"""

INPUTS_BACKWARD = """
    SELECT file_id AS ordinal, file_id FROM input_file
     WHERE submission_id = $1 AND file_id < $2 ORDER BY file_id DESC LIMIT $3
"""


async def list_entries(
    db: Database,
    id: int,
    start: int,
    limit: int,
    *,
    backwards: bool,
    submission_id: int | None = None,
) -> list[tuple[int, files.File]]:
    """Read a page of a dataset's files, each with its ordinal; or of what a submission works on."""
    if submission_id is None:
        sql, key = FILES_BACKWARD if backwards else FILES_FORWARD, id
    else:
        sql, key = INPUTS_BACKWARD if backwards else INPUTS_FORWARD, submission_id
    found = await fetch_many(db, DatasetEntry, sql, key, start, limit)
    rows = {row.id: row for row in await files.find_by_ids(db, [entry.file_id for entry in found])}
    return [(entry.ordinal, rows[entry.file_id]) for entry in found]


NAMES = """
    SELECT id, name FROM dataset WHERE experiment_id = $1 AND name = ANY($2::text[]) AND submission_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class NamedId:
    """A name and what it stands for."""

    id: int
    name: str


async def find_ids(db: Database, experiment_id: int, names: Sequence[str]) -> dict[str, int]:
    """Find the datasets that an experiment has among these, by name."""
    return {row.name: row.id for row in await fetch_many(db, NamedId, NAMES, experiment_id, names)}


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
    return await find_own(conn, experiment_id, stage_ids)


async def find_own(db: Database, experiment_id: int, stage_ids: Sequence[int]) -> dict[int, int]:
    """Find the datasets of their own that these stages have; their ids by the stages'."""
    names = {format_own_name(id_): id_ for id_ in stage_ids}
    found = await find_ids(db, experiment_id, list(names))
    return {names[name]: id_ for name, id_ in found.items()}


def format_own_name(stage_id: int) -> str:
    """What the dataset is called that the stages upstream of this one feed."""
    return f"stage:{stage_id}"
