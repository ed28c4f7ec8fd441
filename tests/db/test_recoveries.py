"""The statement says of each file what the pure rule says, and launches what it planned."""

import asyncio
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import recoveries, slices, submissions
from db.pool import Pool
from db.recoveries import Plan, Ready
from db.submissions import Submission
from db.taking import Asked
from domain.dependencies import regex
from domain.files import Delivery, Outcome
from domain.names import wrong_pattern
from domain.recovery import Entry, Turn
from domain.verdicts import KINDS, TAKEN, Elsewhere, Facts, Why, verdict
from tests.plant import Plant

FILES = 6
EMPTY = """
    TRUNCATE dataset, stage, job_type, file, slice, submission, live_file, processed_file, input_file, output_file,
             work_unit, job RESTART IDENTITY CASCADE
"""


@pytest.fixture
async def plant(db: Pool) -> Plant:
    return await Plant.make(db)


async def launched(plant: Plant, **given: object) -> Submission:
    """A submission of six files, two to a job, that is over."""
    raw = await plant.dataset("raw")
    await plant.rows(raw, FILES)
    given = {"dataset_id": raw, "files_per_job": 2, "patterns": ["*.a", "*.b"]} | given
    stage = await plant.stage("reco", ["true"], **given)
    found = await slices.launch_next(plant.db, stage, Asked(plant.person_id))
    assert found.submission, found
    await over(plant)
    return found.submission


async def over(plant: Plant) -> None:
    await plant.db.execute("DELETE FROM live_file")
    await plant.db.execute("UPDATE submission SET state = 'completed'")


async def ready(plant: Plant, kind: str | Entry, round_: int = 0) -> Ready:
    entry = kind if isinstance(kind, Entry) else Entry(kind)
    family = await submissions.by_ids(plant.db, list(range(1, 100)))
    made = await recoveries.prepare(plant.db, sorted(family, key=lambda one: one.id), entry, round_)
    assert isinstance(made, Ready)
    return made


async def plan(plant: Plant, kind: str | Entry) -> Plan:
    return await recoveries.plan(plant.db, await ready(plant, kind))


async def recover(plant: Plant, kind: str | Entry) -> Submission | None:
    return await recoveries.launch(plant.db, await ready(plant, kind), None, plant.person_id)


async def works_on(plant: Plant, id: int) -> list[tuple[int, int]]:
    """The job and the file of each input."""
    rows = await plant.db.fetch(
        "SELECT number, file_id FROM input_file WHERE submission_id = $1 ORDER BY 1, 2", id
    )
    return [(row[0], row[1]) for row in rows]


@dataclass(frozen=True)
class Case:
    """A file's facts, and those of an earlier submission that must not count."""

    delivery: Delivery
    outcome: Outcome
    outputs: frozenset[str]
    elsewhere: Elsewhere


CASES = st.lists(
    st.builds(
        Case,
        st.sampled_from(Delivery),
        st.sampled_from(Outcome),
        st.frozensets(st.sampled_from(["a", "b", "c"])),
        st.sampled_from(Elsewhere),
    ),
    min_size=FILES,
    max_size=FILES,
)


async def plant_case(plant: Plant, file: int, case: Case) -> None:
    db = plant.db
    await db.execute(
        "UPDATE input_file SET delivery = $2, outcome = $3 WHERE file_id = $1",
        file, case.delivery, case.outcome,
    )  # fmt: skip
    for end in case.outputs:
        made = await db.fetchval(
            "INSERT INTO file (experiment_id, name, size, location) VALUES ($1, $2, 0, '') RETURNING id",
            plant.experiment_id, f"out{file}.{end}",
        )  # fmt: skip
        await db.execute(
            "INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, parents, state,"
            " file_id) SELECT submission_id, number, 1, $2, '', 0, '', ARRAY[$1::bigint], 'located', $3"
            "  FROM input_file WHERE file_id = $1",
            file, f"out{file}.{end}", made,
        )  # fmt: skip
    if case.elsewhere is Elsewhere.LIVE:
        await db.execute("INSERT INTO live_file VALUES (1, false, $1, 9)", file)
    if case.elsewhere is Elsewhere.DONE:
        await db.execute("INSERT INTO processed_file VALUES (1, '', false, $1, 9, 1)", file)


def facts(case: Case, *, succeeded: bool) -> Facts:
    done_elsewhere = case.elsewhere is Elsewhere.DONE and case.outcome is Outcome.DONE
    elsewhere = Elsewhere.NOWHERE if done_elsewhere else case.elsewhere
    made = case.outputs >= {"a", "b"}
    return Facts(case.delivery, case.outcome, succeeded, made, elsewhere, added=False)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CASES, st.lists(st.booleans(), min_size=3, max_size=3))
