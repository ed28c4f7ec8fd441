"""Splits in the database: what the rules find there, exclusive under races, in time that a slice is worth."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.launching.slices import LaunchOutcome, LaunchRefusal
from db.migrate import apply_migrations
from db.pool import Connection, Pool, open_pool
from db.recovery import recoveries
from domain.recovery.recovery_decisions import RecoveryTurn
from domain.setup.recovery_rules import RecoveryRule
from tests.db.older_databases import make_older_database
from tests.factories import Factory
from tests.forced_states import force_state

ORDINALS = """
    SELECT d.ordinal FROM input_file i JOIN submission s ON s.id = i.submission_id JOIN stage g ON g.id = s.stage_id
      JOIN dataset_file d ON d.dataset_id = g.dataset_id AND d.file_id = i.file_id
     WHERE i.submission_id = $1 ORDER BY i.number, d.ordinal
"""
STAGE = "UPDATE file SET metadata = metadata || '{\"staged\": true}' WHERE name = ANY ($1)"
READ = """
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
     WHERE relname IN ('dataset_file', 'file', 'slice_file', 'staged_file')
"""
MANY = """
    WITH made AS (
        INSERT INTO file (experiment_id, name, size, events, run, metadata, location)
        SELECT $1, 'm' || n, 1000, 10, n % 1000, jsonb_build_object('end_time', n, 'staged', true), 'm'
          FROM generate_series(0, $3::int - 1) n
        RETURNING id, substr(name, 2)::int AS n
    ), grown AS (UPDATE dataset SET head = $3 WHERE id = $2)
    INSERT INTO dataset_file (dataset_id, ordinal, file_id) SELECT $2, n, id FROM made
"""


@pytest.fixture
async def plant(db: Pool) -> Factory:
    return await Factory.make(db)


@pytest.fixture
async def raw(plant: Factory) -> int:
    return await plant.dataset("raw")


async def launch_next(plant: Factory, stage: int, *, is_test: bool = False) -> LaunchOutcome:
    return await slices.launch_next(
        plant.db, stage, LaunchRequest(plant.person_id, is_test=is_test)
    )


async def list_ordinals(plant: Factory, outcome: LaunchOutcome) -> list[int]:
    assert outcome.submission is not None, outcome
    found = [r["ordinal"] for r in await plant.db.fetch(ORDINALS, outcome.submission.id)]
    assert outcome.submission.files == len(found)
    return found


async def launch_all(plant: Factory, stage: int) -> list[list[int]]:
    found = []
    while (outcome := await launch_next(plant, stage)).submission:
        found.append(await list_ordinals(plant, outcome))
    assert outcome.refusal in (LaunchRefusal.EXHAUSTED, LaunchRefusal.NOTHING_YET), outcome
    return found


async def make_stage(plant: Factory, dataset: int, split: str, **given: Any) -> int:
    return await plant.stage("reco", ["true"], dataset_id=dataset, split=split, **given)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("byrun(low=2, high=9)", [[2, 4], [1, 3]]),
        ("byexistingruns()", [[1, 3], [2, 4], [5]]),
        ("mod(3)", [[0, 3, 6], [1, 4], [2, 5]]),
        ("stride(2)", [[0, 2, 4, 6], [1, 3, 5]]),
        ("stagedfiles(2)", [[1, 6], [0]]),
        ("nbytes(50)", [[0, 1], [2], [3, 4, 5], [6]]),
        ("nevents(7)", [[0, 1, 2, 3], [4], [5, 6]]),
        ("new(firsttime=1000, window=100s, lasttime=1400, fts=0)", [[0, 2], [1]]),
        ("new(firsttime=1000, window=1w, fts=0)", [[0, 1, 2, 3]]),
    ],
)
async def test_each_split_takes_its_files(
    plant: Factory, raw: int, split: str, expected: list[list[int]]
) -> None:
    late = {"end_time": 10**8, "staged": "no"}
    await plant.add_known_files(
        raw,
        {"size": 20, "metadata": {"end_time": 1000.5}},
        {"size": 30, "run": 8, "metadata": {"end_time": 1300, "staged": True}},
        {"size": 60, "run": 3, "events": 2, "metadata": {"end_time": 1100}},
        {"size": 10, "run": 8, "events": 5, "metadata": {"end_time": 604_801}},
        {"size": 10, "run": 3, "events": 9, "metadata": late},
        {"size": 10, "run": 9, "metadata": {"end_time": 1e300}},
        {"size": 50, "events": 7, "metadata": {"end_time": "soon", "staged": True}},
    )
    stage = await make_stage(plant, raw, split)
    await plant.db.execute(STAGE, ["k0"])
    found = []
    for _ in expected:
        found.append(await list_ordinals(plant, await launch_next(plant, stage)))
    assert [sorted(files) for files in found] == expected
    if "1w" not in split:
        assert (await launch_next(plant, stage)).refusal in (
            LaunchRefusal.EXHAUSTED,
            LaunchRefusal.NOTHING_YET,
        )


GONE = """
    INSERT INTO listing_difference (dataset_id, name, kind, listing_id, ordinal)
    SELECT $1, 'k' || n, (CASE WHEN n % 2 = 0 THEN 'gone' ELSE 'differs' END)::difference_kind, 1, n
      FROM unnest($2::bigint[]) n
