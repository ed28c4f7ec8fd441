"""What is kept of the progress of stages is what counting all their submissions gives, whatever happens to these."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.migrate import apply_migrations
from db.pool import Pool, open_pool
from db.submissions import progress
from db.submissions.progress import SUMS, StageProgress
from domain.submissions.submissions import LIVE, SubmissionState
from tests.db.older_databases import make_older_database
from tests.db.test_splits import teach_json
from tests.factories import Factory
from tests.forced_states import UNCHECKED, force_state

LIGHT = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
COUNTED = f"""
    SELECT stage.id, stage.name, stage.slices,
           (SELECT coalesce(jsonb_object_agg(state, n), '{{}}')
              FROM (SELECT state, count(*) AS n FROM submission
                     WHERE stage_id = stage.id AND is_test = $2 GROUP BY state) x),
           {", ".join(f"coalesce(sum({name}), 0)" for name in SUMS)}
      FROM stage LEFT JOIN submission u ON u.stage_id = stage.id AND u.is_test = $2
     WHERE stage.campaign_id = $1 GROUP BY stage.id ORDER BY stage.id
"""
CHANGED = """
    UPDATE submission
       SET state = $2, ended_at = CASE WHEN $2 = ANY($3::submission_state[]) THEN NULL ELSE now() END,
           jobs = jobs + $4, jobs_running = jobs_running + $4, files = files + $5, files_done = files_done + $5,
           outputs_refused = $5, events_located = events_located + $5, cpu_s = $6, wall_s = wall_s + $6,
           memory_used_mb = $6 / 3
     WHERE id % $1 = 0