async def test_the_statement_says_what_the_rule_says(
    plant: Plant, cases: list[Case], succeeded: list[bool]
) -> None:
    await plant.db.execute(EMPTY)
    await launched(plant)
    for n, case in enumerate(cases):
        await plant_case(plant, n + 1, case)
    for number, well in enumerate(succeeded, 1):
        state = "succeeded" if well else "failed"
        await plant.db.execute("UPDATE job SET state = $2 WHERE number = $1", number, state)
    known = [facts(case, succeeded=succeeded[n // 2]) for n, case in enumerate(cases)]
    for kind in KINDS:
        expected = [verdict(kind, each) for each in known]
        found = await plan(plant, kind)
        assert found.counts == {why: expected.count(why) for why in set(expected)}, kind
        assert found.jobs == len({n // 2 for n, why in enumerate(expected) if why in TAKEN})


PATTERN = st.text("ab*?[]!-.^\\$(+", min_size=1, max_size=8).filter(lambda p: not wrong_pattern(p))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(PATTERN, st.lists(st.text("ab[]!-.^\\$(+", max_size=5), min_size=1, max_size=10))
async def test_a_glob_takes_the_same_names_in_the_database(
    db: Pool, pattern: str, names: list[str]
) -> None:
    found = await db.fetch("SELECT n ~ $1 FROM unnest($2::text[]) AS n", regex(pattern), names)
    assert [row[0] for row in found] == [fnmatchcase(name, pattern) for name in names], pattern


async def test_units_keep_their_files_together_and_no_file_is_taken_twice(plant: Plant) -> None:
    origin = await launched(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id IN (1, 2, 3)")
    first = await recover(plant, "consumed_status")
    assert first
    assert await works_on(plant, first.id) == [(1, 4), (2, 5), (2, 6)]
    assert (first.origin_id, first.recovery_position, first.round) == (origin.id, None, None)
    await over(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id IN (4, 6)")
    second = await recover(plant, "consumed_status")
    assert second
    assert await works_on(plant, second.id) == [(1, 5)]
    kept = await plant.db.fetchrow(
        "SELECT first_submission_id, first_number FROM work_unit WHERE submission_id = $1",
        second.id,
    )
    assert tuple(kept or ()) == (origin.id, 3)


async def test_a_narrow_recovery_does_not_hide_what_a_later_one_finds(plant: Plant) -> None:
    await launched(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'failed' WHERE file_id = 1")
    first = await recover(plant, "failed")
    assert first
    assert await works_on(plant, first.id) == [(1, 1)]
    await over(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE submission_id = 2")
    second = await recover(plant, "consumed_status")
    assert second
    assert [file for _, file in await works_on(plant, second.id)] == [2, 3, 4, 5, 6]


async def test_what_is_done_again_can_be_claimed_again(plant: Plant) -> None:
    origin = await launched(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'done'")
    await plant.db.execute(
        "INSERT INTO processed_file SELECT 1, '', false, file_id, $1, number FROM input_file",
        origin.id,
    )
    found = await plan(plant, "orphans")
    assert found.counts == {Why.NO_OUTPUT: FILES}
    assert await recover(plant, "orphans")
    assert await plant.db.fetchval("SELECT count(*) FROM processed_file") == 0


async def test_fact_26_of_nothing_comes_no_recovery(plant: Plant) -> None:
    await launched(plant)
    assert (await plan(plant, "failed")).taken == 0
    assert await recover(plant, "failed") is None


async def test_fact_25_depth_2_looks_at_grandchildren(plant: Plant) -> None:
    await launched(plant)
    await plant_case(plant, 1, replace(CHILD, outputs=frozenset("a")))
    await plant.db.execute(GRANDCHILD, plant.experiment_id, "grand.b")
    entry = Entry("pending_files", patterns=["*.b"], depth=2)
    assert (await plan(plant, entry)).counts == {Why.DONE: 1, Why.WAITING: FILES - 1}
    assert (await plan(plant, replace(entry, depth=1))).taken == FILES


GRANDCHILD = """
    WITH f AS (INSERT INTO file (experiment_id, name, size, location) VALUES ($1, $2, 0, '') RETURNING id)
    INSERT INTO file_parent SELECT f.id, 7 FROM f
"""
TWO_STEPS = (
    """UPDATE submission SET configuration = configuration || '{"output_ancestor_depth": 2}'"""
)


async def test_where_results_are_made_in_two_steps_orphans_are_what_lacks_those(
    plant: Plant,
) -> None:
    await launched(plant)
    await plant.db.execute(TWO_STEPS)
    await plant_case(plant, 1, replace(CHILD, outputs=frozenset("ab")))
    assert (await plan(plant, "orphans")).taken == 1
    await plant.db.execute(GRANDCHILD, plant.experiment_id, "grand.a")
    assert (await plan(plant, "orphans")).taken == 1
    await plant.db.execute(GRANDCHILD, plant.experiment_id, "grand.b")
    assert (await plan(plant, "orphans")).taken == 0


CHILD = Case(Delivery.CONSUMED, Outcome.DONE, frozenset(), Elsewhere.NOWHERE)


async def test_fact_24_only_a_file_with_a_child_for_each_pattern_is_not_pending(
    plant: Plant,
) -> None:
    await launched(plant)
    for file, ends in enumerate(("a", "b", "ab"), 1):
        await plant_case(plant, file, replace(CHILD, outputs=frozenset(ends)))
    found = await plan(plant, "pending_files")
    assert found.counts == {Why.NO_OUTPUT: 2, Why.DONE: 1, Why.WAITING: 3}


async def test_files_that_came_after_a_run_was_taken_are_added_and_in_no_other_slice(
    plant: Plant,
) -> None:
    raw = await plant.dataset("runs")
    await plant.known(raw, {"run": 1}, {"run": 2})
    stage = await plant.stage("reco", ["true"], dataset_id=raw, split="byrun")
    assert (await slices.launch_next(plant.db, stage, Asked(plant.person_id))).submission
    await over(plant)
    assert (await plan(plant, "added_files")).taken == 0
    await plant.known(raw, {"run": 1}, {"run": 2}, {"run": 1})
    assert (await plan(plant, "added_files")).counts == {Why.OTHER: 1, Why.ADDED: 2}
    made = await recover(plant, "added_files")
    assert made
    assert [file for _, file in await works_on(plant, made.id)] == [3, 5]
    assert await plant.db.fetchval("SELECT count(*) FROM slice_file WHERE slice_id = 1") == 3


async def test_files_that_came_after_a_draining_launch_are_added(plant: Plant) -> None:
    await launched(plant, split="draining", files_per_job=4)
    await plant.rows(1, 5)
    made = await recover(plant, "added_files")
    assert made
    assert await works_on(plant, made.id) == [(1, 7), (1, 8), (1, 9), (1, 10), (2, 11)]


async def test_factors_and_overrides_are_in_what_it_runs_with(plant: Plant) -> None:
    await launched(plant, resources={"memory_mb": 1000})
    entry = Entry("all", overrides=[["--retry=", "yes"]], factors={"memory_mb": 1.5})
    found = (await ready(plant, entry, round_=1)).configuration
    assert found["resources"]["memory_mb"] == 2250
    assert found["command"] == ["true", "--retry=yes"]


async def test_the_hash_is_of_the_files(plant: Plant) -> None:
    await launched(plant)
    first = await plan(plant, "consumed_status")
    assert (await plan(plant, "all")).hash == first.hash
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id = 6")
    assert (await plan(plant, "consumed_status")).hash != first.hash


async def test_a_turn_comes_once(plant: Plant) -> None:
    await launched(plant)
    found = await recoveries.launch(plant.db, await ready(plant, "all"), Turn(0, 0))
    assert found
    assert (found.recovery_position, found.round) == (0, 0)


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_files_that_somebody_takes_meanwhile_are_not_taken_twice(plant: Plant) -> None:
    await launched(plant)
    async with plant.db.acquire() as other:
        async with other.transaction():
            await other.execute("INSERT INTO live_file VALUES (1, false, 4, 9)")
            ours = asyncio.create_task(recover(plant, "all"))
            async with asyncio.timeout(20):
                while not await plant.db.fetchval(WAITING):
                    await asyncio.sleep(0.01)
        with pytest.raises(recoveries.FilesTaken):
            await ours
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 1
    assert (await plan(plant, "all")).counts == {Why.WAITING: 5, Why.LIVE_ELSEWHERE: 1}


UNIT = st.tuples(
    st.sampled_from(["succeeded", "failed", "removed"]), st.integers(0, 1), st.booleans()
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(UNIT, min_size=4, max_size=4))
async def test_of_a_generator_a_unit_is_what_its_job_came_to(
    plant: Plant, units: list[tuple[str, int, bool]]
) -> None:
    await plant.db.execute(EMPTY)
    stage = await plant.stage("gen", ["true"], kind="generator", jobs_per_slice=4)
    assert (await slices.launch_next(plant.db, stage, Asked(plant.person_id))).submission
    await over(plant)
    known = []
    for number, (state, attempt, made) in enumerate(units, 1):
        await plant.db.execute(
            "UPDATE job SET state = $2, attempt = $3 WHERE number = $1", number, state, attempt
        )
        if made:
            await plant.db.execute(OUTPUT, plant.experiment_id, number)
        delivery = Delivery.CONSUMED if attempt else Delivery.WAITING
        undone = Outcome.FAILED if attempt else Outcome.NONE
        outcome = Outcome.DONE if state == "succeeded" else undone
        well = state == "succeeded"
        known.append(Facts(delivery, outcome, well, made, Elsewhere.NOWHERE, added=False))
    for kind in KINDS:
        expected = [verdict(kind, each) for each in known]
        found = await plan(plant, kind)
        assert found.counts == {why: expected.count(why) for why in set(expected)}, kind
        assert found.jobs == sum(why in TAKEN for why in expected)


OUTPUT = """
    WITH f AS (
        INSERT INTO file (experiment_id, name, size, location) VALUES ($1, 'of ' || $2::int, 0, '') RETURNING id, name
    )
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, file_id)
    SELECT 1, $2, 1, name, '', 0, '', 'located', id FROM f
"""