"""
MISSING = "SELECT array_agg(missing ORDER BY id) FROM slice"


@pytest.mark.parametrize(
    ("split", "expected", "missing"),
    [
        ("none", [[2, 3, 4, 6]], [3]),
        ("drainingn(2)", [[2, 3], [4], [6]], [2, 1, 0]),
        ("byrun(0)", [[6], [2], [3], [4]], [3, 0, 0, 0]),
        ("byexistingruns", [[2], [3], [4], [6]], [0, 0, 0, 1]),
        ("mod(3)", [[3, 6], [4], [2]], [1, 1, 1]),
        ("stagedfiles(3)", [[2], [3, 4], [6]], [2, 1, 0]),
        ("nbytes(20)", [[2, 3], [4], [6]], [2, 1, 0]),
        ("new(firsttime=1,window=2s,lasttime=99,fts=0)", [[2, 3], [4], [6]], [2, 1, 0]),
    ],
)
async def test_files_that_their_catalog_has_no_more_are_left_out_and_counted(
    plant: Factory, raw: int, split: str, expected: list[list[int]], missing: list[int]
) -> None:
    files = [
        {"run": n % 5, "size": 10, "metadata": {"end_time": 2 + n, "staged": True}}
        for n in range(7)
    ]
    await plant.add_known_files(raw, *files)
    await plant.db.execute(GONE, raw, [0, 1, 5])
    stage = await make_stage(plant, raw, split, files_per_job=1)
    assert [sorted(files) for files in await launch_all(plant, stage)] == expected
    assert await plant.db.fetchval(MISSING) == missing
    outcome = await launch_next(plant, stage)
    assert "3 files are left out" in outcome.why


@pytest.mark.parametrize(("split", "expected"), [("draining", [2, 3]), ("limitn(3)", [2])])
async def test_what_is_taken_again_and_again_leaves_missing_files_out_each_time(
    plant: Factory, raw: int, split: str, expected: list[int]
) -> None:
    await plant.add_known_files(raw, *[{"size": 1}] * 4)
    await plant.db.execute(GONE, raw, [0, 1])
    stage = await make_stage(plant, raw, split)
    for _ in range(2):
        outcome = await launch_next(plant, stage)
        assert await list_ordinals(plant, outcome) == expected
        await plant.db.execute("DELETE FROM live_file")
    await plant.db.execute(GONE, raw, [2, 3])
    assert (await launch_next(plant, stage)).refusal is LaunchRefusal.EXHAUSTED


@pytest.mark.parametrize(
    "split",
    ["byexistingruns", "stagedfiles(3)", "mod(7)", "byrun(0)", "nbytes(3)", "nevents(3)",
     "new(firsttime=1,window=2s,lasttime=99,fts=0)", "drainingn(3)"],
)  # fmt: skip
async def test_launches_at_once_take_every_file_exactly_once(
    plant: Factory, raw: int, split: str
) -> None:
    files = [
        {"run": n % 5, "size": 1, "events": 1, "metadata": {"end_time": 2 + n % 13, "staged": True}}
        for n in range(31)
    ]
    await plant.add_known_files(raw, *files)
    stage = await make_stage(plant, raw, split, files_per_job=2)
    found: list[int] = []
    while made := [
        outcome
        for outcome in await asyncio.gather(*(launch_next(plant, stage) for _ in range(5)))
        if outcome.submission
    ]:
        for outcome in made:
            assert outcome.submission
            assert outcome.submission.jobs == (outcome.submission.files + 1) // 2
            found += await list_ordinals(plant, outcome)
    assert sorted(found) == list(range(31))


@pytest.mark.parametrize("split", ["byexistingruns", "stagedfiles(3)"])
async def test_a_dataset_that_grows_while_it_is_cut_loses_nothing(
    plant: Factory, raw: int, split: str
) -> None:
    stage = await make_stage(plant, raw, split)
    found: list[int] = []

    async def cut() -> None:
        for _ in range(30):
            if (outcome := await launch_next(plant, stage)).submission:
                found.extend(await list_ordinals(plant, outcome))

    async def grow() -> None:
        for step in range(12):
            mark = {"staged": True} if step % 2 else {}
            await plant.add_known_files(
                raw, *({"run": (step * n) % 4, "metadata": mark} for n in range(5))
            )
            await plant.db.execute(STAGE, [f"k{step * 5 - n}" for n in range(9)])

    await asyncio.gather(cut(), grow(), cut())
    await plant.db.execute(STAGE, [f"k{n}" for n in range(60)])
    found += [ordinal for files in await launch_all(plant, stage) for ordinal in files]
    assert sorted(found) == list(range(60))


async def test_a_late_file_of_a_run_is_taken_by_byexistingruns_alone(
    plant: Factory, raw: int
) -> None:
    runs = {name: await plant.stage(name, ["true"], dataset_id=raw, split=name)
            for name in ("byrun", "byexistingruns")}  # fmt: skip
    await plant.add_known_files(raw, {"run": 7}, {"run": 8}, {"run": 7})
    for stage in runs.values():
        assert await launch_all(plant, stage) == [[0, 2], [1]]
    await plant.add_known_files(raw, {"run": 7})
    assert await launch_all(plant, runs["byrun"]) == []
    assert await launch_all(plant, runs["byexistingruns"]) == [[3]]
    keys = await plant.db.fetch(
        "SELECT key FROM slice WHERE stage_id = $1 ORDER BY id", runs["byexistingruns"]
    )
    assert [r["key"] for r in keys] == ["7@0", "8@1", "7@3"]


@pytest.mark.parametrize(("split", "expected"), [("draining", [0, 1, 2]), ("limitn(2)", [0, 1])])
async def test_what_is_not_exclusive_comes_again_but_never_while_it_is_at_work(
    plant: Factory, raw: int, split: str, expected: list[int]
) -> None:
    await plant.rows(raw, 3)
    stage = await make_stage(plant, raw, split)
    for _ in range(3):
        assert await list_ordinals(plant, await launch_next(plant, stage)) == expected
        assert (await launch_next(plant, stage)).refusal is LaunchRefusal.BUSY
        await plant.db.execute("DELETE FROM live_file")
        await force_state(plant.db, "located")
    assert await plant.db.fetchval("SELECT count(*) FROM slice WHERE ordinals IS NULL") == 3
    assert await plant.db.fetchval("SELECT count(*) FROM slice_file") == 0


async def test_two_slices_of_an_epoch_can_not_have_a_file_or_a_key_in_common(
    plant: Factory, raw: int
) -> None:
    await plant.add_known_files(raw, {"run": 1}, {"run": 2})
    stage = await make_stage(plant, raw, "byrun")
    assert (await launch_next(plant, stage)).submission
    assert await list_ordinals(plant, await launch_next(plant, stage)) == [1]
    for sql in (
        "INSERT INTO slice (stage_id, epoch, number, cursor, key) VALUES ($1, 1, 9, '0', '1')",
        "INSERT INTO slice_file SELECT $1, epoch, file_id, slice_id, 9 FROM slice_file",
    ):
        with pytest.raises(asyncpg.UniqueViolationError):
            await plant.db.execute(sql, stage)
    await plant.db.execute("UPDATE stage SET epoch = 2, cursor = '0'")
    assert (await launch_next(plant, stage)).refusal is LaunchRefusal.BUSY
    await plant.db.execute("DELETE FROM live_file")
    await force_state(plant.db, "located")
    assert await launch_all(plant, stage) == [[0], [1]]


async def test_test_launches_by_key_have_slices_of_their_own(plant: Factory, raw: int) -> None:
    await plant.add_known_files(raw, {"run": 1}, {"run": 2})
    stage = await make_stage(plant, raw, "byexistingruns")
    assert await list_ordinals(plant, await launch_next(plant, stage, is_test=True)) == [0]
    assert await launch_all(plant, stage) == [[0], [1]]
    assert await list_ordinals(plant, await launch_next(plant, stage, is_test=True)) == [1]


async def test_a_slice_by_key_is_recovered_like_any_other(plant: Factory, raw: int) -> None:
    await plant.add_known_files(raw, {"run": 1}, {"run": 2}, {"run": 1})
    stage = await make_stage(plant, raw, "byrun")
    parent = (await launch_next(plant, stage)).submission
    assert parent
    await plant.db.execute("DELETE FROM live_file")
    await force_state(plant.db, "completed")
    ready = await recoveries.prepare_recovery(plant.db, [parent], RecoveryRule("consumed_status"))
    assert isinstance(ready, recoveries.PreparedRecovery)
    again = await recoveries.launch_recovery(plant.db, ready, RecoveryTurn(0, 1))
    assert again
    assert again.slice_id == parent.slice_id
    assert await list_ordinals(plant, LaunchOutcome(again)) == [0, 2]


async def test_of_nothing_yet_the_schedule_stays_and_of_the_end_it_does_not(
    plant: Factory, raw: int
) -> None:
    await plant.add_known_files(raw, {"metadata": {"end_time": 5}})
    waits = await plant.stage("a", ["true"], dataset_id=raw, split="new(window=1d)")
    ends = await plant.stage(
        "b", ["true"], dataset_id=raw, split="new(firsttime=90,lasttime=99,window=1s)"
    )
    assert (await launch_next(plant, waits)).refusal is LaunchRefusal.NOTHING_YET
    assert (await launch_next(plant, ends)).refusal is LaunchRefusal.EXHAUSTED


@pytest.mark.parametrize(
    "split",
    ["byrun(0)", "byexistingruns", "stagedfiles(30)", "nbytes(30kB)", "nevents(300)", "limitn(30)",
     "new(firsttime=1000,window=30s)"],
)  # fmt: skip
async def test_a_slice_reads_what_it_takes_and_not_the_dataset(
    plant: Factory, raw: int, split: str
) -> None:
    """Counted in rows that were read, which a slow machine does not change."""
    await plant.db.execute(MANY, plant.experiment_id, raw, 30_000)
    await plant.db.execute("ANALYZE")
    stage = await make_stage(plant, raw, split)
    for _ in range(2):
        before = await count_rows_read(plant)
        files = await list_ordinals(plant, await launch_next(plant, stage))
        assert len(files) == 30
        await plant.db.execute("DELETE FROM live_file")
        await force_state(plant.db, "located")
        assert await count_rows_read(plant) - before < 2_000


async def count_rows_read(plant: Factory) -> int:
    """How many rows of the large tables were read so far."""
    async with plant.db.acquire() as conn:
        await conn.execute("SELECT pg_stat_force_next_flush()")
        found: int = await conn.fetchval(READ)
    return found


async def teach_json(conn: Connection) -> None:
    """All that an old database has of our types."""
    await conn.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads, format="text"
    )


async def test_datasets_from_before_splits_by_key_get_their_keys(
    empty_database_url: str, tmp_path: Path
) -> None:
    await make_older_database(empty_database_url, tmp_path, before="0002")
    pool = await asyncpg.create_pool(empty_database_url, init=teach_json)
    plant = await Factory.make(pool, is_old=True)
    raw = await plant.dataset("raw")
    marked = {"end_time": 7.5, "staged": True}
    await plant.add_known_files(raw, {"run": 4}, {"metadata": marked}, {"metadata": {"staged": 1}})
    await pool.close()
    await apply_migrations(empty_database_url)
    pool = await open_pool(empty_database_url)
    found = await pool.fetch("SELECT run, time FROM dataset_file ORDER BY ordinal")
    assert [r["run"] for r in found] == [4, None, None]
    assert found[1]["time"] == 7.5
    assert found[0]["time"] > 10**9
    assert await pool.fetchval("SELECT array_agg((place, ordinal)::text) FROM staged_file") == [
        "(0,1)"
    ]
    await pool.close()


async def test_files_of_unknown_size_are_alone_where_bytes_are_bounded(
    plant: Factory, raw: int
) -> None:
    await plant.add_known_files(raw, *({"size": None if n in (2, 3) else 1 + n} for n in range(6)))
    stage = await plant.stage("cut", ["true"], dataset_id=raw, split="nbytes(100)")
    cut = [await list_ordinals(plant, await launch_next(plant, stage)) for _ in range(4)]
    assert cut == [[0, 1], [2], [3], [4, 5]]
    jobs = await plant.stage("jobs", ["true"], dataset_id=raw, files_per_job=9, bytes_per_job=100)
    done = (await launch_next(plant, jobs)).submission
    assert done is not None
    units = await plant.db.fetch(
        "SELECT files, bytes FROM work_unit WHERE submission_id = $1 ORDER BY number", done.id
    )
    assert [tuple(row) for row in units] == [(2, 3), (1, 0), (1, 0), (2, 11)]


async def test_a_run_that_is_told_later_comes_again(plant: Factory, raw: int) -> None:
    await plant.add_known_files(raw, {"run": 1}, {}, {"run": 2}, {})
    stage = await plant.stage("runs", ["true"], dataset_id=raw, split="byexistingruns")
    cut = [await list_ordinals(plant, await launch_next(plant, stage)) for _ in range(2)]
    assert cut == [[0], [2]]
    await plant.db.execute("UPDATE file SET run = 1 WHERE run IS NULL")
    assert await list_ordinals(plant, await launch_next(plant, stage)) == [1, 3]
    assert (await launch_next(plant, stage)).submission is None
    with pytest.raises(asyncpg.RestrictViolationError):
        await plant.db.execute("UPDATE file SET run = 2 WHERE run = 1")