"""
SECONDS = st.floats(0, 1e7, allow_nan=False, allow_subnormal=False)
STEP = st.one_of(
    st.tuples(st.just("launch"), st.integers(0, 2)),
    st.tuples(
        st.just("change"), st.integers(1, 4), st.sampled_from(SubmissionState), st.integers(0, 9), st.integers(0, 9),
        SECONDS, st.booleans(),
    ),
    st.tuples(st.just("fold"), st.integers(1, 5)),
    st.tuples(st.just("recount")),
)  # fmt: skip


async def make_stages(plant: Factory) -> list[int]:
    """Three generators, which never run dry."""
    return [
        await plant.stage(name, ["true"], kind="generator", jobs_per_slice=2)
        for name in ("a", "b", "c")
    ]


async def make_submission(plant: Factory, stage: int, *, is_test: bool = False) -> None:
    found = await slices.launch_next(
        plant.db, stage, LaunchRequest(plant.person_id, is_test=is_test)
    )
    assert found.submission, found


class Undone(Exception):
    """A transaction that is rolled back."""


async def change_submission(
    db: Pool, each: int, state: str, jobs: int, files: int, seconds: float, *, undone: bool
) -> None:
    """One statement that changes each so manieth submission, which may be rolled back."""
    try:
        async with db.acquire() as conn, conn.transaction():
            await conn.execute(UNCHECKED)
            await conn.execute(CHANGED, each, state, list(LIVE), jobs, files, seconds)
            if undone:
                raise Undone
    except Undone:
        pass


async def expect_kept_is_counted(plant: Factory) -> None:
    for is_test in (False, True):
        kept = await progress.list_by_campaign(plant.db, plant.campaign_id, is_test=is_test)
        rows = await plant.db.fetch(COUNTED, plant.campaign_id, is_test)
        for one, row in zip(kept, rows, strict=True):
            expect_alike(one, StageProgress(*row))


def expect_alike(kept: StageProgress, counted: StageProgress) -> None:
    for name in StageProgress.__dataclass_fields__:
        one, other = getattr(kept, name), getattr(counted, name)
        if isinstance(other, float):
            assert abs(one - other) <= 1e-9 * abs(other), name
        else:
            assert one == other, name


@LIGHT
@given(st.lists(STEP, max_size=25))
async def test_what_is_kept_is_what_is_counted(
    db: Pool, database_url: str, steps: list[tuple[Any, ...]]
) -> None:
    await db.execute("DELETE FROM stage_progress_delta")
    await db.execute("TRUNCATE experiment, person, submission, stage CASCADE")
    plant = await Factory.make(db)
    stages = await make_stages(plant)
    for number, (kind, *words) in enumerate(steps):
        if kind == "launch":
            await make_submission(plant, stages[words[0]], is_test=number % 3 == 0)
        elif kind == "change":
            *what, undone = words
            await change_submission(db, *what, undone=undone)
        elif kind == "fold":
            await progress.fold_progress(db, words[0])
        else:
            assert await progress.recount_progress(database_url) == []
        await expect_kept_is_counted(plant)
    while await progress.fold_progress(db, 3):
        pass
    await expect_kept_is_counted(plant)
    assert await progress.recount_progress(database_url) == []


async def test_who_changes_the_same_stages_in_another_order_waits_for_nobody(
    db: Pool, worker_db: Pool
) -> None:
    plant = await Factory.make(db)
    stages = await make_stages(plant)
    for _ in range(5):
        for stage in stages:
            await make_submission(plant, stage)
    ids = [row["id"] for row in await db.fetch("SELECT id FROM submission ORDER BY stage_id, id")]
    add = "UPDATE submission SET events_located = events_located + 1 WHERE id = $1"

    async def work(own: list[int]) -> None:
        async with worker_db.acquire() as conn, conn.transaction():
            for id in own:
                await conn.execute(add, id)

    async def fold() -> None:
        for _ in range(20):
            await progress.fold_progress(worker_db, 7)

    for _ in range(5):
        # Each transaction has submissions of its own, of all stages, up or down.
        turns = [ids[n::5] if n % 2 else ids[n::5][::-1] for n in range(5)]
        await asyncio.gather(*map(work, turns), fold(), fold())
    await expect_kept_is_counted(plant)
    kept = await progress.list_by_campaign(db, plant.campaign_id)
    assert [stage.events_located for stage in kept] == [25, 25, 25]


async def test_a_statement_that_changes_no_sum_notes_nothing(db: Pool) -> None:
    plant = await Factory.make(db)
    [stage, *_] = await make_stages(plant)
    for _ in range(3):
        await make_submission(plant, stage)
    await progress.fold_progress(db, 100)
    await db.execute("UPDATE submission SET reason = 'x', revision = revision + 1")
    assert await db.fetchval("SELECT count(*) FROM stage_progress_delta") == 0
    await force_state(db, "idle")
    noted = await db.fetch("SELECT state, submissions FROM stage_progress_delta ORDER BY state")
    assert [tuple(row) for row in noted] == [("new", -3), ("idle", 3)]


async def test_what_is_wrong_is_counted_anew(db: Pool, database_url: str) -> None:
    plant = await Factory.make(db)
    [first, second, _] = await make_stages(plant)
    await make_submission(plant, first)
    await make_submission(plant, second)
    await progress.fold_progress(db, 100)
    await db.execute("UPDATE stage_progress SET submissions = 7 WHERE stage_id = $1", first)
    assert await progress.recount_progress(database_url) == [first]
    await expect_kept_is_counted(plant)
    assert await progress.recount_progress(database_url) == []


OLD_SUBMISSION = """
    WITH s AS (INSERT INTO slice (stage_id, epoch, number, cursor)
               SELECT id, 1, 1, '0' FROM stage RETURNING id, stage_id)
    INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, state, created_by,
                            batch_system, configuration, counted, jobs, jobs_idle, cpu_s)
    SELECT stage.experiment_id, campaign_id, stage.id, s.id, 1, 'idle', $1, 'local', '{}', false, 3, 3, 0.1
      FROM s JOIN stage ON stage.id = s.stage_id
"""


async def test_what_was_there_before_is_counted_by_the_migration(
    empty_database_url: str, tmp_path: Path
) -> None:
    await make_older_database(empty_database_url, tmp_path, before="0037")
    pool = await asyncpg.create_pool(empty_database_url, init=teach_json)
    plant = await Factory.make(pool)
    await plant.stage("a", ["true"], kind="generator")
    await pool.execute(OLD_SUBMISSION, plant.person_id)
    await pool.close()
    await apply_migrations(empty_database_url)
    plant.db = await open_pool(empty_database_url)
    await expect_kept_is_counted(plant)
    [stage] = await progress.list_by_campaign(plant.db, plant.campaign_id)
    assert (stage.submissions, stage.jobs_idle, stage.cpu_s) == ({"idle": 1}, 3, 0.1)
    await plant.db.close()
