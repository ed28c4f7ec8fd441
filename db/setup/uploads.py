"""Uploads: what people have brought for their launch scripts. What was removed stays until no launch has it to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.changes import sign_as_person
from db.pool import Connection, Database, fetch_many, fetch_one


@dataclass(frozen=True, slots=True)
class Upload:
    """One row of `upload`; its bytes lie under its id."""

    id: int
    experiment_id: int
    person_id: int
    name: str
    size: int
    checksum: str
    created_at: datetime
    removed_at: datetime | None


COLUMNS = ", ".join(Upload.__dataclass_fields__)
U_COLUMNS = ", ".join(f"u.{name}" for name in Upload.__dataclass_fields__)

THERE = f"""
    SELECT {COLUMNS} FROM upload WHERE experiment_id = $1 AND person_id = $2 AND removed_at IS NULL ORDER BY name
"""


async def list_by_person(db: Database, experiment_id: int, person_id: int) -> list[Upload]:
    """What a person has there in an experiment, by name."""
    return await fetch_many(db, Upload, THERE, experiment_id, person_id)


LOCK = "SELECT FROM person WHERE id = $1 FOR NO KEY UPDATE"


async def lock_by_person(conn: Connection, experiment_id: int, person_id: int) -> list[Upload]:
    """The same; until the transaction ends nobody else brings or removes anything of theirs."""
    await conn.execute(LOCK, person_id)
    return await list_by_person(conn, experiment_id, person_id)


RETIRE = """
    UPDATE upload SET removed_at = now()
     WHERE experiment_id = $1 AND person_id = $2 AND name = $3 AND removed_at IS NULL
"""

SAVE = f"""
    WITH saved AS (
        INSERT INTO upload (experiment_id, person_id, name, size, checksum) VALUES ($1, $2, $3, $4, $5)
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'upload.saved', {sign_as_person("$2")}, NULL,
               jsonb_build_object('upload', 'upload:' || id, 'name', name)
          FROM saved
    )
    SELECT {COLUMNS} FROM saved
"""


async def create(
    conn: Connection, owner: tuple[int, int], name: str, size: int, sum_: str
) -> Upload:
    """Note an upload of (experiment, person), in the place of the one that has its name."""
    await conn.execute(RETIRE, *owner, name)
    saved = await fetch_one(conn, Upload, SAVE, *owner, name, size, sum_)
    assert saved is not None  # noqa: S101 - it was inserted
    return saved


REMOVE = f"""
    WITH gone AS (
        UPDATE upload SET removed_at = now() WHERE id = $1 AND person_id = $2 AND removed_at IS NULL
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'upload.removed', {sign_as_person("$2")}, NULL,
               jsonb_build_object('upload', 'upload:' || id, 'name', name)
          FROM gone
    )
    SELECT {COLUMNS} FROM gone
"""


async def delete(db: Database, id: int, person_id: int) -> Upload | None:
    """Take a person's upload away; launches that were made before have it still. None: there is none of theirs."""
    return await fetch_one(db, Upload, REMOVE, id, person_id)


TAKE = "INSERT INTO submission_upload (submission_id, upload_id) SELECT $1, unnest($2::bigint[])"


async def record_taken(db: Database, submission_id: int, ids: Sequence[int]) -> None:
    """Note what the launch script of a submission will find."""
    if ids:
        await db.execute(TAKE, submission_id, ids)


@dataclass(frozen=True, slots=True)
class TakenUpload(Upload):
    """An upload that the launch script of a submission finds."""

    submission_id: int


TAKEN = f"""
    SELECT {U_COLUMNS}, s.submission_id FROM submission_upload s JOIN upload u ON u.id = s.upload_id
     WHERE s.submission_id = ANY($1::bigint[]) ORDER BY s.submission_id, u.name
"""


async def list_by_submissions(db: Database, ids: Sequence[int]) -> list[TakenUpload]:
    """What the launch scripts of these submissions find, by name."""
    return await fetch_many(db, TakenUpload, TAKEN, ids)


TO_DROP = f"""
    SELECT {U_COLUMNS} FROM upload u
     WHERE u.removed_at IS NOT NULL AND u.dropped_at IS NULL
       AND NOT EXISTS (SELECT FROM submission_upload s JOIN submission o ON o.id = s.submission_id
                        WHERE s.upload_id = u.id AND o.ended_at IS NULL)
     ORDER BY u.id LIMIT $1
"""


async def list_to_drop(db: Database, most: int) -> list[Upload]:
    """Removed ones whose bytes no launch will read any more."""
    return await fetch_many(db, Upload, TO_DROP, most)


DROPPED = "UPDATE upload SET dropped_at = now() WHERE id = ANY($1::bigint[])"


async def mark_dropped(db: Database, ids: Sequence[int]) -> None:
    """Note that their bytes are gone."""
    await db.execute(DROPPED, ids)
