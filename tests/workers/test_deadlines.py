"""Deadlines mark and declare nothing; what comes late goes on with the next slice, or by hand."""

from typing import Any

import pytest

from db.launching import late_files, slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import deadlines, kicks, recovery_chain
from db.submissions.deadlines import MissingItem
from domain.submissions.submissions import SubmissionState
from tests.factories import Factory
from tests.forced_states import force_state
from workers import dependents

TOLD = "SELECT body FROM change_inbox WHERE kind = 'submission.overdue'"


async def launch_stage(plant: Factory, **stage: Any) -> int:
    raw = await plant.dataset("raw")
    await plant.rows(raw, 3)
    made = await plant.stage("reco", ["true"], dataset_id=raw)
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(stage, 2))
    await plant.db.execute(f"UPDATE stage SET {sets} WHERE id = $1", made, *stage.values())
    found = await slices.launch_next(plant.db, made, LaunchRequest(plant.person_id))
    assert found.submission, found
    return found.submission.id


async def pass_time(db: Pool, seconds: float) -> None:
    """Let time go by since everything."""
    await db.execute(
        "UPDATE submission SET created_at = created_at - make_interval(secs => $1),"
        " ended_at = ended_at - make_interval(secs => $1)",
        seconds,
    )


async def test_an_overdue_submission_is_marked_and_told_once_and_is_where_it_was(
    plant: Factory, db: Pool
) -> None:
    id = await launch_stage(plant, deadline_s=100)
    assert await deadlines.mark_overdue(db) == []
    await pass_time(db, 101)
    assert await deadlines.mark_overdue(db) == [id]
    assert await deadlines.mark_overdue(db) == []
    assert len(await db.fetch(TOLD)) == 1
    row = await db.fetchrow("SELECT state, overdue_since IS NOT NULL AS overdue FROM submission")
    assert row is not None
    assert (row["state"], row["overdue"]) == ("new", True)


async def test_after_completed_counts_from_the_end_of_batch_work(plant: Factory, db: Pool) -> None:
    id = await launch_stage(plant, deadline_s=100, deadline_from="completed")
    await pass_time(db, 1000)
    assert await deadlines.mark_overdue(db) == []
    await force_state(db, "completed")
    assert await deadlines.mark_overdue(db) == []
    await pass_time(db, 101)
    assert await deadlines.mark_overdue(db) == [id]


@pytest.mark.parametrize("state", ["located", "cancelled", "removed"])
async def test_of_what_nothing_is_expected_nothing_is_overdue(
    plant: Factory, db: Pool, state: str
) -> None:
    await launch_stage(plant, deadline_s=1)
    await force_state(db, state)
    await pass_time(db, 100)
    assert await deadlines.mark_overdue(db) == []


async def test_without_a_deadline_nothing_is_overdue(plant: Factory, db: Pool) -> None:
    await launch_stage(plant, completion="complete")
    await pass_time(db, 10**6)
    assert await deadlines.mark_overdue(db) == []


async def test_what_is_missing_is_named(plant: Factory, db: Pool) -> None:
    id = await launch_stage(plant, deadline_s=1)
    await db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id = 1")
    await db.execute("UPDATE input_file SET outcome = 'failed', reason = 'exit' WHERE file_id = 2")
    await db.execute(
        "INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, problem)"
        " VALUES ($1, 1, 1, 'o', '', 0, '', 'declared', 'It is not there.')",
        id,
    )
    assert await deadlines.list_missing(db, [id], 100) == [
        MissingItem("o", True, "It is not there."),
        MissingItem("f000001", False, "exit"),
        MissingItem("f000002", False, "not done"),
    ]


async def test_a_kick_keeps_its_reason_tells_it_and_answers_what_was_asked(
    plant: Factory, db: Pool
) -> None:
    id = await launch_stage(plant, completion="located")
    await force_state(db, "failed", also=", decision_needed = 'Do it again?'")
    kicked = await kicks.kick_submission(
        db, id, [SubmissionState.FAILED], "good enough", plant.person_id
    )
    assert kicked
    assert (kicked.reason, kicked.kicked_by, kicked.decision_needed) == (
        "good enough",
        plant.person_id,
        "",
    )
    body = await db.fetchval("SELECT body FROM change_inbox WHERE kind = 'submission.located'")
    assert body["reason"] == "good enough"


async def make_late_files(
    plant: Factory, split: str, names: list[str]
) -> tuple[int, list[late_files.LateFileCount]]:
    """A located submission whose dependents were launched before these files came; what waits of them."""
    db = plant.db
    id = await launch_stage(plant, completion="located")
    await force_state(db, "located", also=", advanced_at = now()")
    fed = await plant.dataset("stage:merge")
    merge = await plant.stage("merge", ["true"], dataset_id=fed, split=split)
    await plant.edge(1, merge, ["*.a"])
    await add_late_files(plant, id, ["first.a"])
    assert len(await fire_dependents(plant, id)) == 1
    await add_late_files(plant, id, names)
    assert await fire_dependents(plant, id) == []
    origin, *_ = await recovery_chain.list_members(db, id)
    return id, await late_files.list_late_files(db, origin, [id])


async def add_late_files(plant: Factory, id: int, names: list[str]) -> None:
    await plant.db.execute(
        "WITH made AS (INSERT INTO file (experiment_id, name, size, location)"
        "              SELECT $1, n, 0, '' FROM unnest($2::text[]) n RETURNING id, name)"
        " INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, file_id)"
        " SELECT $3, 1, 1, name, '', 0, '', 'located', id FROM made",
        plant.experiment_id, names, id,
    )  # fmt: skip


async def fire_dependents(plant: Factory, id: int) -> list[int]:
    async with plant.db.acquire() as conn, conn.transaction():
        family = await recovery_chain.lock_members(conn, id)
        return [made.id for made in await dependents.launch_dependents(conn, family[0], [id])]


@pytest.mark.parametrize("split", ["none", "byexistingruns", "draining"])
async def test_late_files_wait_listed_by_name_until_they_are_launched(
    plant: Factory, split: str
) -> None:
    if split == "byexistingruns":
        await plant.db.execute("ALTER TABLE file ALTER COLUMN run SET DEFAULT 7")
    id, waiting = await make_late_files(plant, split, ["late.a", "late.b"])
    assert [(one.files, one.names) for one in waiting] == [(1, ["late.a"])]
    await plant.db.execute("DELETE FROM live_file")
    await force_state(plant.db, "located", "upstream_id IS NOT NULL")
    async with plant.db.acquire() as conn, conn.transaction():
        made = await late_files.launch_waiting_stages(conn, id, plant.person_id)
    assert next(outcome.submission.trigger_no for outcome in made if outcome.submission) == 1
    origin, *_ = await recovery_chain.list_members(plant.db, id)
    assert await late_files.list_late_files(plant.db, origin, [id]) == []


async def test_nothing_is_late_that_does_not_go_on(plant: Factory) -> None:
    _, waiting = await make_late_files(plant, "none", ["other.b"])
    assert waiting == []
