"""Deadlines mark and declare nothing; what comes late goes on with the next slice, or by hand."""

from typing import Any

import pytest

from db import deadlines, families, kicks, slices, stragglers
from db.deadlines import Missing
from db.pool import Pool
from db.taking import Asked
from domain.submissions import SubmissionState
from tests.plant import Plant
from workers import dependents

TOLD = "SELECT body FROM change_inbox WHERE kind = 'submission.overdue'"


async def launched(plant: Plant, **stage: Any) -> int:
    raw = await plant.dataset("raw")
    await plant.rows(raw, 3)
    made = await plant.stage("reco", ["true"], dataset_id=raw)
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(stage, 2))
    await plant.db.execute(f"UPDATE stage SET {sets} WHERE id = $1", made, *stage.values())
    found = await slices.launch_next(plant.db, made, Asked(plant.person_id))
    assert found.submission, found
    return found.submission.id


async def pass_(db: Pool, seconds: float) -> None:
    """Let time go by since everything."""
    await db.execute(
        "UPDATE submission SET created_at = created_at - make_interval(secs => $1),"
        " ended_at = ended_at - make_interval(secs => $1)",
        seconds,
    )


async def test_an_overdue_submission_is_marked_and_told_once_and_is_where_it_was(
    plant: Plant, db: Pool
) -> None:
    id = await launched(plant, deadline_s=100)
    assert await deadlines.mark(db) == []
    await pass_(db, 101)
    assert await deadlines.mark(db) == [id]
    assert await deadlines.mark(db) == []
    assert len(await db.fetch(TOLD)) == 1
    row = await db.fetchrow("SELECT state, overdue_since IS NOT NULL AS overdue FROM submission")
    assert row is not None
    assert (row["state"], row["overdue"]) == ("new", True)


async def test_after_completed_counts_from_the_end_of_batch_work(plant: Plant, db: Pool) -> None:
    id = await launched(plant, deadline_s=100, deadline_from="completed")
    await pass_(db, 1000)
    assert await deadlines.mark(db) == []
    await db.execute("UPDATE submission SET state = 'completed', ended_at = now()")
    assert await deadlines.mark(db) == []
    await pass_(db, 101)
    assert await deadlines.mark(db) == [id]


@pytest.mark.parametrize("state", ["located", "cancelled", "removed"])
async def test_of_what_nothing_is_expected_nothing_is_overdue(
    plant: Plant, db: Pool, state: str
) -> None:
    await launched(plant, deadline_s=1)
    await db.execute("UPDATE submission SET state = $1", state)
    await pass_(db, 100)
    assert await deadlines.mark(db) == []


async def test_without_a_deadline_nothing_is_overdue(plant: Plant, db: Pool) -> None:
    await launched(plant, completion="complete")
    await pass_(db, 10**6)
    assert await deadlines.mark(db) == []


async def test_what_is_missing_is_named(plant: Plant, db: Pool) -> None:
    id = await launched(plant, deadline_s=1)
    await db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id = 1")
    await db.execute("UPDATE input_file SET outcome = 'failed', reason = 'exit' WHERE file_id = 2")
    await db.execute(
        "INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, problem)"
        " VALUES ($1, 1, 1, 'o', '', 0, '', 'declared', 'It is not there.')",
        id,
    )
    assert await deadlines.missing(db, [id], 100) == [
        Missing("o", True, "It is not there."),
        Missing("f000001", False, "exit"),
        Missing("f000002", False, "not done"),
    ]


async def test_a_kick_keeps_its_reason_tells_it_and_answers_what_was_asked(
    plant: Plant, db: Pool
) -> None:
    id = await launched(plant, completion="located")
    await db.execute("UPDATE submission SET state = 'failed', asks = 'Do it again?'")
    kicked = await kicks.kick(db, id, [SubmissionState.FAILED], "good enough", plant.person_id)
    assert kicked
    assert (kicked.reason, kicked.kicked_by, kicked.asks) == ("good enough", plant.person_id, "")
    body = await db.fetchval("SELECT body FROM change_inbox WHERE kind = 'submission.located'")
    assert body["reason"] == "good enough"


async def late(plant: Plant, split: str, names: list[str]) -> tuple[int, list[stragglers.Late]]:
    """A located submission whose dependents were launched before these files came; what waits of them."""
    db = plant.db
    id = await launched(plant, completion="located")
    await db.execute(
        "UPDATE submission SET state = 'located', advanced_at = now(), ended_at = now()"
    )
    fed = await plant.dataset("stage:merge")
    merge = await plant.stage("merge", ["true"], dataset_id=fed, split=split)
    await plant.edge(1, merge, ["*.a"])
    await come(plant, id, ["first.a"])
    assert len(await fire(plant, id)) == 1
    await come(plant, id, names)
    assert await fire(plant, id) == []
    origin, *_ = await families.members(db, id)
    return id, await stragglers.late(db, origin, [id])


async def come(plant: Plant, id: int, names: list[str]) -> None:
    await plant.db.execute(
        "WITH made AS (INSERT INTO file (experiment_id, name, size, location)"
        "              SELECT $1, n, 0, '' FROM unnest($2::text[]) n RETURNING id, name)"
        " INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, file_id)"
        " SELECT $3, 1, 1, name, '', 0, '', 'located', id FROM made",
        plant.experiment_id, names, id,
    )  # fmt: skip


async def fire(plant: Plant, id: int) -> list[int]:
    async with plant.db.acquire() as conn, conn.transaction():
        family = await families.lock(conn, id)
        return [made.id for made in await dependents.fire(conn, family[0], [id])]


@pytest.mark.parametrize("split", ["none", "byexistingruns", "draining"])
async def test_late_files_wait_listed_by_name_until_they_are_launched(
    plant: Plant, split: str
) -> None:
    if split == "byexistingruns":
        await plant.db.execute("ALTER TABLE file ALTER COLUMN run SET DEFAULT 7")
    id, waiting = await late(plant, split, ["late.a", "late.b"])
    assert [(one.files, one.names) for one in waiting] == [(1, ["late.a"])]
    await plant.db.execute("DELETE FROM live_file")
    await plant.db.execute("UPDATE submission SET state = 'located' WHERE upstream_id IS NOT NULL")
    async with plant.db.acquire() as conn, conn.transaction():
        made = await stragglers.launch_late(conn, id, plant.person_id)
    assert next(outcome.submission.trigger_no for outcome in made if outcome.submission) == 1
    origin, *_ = await families.members(plant.db, id)
    assert await stragglers.late(plant.db, origin, [id]) == []


async def test_nothing_is_late_that_does_not_go_on(plant: Plant) -> None:
    _, waiting = await late(plant, "none", ["other.b"])
    assert waiting == []
