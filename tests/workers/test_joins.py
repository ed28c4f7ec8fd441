"""Stages that join: one launch for each set of parents that belong together, in whatever order they come."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from db.launching import join_tables, late_files, slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import recovery_chain
from db.submissions import submissions as rows
from db.submissions.submissions import Submission
from domain.campaigns.joins import JoinKey
from tests.factories import Factory
from tests.forced_states import force_state
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
INPUTS = """
    SELECT f.name FROM input_file i JOIN file f ON f.id = i.file_id WHERE i.submission_id = $1 ORDER BY f.name
"""
JOINS = "UPDATE dependency SET trigger = 'join' WHERE downstream_id = $1 AND upstream_id <> $1"


@pytest.fixture
async def plant(db: Pool) -> Factory:
    return await Factory.make(db)


async def make_joining_stage(
    plant: Factory, by: str, *parents: int, patterns: Sequence[str] = ()
) -> int:
    """A stage that joins what these make."""
    dataset = await plant.dataset(f"joined by {by}")
    stage = await plant.stage("merge", ["true"], dataset_id=dataset, split=f"joined({by})")
    for parent in parents:
        await plant.edge(parent, stage, list(patterns))
    await plant.db.execute(JOINS, stage)
    return stage


async def launch_stage(plant: Factory, stage: int, **more: Any) -> Submission:
    outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id, **more))
    assert outcome.submission, outcome
    return outcome.submission


async def make_files(plant: Factory, submission: Submission, *more: str) -> None:
    """Let a submission have made its files."""
    names = [f"{submission.id}.root", *(f"{submission.id}{name}" for name in more)]
    await plant.db.execute(MADE, submission.id, names)
    await plant.db.execute("DELETE FROM live_file WHERE submission_id = $1", submission.id)
    also = ", advanced_at = now()"
    await force_state(plant.db, "located", "id = $1", submission.id, also=also)


async def locate_submission(plant: Factory, submission: Submission) -> list[Submission]:
    """What follows of it, in its transaction."""
    async with plant.db.acquire() as conn, conn.transaction():
        family = await recovery_chain.lock_members(conn, submission.id)
        return await dependents.launch_dependents(conn, family[0], [member.id for member in family])


async def list_inputs(plant: Factory, submission: Submission) -> set[str]:
    return {row["name"] for row in await plant.db.fetch(INPUTS, submission.id)}


async def list_joined(plant: Factory, stage: int) -> list[set[str]]:
    ids = await plant.db.fetch("SELECT id FROM submission WHERE stage_id = $1 ORDER BY id", stage)
    found = [await rows.find_by_id(plant.db, row["id"]) for row in ids]
    return [await list_inputs(plant, submission) for submission in found if submission]


async def make_stages(plant: Factory, *names: str, each: int = 2, files: int = 8) -> list[int]:
    """Stages that work on the same dataset."""
    raw = await plant.dataset("raw")
    await plant.rows(raw, files)
    return [
        await plant.stage(name, ["true"], dataset_id=raw, split=f"nfiles({each})") for name in names
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by", ["lineage", "number"])
async def test_n_of_each_parent_are_n_joined_in_any_order_at_once(
    plant: Factory, by: str, seed: int
) -> None:
    chance = random.Random(seed)
    a, b, c = await make_stages(plant, "a", "b", "c")
    merge = await make_joining_stage(plant, by, a, b, c)
    sets = [[await launch_stage(plant, stage) for _ in range(4)] for stage in (a, b, c)]
    arrivals = [submission for of in sets for submission in of]
    for submission in arrivals:
        await make_files(plant, submission)
    chance.shuffle(arrivals)
    while arrivals:
        together = [arrivals.pop() for _ in range(min(len(arrivals), chance.randint(1, 5)))]
        await asyncio.gather(*(locate_submission(plant, submission) for submission in together))
        # Whoever died before the commit comes again, and whoever came already changes nothing.
        await asyncio.gather(*(locate_submission(plant, submission) for submission in together))
    expected = [{f"{of[n].id}.root" for of in sets} for n in range(4)]
    found = await list_joined(plant, merge)
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
    assert await plant.db.fetchval("SELECT count(*) FROM joined") == 4


async def test_nothing_is_launched_before_one_of_each_has_come(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    firsts = [await launch_stage(plant, a), await launch_stage(plant, a)]
    for submission in firsts:
        await make_files(plant, submission)
        assert await locate_submission(plant, submission) == []
    other = await launch_stage(plant, b)
    await make_files(plant, other)
    (made,) = await locate_submission(plant, other)
    assert made.stage_id == merge
    assert await list_inputs(plant, made) == {f"{firsts[0].id}.root", f"{other.id}.root"}


async def test_a_transaction_that_is_rolled_back_leaves_nothing_behind(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    one, other = await launch_stage(plant, a), await launch_stage(plant, b)
    for submission in (one, other):
        await make_files(plant, submission)
    await locate_submission(plant, one)
    async with plant.db.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        assert await dependents.launch_dependents(conn, other, [other.id])
        await transaction.rollback()
    assert await list_joined(plant, merge) == []
    assert len(await locate_submission(plant, other)) == 1
    assert await locate_submission(plant, other) == []


async def test_parents_with_one_ancestor_belong_together_by_lineage(plant: Factory) -> None:
    gen = await plant.stage("gen", ["true"], kind="generator")
    parts = []
    for name, pattern in (("hits", "%.hits"), ("truth", "*.truth")):
        dataset = await plant.dataset(name)
        stage = await plant.stage(name, ["true"], dataset_id=dataset)
        await plant.edge(gen, stage, [pattern])
        parts.append(stage)
    merge = await make_joining_stage(plant, "lineage", *parts)
    origins = [await launch_stage(plant, gen) for _ in range(2)]
    below: list[Submission] = []
    for origin in origins:
        await make_files(plant, origin, ".hits", ".truth")
        below += await locate_submission(plant, origin)
    assert Counter(s.stage_id for s in below) == dict.fromkeys(parts, 2)
    for submission in reversed(below):
        await make_files(plant, submission)
        await locate_submission(plant, submission)
    by_origin = [{f"{s.id}.root" for s in below if s.upstream_id == o.id} for o in origins]
    assert sorted(map(sorted, await list_joined(plant, merge))) == sorted(map(sorted, by_origin))


async def test_generators_belong_together_by_their_parameter(plant: Factory) -> None:
    given = {"kind": "generator", "split": "list", "parameter_lists": [["e", "mu"]]}
    a, b = [await plant.stage(name, ["true"], **given) for name in "ab"]
    merge = await make_joining_stage(plant, "parameter", a, b)
    of_a, of_b = [[await launch_stage(plant, stage) for _ in range(2)] for stage in (a, b)]
    for submission in (*of_a, *reversed(of_b)):
        await make_files(plant, submission)
        await locate_submission(plant, submission)
    expected = [{f"{of[n].id}.root" for of in (of_a, of_b)} for n in (1, 0)]
    assert await list_joined(plant, merge) == expected


async def test_two_rounds_of_the_same_key_are_two_joined(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b", each=8)
    merge = await make_joining_stage(plant, "lineage", a, b)
    for n in (1, 2):
        for stage in (a, b):
            await plant.db.execute(
                "UPDATE stage SET epoch = $2, cursor = '0' WHERE id = $1", stage, n
            )
            submission = await launch_stage(plant, stage)
            await make_files(plant, submission)
            await locate_submission(plant, submission)
        assert len(await list_joined(plant, merge)) == n


async def test_tests_join_among_themselves(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    await plant.db.execute(
        "UPDATE dataset SET name = 'stage:' || $1 WHERE id = (SELECT dataset_id FROM stage WHERE id = $1)",
        merge,
    )
    one, test = await launch_stage(plant, a), await launch_stage(plant, b, is_test=True)
    for submission in (one, test):
        await make_files(plant, submission)
        assert await locate_submission(plant, submission) == []
    other = await launch_stage(plant, a, is_test=True)
    await make_files(plant, other)
    (made,) = await locate_submission(plant, other)
    assert made.is_test
    assert await list_inputs(plant, made) == {f"{test.id}.root", f"{other.id}.root"}


async def test_what_made_nothing_for_it_is_not_launched_and_hinders_nothing(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "number", a, b, patterns=["%x"])
    for more in ([], ["x"]):
        for stage in (a, b):
            submission = await launch_stage(plant, stage)
            await make_files(plant, submission, *more)
            await locate_submission(plant, submission)
    (files,) = await list_joined(plant, merge)
    assert len(files) == 2


async def list_late_names(plant: Factory, submission: Submission) -> list[list[str]]:
    """The names of what waits, by the stage that it waits for."""
    family = await recovery_chain.list_members(plant.db, submission.id)
    found = await late_files.list_late_files(plant.db, family[0], [member.id for member in family])
    return [one.names for one in found]


async def add_late_file(plant: Factory, submission: Submission, name: str) -> None:
    """A file is located after the dependents were launched, and follows them."""
    await plant.db.execute(MADE, submission.id, [name])
    assert await locate_submission(plant, submission) == []


async def launch_late(plant: Factory, submission: Submission) -> list[Submission]:
    async with plant.db.acquire() as conn, conn.transaction():
        found = await late_files.launch_waiting_stages(conn, submission.id, plant.person_id)
    return [one.submission for one in found if one.submission]


async def make_pair(plant: Factory, a: int, b: int) -> tuple[Submission, Submission]:
    """One of each, located."""
    one, other = await launch_stage(plant, a), await launch_stage(plant, b)
    for submission in (one, other):
        await make_files(plant, submission)
        await locate_submission(plant, submission)
    return one, other


@pytest.mark.parametrize("by", ["lineage", "number", "order"])
async def test_a_file_that_comes_late_is_listed_and_launched_alone_by_a_button(
    plant: Factory, by: str
) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, by, a, b)
    sets = [await make_pair(plant, a, b) for _ in range(2)]
    for one, _ in sets:
        assert await list_late_names(plant, one) == []
    await add_late_file(plant, sets[0][1], "late")
    assert await list_late_names(plant, sets[0][1]) == [["late"]]
    assert (
        await list_late_names(plant, sets[0][0]) == await list_late_names(plant, sets[1][1]) == []
    )
    (made,) = await launch_late(plant, sets[0][1])
    assert (made.stage_id, made.upstream_id) == (merge, sets[0][1].id)
    assert await list_inputs(plant, made) == {"late"}
    assert await list_late_names(plant, sets[0][1]) == []
    assert await launch_late(plant, sets[0][1]) == []
    # And what comes then belongs together as before.
    one, other = await make_pair(plant, a, b)
    whole = [{f"{s.id}.root" for s in of} for of in [*sets, (one, other)]]
    assert await list_joined(plant, merge) == [*whole[:2], {"late"}, whole[2]]


async def test_of_a_set_that_is_not_complete_nothing_is_late(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    one = await launch_stage(plant, a)
    await make_files(plant, one)
    await locate_submission(plant, one)
    await add_late_file(plant, one, "late")
    assert await list_late_names(plant, one) == []
    other = await launch_stage(plant, b)
    await make_files(plant, other)
    await locate_submission(plant, other)
    assert await list_joined(plant, merge) == [{f"{one.id}.root", f"{other.id}.root", "late"}]


async def test_buttons_pressed_at_once_launch_each_file_once(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    sets = [await make_pair(plant, a, b) for _ in range(3)]
    for n, of in enumerate(sets):
        for submission in of:
            await add_late_file(plant, submission, f"late {n} {submission.id}")
    await asyncio.gather(*(launch_late(plant, s) for of in sets for s in (*of, *of)))
    for of in sets:
        for submission in of:
            assert await list_late_names(plant, submission) == []
    files = [name for names in await list_joined(plant, merge) for name in names]
    assert sorted(files) == sorted(
        [f"{s.id}.root" for of in sets for s in of]
        + [f"late {n} {s.id}" for n, of in enumerate(sets) for s in of]
    )


async def test_begun_anew_a_set_is_whole_and_does_not_come_twice(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    one, other = await make_pair(plant, a, b)
    await add_late_file(plant, one, "late")
    await launch_late(plant, one)
    await plant.db.execute("DELETE FROM live_file")
    await plant.db.execute("UPDATE stage SET epoch = epoch + 1, cursor = '0' WHERE id = $1", merge)
    again = await launch_stage(plant, merge)
    assert await list_inputs(plant, again) == {f"{one.id}.root", f"{other.id}.root", "late"}
    assert (
        await slices.launch_next(plant.db, merge, LaunchRequest(plant.person_id))
    ).submission is None


async def test_what_joins_late_in_a_test_stays_in_tests(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    await plant.db.execute(
        "UPDATE dataset SET name = 'stage:' || $1 WHERE id = (SELECT dataset_id FROM stage WHERE id = $1)",
        merge,
    )
    pairs = [await launch_stage(plant, stage, is_test=True) for stage in (a, b)]
    for submission in pairs:
        await make_files(plant, submission)
        await locate_submission(plant, submission)
    await add_late_file(plant, pairs[0], "late")
    assert await list_late_names(plant, pairs[0]) == [["late"]]
    (made,) = await launch_late(plant, pairs[0])
    assert made.is_test
    assert await list_inputs(plant, made) == {"late"}


async def test_the_table_still_shows_what_was_launched_for_the_set(plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    one, _ = await make_pair(plant, a, b)
    rows_ = await join_tables.list_rows(plant.db, merge, JoinKey.LINEAGE, 9, is_test=False)
    before = await join_tables.find_launched(plant.db, merge, 1, rows_)
    await add_late_file(plant, one, "late")
    await launch_late(plant, one)
    assert before
    assert await join_tables.find_launched(plant.db, merge, 1, rows_) == before
