"""Submissions of long ago, with all their details, and what the archive has of them."""

import csv
import gzip
from pathlib import Path
from typing import Any

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.retention import SUBMISSION_PARTS
from tests.factories import Factory
from tests.forced_states import UNCHECKED
from tests.worker_tools import make_worker_tools
from workers.retention import Retention

ENDED = """
    UPDATE submission
       SET state = 'failed', ended_at = now() - interval '40 days', state_since = now() - interval '40 days',
           check_at = NULL, holds_files = false, counted = false
"""
DETAILS = (
    "INSERT INTO attempt (submission_id, number, attempt, state, sequence, text)"
    " SELECT submission_id, number, 1, 'failed', 1, E'it \"failed\",\\nbadly' FROM job",
    "INSERT INTO launch_attempt (submission_id, attempt, batch_system, mark, state, holder, native_id)"
    " SELECT id, n, 'local', format('poms-0123abcd-%s-%s', id, n), 'abandoned', 'me', nullif(n, 1)::text"
    "   FROM submission, generate_series(1, 2) n",
    "UPDATE submission SET launch_attempt = 2",
    "INSERT INTO cluster (batch_system, native_id, submission_id, attempt) SELECT 'local', id, id, 2 FROM submission",
    "INSERT INTO launch_output SELECT id, 1, 1, 'said' FROM submission",
    "INSERT INTO action (submission_id, verb, reason, person_id, done_at)"
    " SELECT id, 'hold', 'why', created_by, now() FROM submission",
)  # fmt: skip
LEFT_OF_OLD = {
    "action": 0, "launch_attempt": 3, "launch_output": 0, "input_file": 0, "attempt": 0,
}  # fmt: skip


async def launch_old(plant: Factory) -> None:
    """Three submissions of long ago, with all their details, and one of today that closes their part."""
    db = plant.db
    raw = await plant.dataset("raw")
    await plant.rows(raw, 8)
    stage = await plant.stage("reco", ["true"], dataset_id=raw, split="nfiles(2)")
    for _ in range(3):
        await slices.launch_next(db, stage, LaunchRequest(plant.person_id))
    async with db.acquire() as conn, conn.transaction():
        await conn.execute(UNCHECKED)
        await conn.execute(ENDED)
        await conn.execute("DELETE FROM live_file")
        for statement in DETAILS:
            await conn.execute(statement)
    await db.execute("SELECT setval('submission_id_seq', 10000), ensure_partitions(3)")
    await slices.launch_next(db, stage, LaunchRequest(plant.person_id))
    await db.execute("SELECT ensure_partitions(3)")


async def count_old(db: Pool) -> dict[str, int]:
    """Rows of the old submissions."""
    return {
        parent: await db.fetchval(f"SELECT count(*) FROM {parent} WHERE submission_id < 10000")
        for parent in SUBMISSION_PARTS
    }


def read_archive(archive: Path, parent: str) -> list[dict[str, Any]]:
    (file,) = archive.glob(f"*/{parent}_*.csv.gz")
    with gzip.open(file, "rt", newline="") as text:
        return list(csv.DictReader(text))


CHANGES_OF_OLD = """
    INSERT INTO change SELECT n, n, 1, NULL, $1, 'test.old', '{}', now(), now() - interval '40 days'
      FROM unnest(ARRAY[1, 2, 4999999]) n
"""
CHANGE_OF_TODAY = (
    "INSERT INTO change VALUES (5000000, 4, 1, NULL, $1, 'test.today', '{}', now(), now())"
)


async def tell_old_changes(db: Pool, submission_id: int | None) -> None:
    """Changes of long ago that fill the first part, and one of today."""
    await db.execute("DELETE FROM change_inbox")
    await db.execute("DELETE FROM change")
    await db.execute(CHANGES_OF_OLD, submission_id)
    await db.execute("UPDATE change_head SET position = 5000000")
    await db.execute("SELECT ensure_partitions(3)")
    await db.execute(CHANGE_OF_TODAY, submission_id)


async def retain_parts(
    worker_db: Pool, archive: Path, folder: Path, *, changes_days: int = 0
) -> bool:
    """Let a worker look once, which keeps submissions for 30 days."""
    archive.mkdir(exist_ok=True)
    return await Retention(30, changes_days, archive).step(make_worker_tools(worker_db, folder))
