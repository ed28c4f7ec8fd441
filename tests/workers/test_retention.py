"""What is old goes into the archive, whole, and only then out of the database; nothing else goes."""

from pathlib import Path

import pytest

from db import changes, retention
from db.batch import discrepancies
from db.pool import Pool
from db.retention import SUBMISSION_PARTS, PartChanged
from db.submissions import kicks, progress, recovery_chain
from domain.batch.reconciliation import ReportedCluster, compare_clusters
from domain.discrepancies import DiscrepancyKind
from domain.submissions.submissions import SubmissionState
from tests.factories import Factory
from tests.forced_states import UNCHECKED
from tests.worker_tools import make_worker_tools
from tests.workers.aged import (
    LEFT_OF_OLD,
    count_old,
    launch_old,
    read_archive,
    retain_parts,
    tell_old_changes,
)
from workers.retention import Retention


async def test_what_is_over_for_long_is_in_the_archive_and_counted_as_before(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    await launch_old(plant)
    before, sums = await count_old(db), await progress.list_by_campaign(db, plant.campaign_id)
    rows = await db.fetch("SELECT * FROM attempt ORDER BY submission_id, number")
    kept = await db.fetch("SELECT * FROM submission WHERE id > 10000")
    assert before["input_file"] == before["attempt"] == 6
    assert await retain_parts(worker_db, archive, tmp_path)
    assert await count_old(db) == LEFT_OF_OLD
    for parent in SUBMISSION_PARTS:
        assert len(read_archive(archive, parent)) == before[parent] - LEFT_OF_OLD[parent]
    found = read_archive(archive, "attempt")
    assert [int(row["submission_id"]) for row in found] == [row["submission_id"] for row in rows]
    assert found[0]["text"] == 'it "failed",\nbadly'
    assert await progress.list_by_campaign(db, plant.campaign_id) == sums
    assert await db.fetch("SELECT * FROM submission WHERE id > 10000") == kept
    assert await db.fetchval("SELECT count(*) FROM input_file") == 2
    assert not await retain_parts(worker_db, archive, tmp_path)
    # What a batch system still tells has a place.
    await db.execute("INSERT INTO attempt VALUES (1, 1, 9, 'failed', 9)")


IN_THE_WAY = {
    "it runs": "UPDATE submission SET state = 'running', ended_at = NULL WHERE id = 2",
    "it ended of late": "UPDATE submission SET ended_at = now() - interval '29 days' WHERE id = 2",
    "it is looked at": "UPDATE submission SET check_at = now() WHERE id = 2",
    "somebody has to decide": "UPDATE submission SET decision_needed = 'what?' WHERE id = 2",
    "an action is open": "UPDATE action SET done_at = NULL WHERE submission_id = 2",
    "its recovery runs": "UPDATE submission SET origin_id = 2 WHERE id > 10000",
    "a discrepancy is open": "INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, jobs,"
    " started, details, repair) VALUES ('duplicate_cluster', 'local', '2', 'm', 2, 1, false, '', 'remove')",
    "there may be more members": "DELETE FROM submission WHERE id > 10000",
}


@pytest.mark.parametrize("why", IN_THE_WAY)
async def test_nothing_is_dropped_of_what_is_not_over(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path, why: str
) -> None:
    await launch_old(plant)
    before = await count_old(db)
    async with db.acquire() as conn, conn.transaction():
        await conn.execute(UNCHECKED)
        await conn.execute(IN_THE_WAY[why])
    before = await count_old(db)
    assert not await retain_parts(worker_db, tmp_path / "archive", tmp_path)
    with pytest.raises(PartChanged):
        await retention.drop_submissions(worker_db, 0, 30)
    assert await count_old(db) == before
    assert await db.fetchval("SELECT count(*) FROM submission WHERE archived_at IS NOT NULL") == 0


async def test_what_has_changed_since_it_was_archived_is_archived_anew(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await launch_old(plant)
    archive = tmp_path / "archive"
    drop = retention.drop_submissions

    async def late(pool: Pool, number: int, days: int) -> bool:
        await db.execute("UPDATE input_file SET reason = 'late' WHERE submission_id = 3")
        return await drop(pool, number, days)

    monkeypatch.setattr(retention, "drop_submissions", late)
    assert not await retain_parts(worker_db, archive, tmp_path)
    assert (await count_old(db))["input_file"] == 6
    monkeypatch.undo()
    assert await retain_parts(worker_db, archive, tmp_path)
    assert [row["reason"] for row in read_archive(archive, "input_file")] == [
        *[""] * 4,
        "late",
        "late",
    ]


async def test_a_file_that_is_damaged_is_written_anew_before_anything_is_dropped(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    await launch_old(plant)
    archive = tmp_path / "archive"
    async with db.acquire() as conn:
        await conn.execute("BEGIN; LOCK TABLE attempt_0 IN ACCESS SHARE MODE")
        assert not await retain_parts(worker_db, archive, tmp_path)
        await conn.execute("ROLLBACK")
    assert (await count_old(db))["attempt"] == 6
    (file,) = archive.glob("*/attempt_*.csv.gz")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert await retain_parts(worker_db, archive, tmp_path)
    assert file.read_bytes() == whole


async def test_nothing_follows_of_what_is_archived(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    await launch_old(plant)
    assert await retain_parts(worker_db, tmp_path / "archive", tmp_path)
    assert (
        await kicks.kick_submission(db, 1, [SubmissionState.FAILED], "why", plant.person_id) is None
    )
    await recovery_chain.look_again(db, 1)
    assert await db.fetchval("SELECT check_at FROM submission WHERE id = 1") is None


async def test_clusters_of_what_is_archived_are_no_orphans(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    await launch_old(plant)
    there = [ReportedCluster(str(n), f"poms-0123abcd-1-{n}", 1, started=True) for n in (1, 2, 3)]

    async def kinds() -> list[DiscrepancyKind]:
        attempts = await discrepancies.find_by_marks(
            worker_db, "local", [one.mark for one in there]
        )
        return [each.kind for each in compare_clusters(there, {a.mark: a for a in attempts}, 0)]

    assert await retain_parts(worker_db, tmp_path / "archive", tmp_path)
    assert await kinds() == [
        DiscrepancyKind.ABANDONED, DiscrepancyKind.RUNNING_THOUGH_ENDED, DiscrepancyKind.ORPHAN,
    ]  # fmt: skip


async def test_old_changes_go_and_who_wants_them_is_told(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    await launch_old(plant)
    archive = tmp_path / "archive"
    await tell_old_changes(db, 1)
    assert await retain_parts(worker_db, archive, tmp_path, changes_days=50)
    assert await changes.find_dropped_to(db) == 0
    assert await retain_parts(worker_db, archive, tmp_path, changes_days=30)
    assert await changes.find_dropped_to(db) == 4_999_999
    assert [int(row["position"]) for row in read_archive(archive, "change")] == [1, 2, 4_999_999]
    assert await db.fetchval("SELECT array_agg(position) FROM change") == [5_000_000]


async def test_changes_of_what_is_not_over_are_kept(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    await launch_old(plant)
    await tell_old_changes(db, 10001)
    assert await retain_parts(worker_db, tmp_path / "archive", tmp_path, changes_days=30)
    assert await db.fetchval("SELECT count(*) FROM change") == 4
    with pytest.raises(PartChanged):
        await retention.drop_changes(worker_db, 0, 30)


async def test_where_the_archive_is_away_nothing_is_dropped(
    plant: Factory, db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    await launch_old(plant)
    before = await count_old(db)
    away = tmp_path / "unmounted" / "archive"
    with pytest.raises(FileNotFoundError):
        await Retention(30, 0, away).step(make_worker_tools(worker_db, tmp_path))
    assert await count_old(db) == before
