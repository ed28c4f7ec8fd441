"""Stages that join: one launch for each set of parents that belong together, in whatever order they come."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from db import families, slices
from db import submissions as rows
from db.pool import Pool
from db.submissions import Submission
from db.taking import Asked
from tests.plant import Plant
from workers import dependents

MADE = """
    WITH f AS (
        INSERT INTO file (experiment_id, name, size, location, submission_id)
        SELECT s.experiment_id, n, 1, '', s.id FROM submission s, unnest($2::text[]) n WHERE s.id = $1
        RETURNING id, name
    ), p AS (
        INSERT INTO file_parent (child_id, parent_id)
        SELECT f.id, i.file_id FROM f, input_file i WHERE i.submission_id = $1
    )
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, file_id)
    SELECT $1, 1, 1, name, '', 1, '', 'located', id FROM f
"""
OVER = """
    WITH gone AS (DELETE FROM live_file WHERE submission_id = $1)
    UPDATE submission SET state = 'located', advanced_at = now(), ended_at = now() WHERE id = $1
"""
INPUTS = """
    SELECT f.name FROM input_file i JOIN file f ON f.id = i.file_id WHERE i.submission_id = $1 ORDER BY f.name
"""
JOINS = "UPDATE dependency SET trigger = 'join' WHERE downstream_id = $1 AND upstream_id <> $1"


@pytest.fixture
async def plant(db: Pool) -> Plant:
    return await Plant.make(db)


async def joining(plant: Plant, by: str, *parents: int, patterns: Sequence[str] = ()) -> int:
    """A stage that joins what these make."""
    dataset = await plant.dataset(f"joined by {by}")
    stage = await plant.stage("merge", ["true"], dataset_id=dataset, split=f"joined({by})")
    for parent in parents:
        await plant.edge(parent, stage, list(patterns))
    await plant.db.execute(JOINS, stage)
    return stage


async def launched(plant: Plant, stage: int, **more: Any) -> Submission:
    outcome = await slices.launch_next(plant.db, stage, Asked(plant.person_id, **more))
    assert outcome.submission, outcome
    return outcome.submission


async def make(plant: Plant, submission: Submission, *more: str) -> None:
    """Let a submission have made its files."""
    names = [f"{submission.id}.root", *(f"{submission.id}{name}" for name in more)]
    await plant.db.execute(MADE, submission.id, names)
    await plant.db.execute(OVER, submission.id)


async def locate(plant: Plant, submission: Submission) -> list[Submission]:
    """What follows of it, in its transaction."""
    async with plant.db.acquire() as conn, conn.transaction():
        family = await families.lock(conn, submission.id)
        return await dependents.fire(conn, family[0], [member.id for member in family])


async def inputs(plant: Plant, submission: Submission) -> set[str]:
    return {row["name"] for row in await plant.db.fetch(INPUTS, submission.id)}


async def joined(plant: Plant, stage: int) -> list[set[str]]:
    ids = await plant.db.fetch("SELECT id FROM submission WHERE stage_id = $1 ORDER BY id", stage)
    found = [await rows.by_id(plant.db, row["id"]) for row in ids]
    return [await inputs(plant, submission) for submission in found if submission]


async def on_files(plant: Plant, *names: str, each: int = 2, files: int = 8) -> list[int]:
    """Stages that work on the same dataset."""
    raw = await plant.dataset("raw")
    await plant.rows(raw, files)
    return [
        await plant.stage(name, ["true"], dataset_id=raw, split=f"nfiles({each})") for name in names
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by", ["lineage", "number"])
async def test_n_of_each_parent_are_n_joined_in_any_order_at_once(
    plant: Plant, by: str, seed: int
) -> None:
    chance = random.Random(seed)
    a, b, c = await on_files(plant, "a", "b", "c")
    merge = await joining(plant, by, a, b, c)
    sets = [[await launched(plant, stage) for _ in range(4)] for stage in (a, b, c)]
    arrivals = [submission for of in sets for submission in of]
    for submission in arrivals:
        await make(plant, submission)
    chance.shuffle(arrivals)
    while arrivals:
        together = [arrivals.pop() for _ in range(min(len(arrivals), chance.randint(1, 5)))]
        await asyncio.gather(*(locate(plant, submission) for submission in together))
        # Whoever died before the commit comes again, and whoever came already changes nothing.
        await asyncio.gather(*(locate(plant, submission) for submission in together))
    expected = [{f"{of[n].id}.root" for of in sets} for n in range(4)]
    found = await joined(plant, merge)
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
    assert await plant.db.fetchval("SELECT count(*) FROM joined") == 4


async def test_nothing_is_launched_before_one_of_each_has_come(plant: Plant) -> None:
    a, b = await on_files(plant, "a", "b")
    merge = await joining(plant, "lineage", a, b)
    firsts = [await launched(plant, a), await launched(plant, a)]
    for submission in firsts:
        await make(plant, submission)
        assert await locate(plant, submission) == []
    other = await launched(plant, b)
    await make(plant, other)
    (made,) = await locate(plant, other)
    assert made.stage_id == merge
    assert await inputs(plant, made) == {f"{firsts[0].id}.root", f"{other.id}.root"}


async def test_a_transaction_that_is_rolled_back_leaves_nothing_behind(plant: Plant) -> None:
    a, b = await on_files(plant, "a", "b")
    merge = await joining(plant, "lineage", a, b)
    one, other = await launched(plant, a), await launched(plant, b)
    for submission in (one, other):
        await make(plant, submission)
    await locate(plant, one)
    async with plant.db.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        assert await dependents.fire(conn, other, [other.id])
        await transaction.rollback()
    assert await joined(plant, merge) == []
    assert len(await locate(plant, other)) == 1
    assert await locate(plant, other) == []


async def test_parents_with_one_ancestor_belong_together_by_lineage(plant: Plant) -> None:
    gen = await plant.stage("gen", ["true"], kind="generator")
    parts = []
    for name, pattern in (("hits", "%.hits"), ("truth", "*.truth")):
        dataset = await plant.dataset(name)
        stage = await plant.stage(name, ["true"], dataset_id=dataset)
        await plant.edge(gen, stage, [pattern])
        parts.append(stage)
    merge = await joining(plant, "lineage", *parts)
    origins = [await launched(plant, gen) for _ in range(2)]
    below: list[Submission] = []
    for origin in origins:
        await make(plant, origin, ".hits", ".truth")
        below += await locate(plant, origin)
    assert Counter(s.stage_id for s in below) == dict.fromkeys(parts, 2)
    for submission in reversed(below):
        await make(plant, submission)
        await locate(plant, submission)
    by_origin = [{f"{s.id}.root" for s in below if s.upstream_id == o.id} for o in origins]
    assert sorted(map(sorted, await joined(plant, merge))) == sorted(map(sorted, by_origin))


async def test_generators_belong_together_by_their_parameter(plant: Plant) -> None:
    given = {"kind": "generator", "split": "list", "parameter_lists": [["e", "mu"]]}
    a, b = [await plant.stage(name, ["true"], **given) for name in "ab"]
    merge = await joining(plant, "parameter", a, b)
    of_a, of_b = [[await launched(plant, stage) for _ in range(2)] for stage in (a, b)]
    for submission in (*of_a, *reversed(of_b)):
        await make(plant, submission)
        await locate(plant, submission)
    expected = [{f"{of[n].id}.root" for of in (of_a, of_b)} for n in (1, 0)]
    assert await joined(plant, merge) == expected


async def test_two_rounds_of_the_same_key_are_two_joined(plant: Plant) -> None:
    a, b = await on_files(plant, "a", "b", each=8)
    merge = await joining(plant, "lineage", a, b)
    for n in (1, 2):
        for stage in (a, b):
            await plant.db.execute(
                "UPDATE stage SET epoch = $2, cursor = '0' WHERE id = $1", stage, n
            )
            submission = await launched(plant, stage)
            await make(plant, submission)
            await locate(plant, submission)
        assert len(await joined(plant, merge)) == n


async def test_tests_join_among_themselves(plant: Plant) -> None:
    a, b = await on_files(plant, "a", "b")
    merge = await joining(plant, "lineage", a, b)
    await plant.db.execute(
        "UPDATE dataset SET name = 'stage:' || $1 WHERE id = (SELECT dataset_id FROM stage WHERE id = $1)",
        merge,
    )
    one, test = await launched(plant, a), await launched(plant, b, is_test=True)
    for submission in (one, test):
        await make(plant, submission)
        assert await locate(plant, submission) == []
    other = await launched(plant, a, is_test=True)
    await make(plant, other)
    (made,) = await locate(plant, other)
    assert made.is_test
    assert await inputs(plant, made) == {f"{test.id}.root", f"{other.id}.root"}


async def test_what_made_nothing_for_it_is_not_launched_and_hinders_nothing(plant: Plant) -> None:
    a, b = await on_files(plant, "a", "b")
    merge = await joining(plant, "number", a, b, patterns=["%x"])
    for more in ([], ["x"]):
        for stage in (a, b):
            submission = await launched(plant, stage)
            await make(plant, submission, *more)
            await locate(plant, submission)
    (files,) = await joined(plant, merge)
    assert len(files) == 2
