"""The statement says of each file what the pure rule says, and launches what it planned."""

import asyncio
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.recovery import recoveries
from db.recovery.recoveries import PlannedRecovery, PreparedRecovery
from db.submissions import submissions
from db.submissions.submissions import Submission
from domain.campaigns.dependencies import convert_pattern_to_regex
from domain.names import check_pattern
from domain.recovery.recovery_decisions import RecoveryTurn
from domain.recovery.verdicts import (
    KINDS,
    TAKEN,
    ElsewhereState,
    FileFacts,
    RecoveryVerdict,
    decide_verdict,
)
from domain.setup.recovery_rules import RecoveryRule
from domain.submissions.file_states import Delivery, Outcome
from tests.factories import Factory
from tests.forced_states import force_state

FILES = 6
EMPTY = """
    TRUNCATE dataset, stage, job_type, file, slice, submission, live_file, processed_file, input_file, output_file,
             work_unit, job, stage_input RESTART IDENTITY CASCADE
"""


@pytest.fixture
async def plant(db: Pool) -> Factory:
    return await Factory.make(db)


async def launch_six_files(plant: Factory, **given: object) -> Submission:
    """A submission of six files, two to a job, that is over."""
    raw = await plant.dataset("raw")
    await plant.rows(raw, FILES)
    given = {"dataset_id": raw, "files_per_job": 2, "patterns": ["*.a", "*.b"]} | given
    stage = await plant.stage("reco", ["true"], **given)
    found = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert found.submission, found
    await end_submission(plant)
    return found.submission


async def end_submission(plant: Factory) -> None:
    await plant.db.execute("DELETE FROM live_file")
    await force_state(plant.db, "completed")


async def prepare_ready(
    plant: Factory, kind: str | RecoveryRule, round_: int = 0
) -> PreparedRecovery:
    entry = kind if isinstance(kind, RecoveryRule) else RecoveryRule(kind)
    family = await submissions.find_by_ids(plant.db, list(range(1, 100)))
    made = await recoveries.prepare_recovery(
        plant.db, sorted(family, key=lambda one: one.id), entry, round_
    )
    assert isinstance(made, PreparedRecovery)
    return made


async def plan_recovery(plant: Factory, kind: str | RecoveryRule) -> PlannedRecovery:
    return await recoveries.plan_recovery(plant.db, await prepare_ready(plant, kind))


async def launch_recovery(plant: Factory, kind: str | RecoveryRule) -> Submission | None:
    return await recoveries.launch_recovery(
        plant.db, await prepare_ready(plant, kind), None, plant.person_id
    )


async def list_work(plant: Factory, id: int) -> list[tuple[int, int]]:
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
    elsewhere: ElsewhereState


CASES = st.lists(
    st.builds(
        Case,
        st.sampled_from(Delivery),
        st.sampled_from(Outcome),
        st.frozensets(st.sampled_from(["a", "b", "c"])),
        st.sampled_from(ElsewhereState),
    ),
    min_size=FILES,
    max_size=FILES,
)


async def insert_case(plant: Factory, file: int, case: Case) -> None:
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
    if case.elsewhere is ElsewhereState.LIVE:
        await db.execute("INSERT INTO live_file VALUES (1, false, $1, 9)", file)
    if case.elsewhere is ElsewhereState.DONE:
        await db.execute("INSERT INTO processed_file VALUES (1, '', false, $1, 9, 1)", file)
    if case.elsewhere is ElsewhereState.WAIVED:
        await db.execute("INSERT INTO waived_input VALUES (1, $1, '', $2)", file, plant.person_id)


def make_facts(case: Case, *, succeeded: bool) -> FileFacts:
    done_elsewhere = case.elsewhere is ElsewhereState.DONE and case.outcome is Outcome.DONE
    elsewhere = ElsewhereState.NOWHERE if done_elsewhere else case.elsewhere
    made = case.outputs >= {"a", "b"}
    return FileFacts(case.delivery, case.outcome, succeeded, made, elsewhere, added=False)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CASES, st.lists(st.booleans(), min_size=3, max_size=3))
async def test_the_statement_says_what_the_rule_says(
    plant: Factory, cases: list[Case], succeeded: list[bool]
) -> None:
    await plant.db.execute(EMPTY)
    await launch_six_files(plant)
    for n, case in enumerate(cases):
        await insert_case(plant, n + 1, case)
    for number, well in enumerate(succeeded, 1):
        state = "succeeded" if well else "failed"
        await plant.db.execute("UPDATE job SET state = $2 WHERE number = $1", number, state)
    known = [make_facts(case, succeeded=succeeded[n // 2]) for n, case in enumerate(cases)]
    for kind in KINDS:
        expected = [decide_verdict(kind, each) for each in known]
        found = await plan_recovery(plant, kind)
        assert found.counts == {why: expected.count(why) for why in set(expected)}, kind
        assert found.jobs == len({n // 2 for n, why in enumerate(expected) if why in TAKEN})


PATTERN = st.text("ab*?[]!-.^\\$(+", min_size=1, max_size=8).filter(lambda p: not check_pattern(p))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(PATTERN, st.lists(st.text("ab[]!-.^\\$(+", max_size=5), min_size=1, max_size=10))
async def test_a_glob_takes_the_same_names_in_the_database(
    db: Pool, pattern: str, names: list[str]
) -> None:
    found = await db.fetch(
        "SELECT n ~ $1 FROM unnest($2::text[]) AS n", convert_pattern_to_regex(pattern), names
    )
    assert [row[0] for row in found] == [fnmatchcase(name, pattern) for name in names], pattern


async def test_units_keep_their_files_together_and_no_file_is_taken_twice(plant: Factory) -> None:
    origin = await launch_six_files(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id IN (1, 2, 3)")
    first = await launch_recovery(plant, "consumed_status")
    assert first
    assert await list_work(plant, first.id) == [(1, 4), (2, 5), (2, 6)]
    assert (first.origin_id, first.recovery_position, first.round) == (origin.id, None, None)
    await end_submission(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id IN (4, 6)")
    second = await launch_recovery(plant, "consumed_status")
    assert second
    assert await list_work(plant, second.id) == [(1, 5)]
    kept = await plant.db.fetchrow(
        "SELECT first_submission_id, first_number FROM work_unit WHERE submission_id = $1",
        second.id,
    )
    assert tuple(kept or ()) == (origin.id, 3)


async def test_a_narrow_recovery_does_not_hide_what_a_later_one_finds(plant: Factory) -> None:
    await launch_six_files(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'failed' WHERE file_id = 1")
    first = await launch_recovery(plant, "failed")
    assert first
    assert await list_work(plant, first.id) == [(1, 1)]
    await end_submission(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE submission_id = 2")
    second = await launch_recovery(plant, "consumed_status")
    assert second
    assert [file for _, file in await list_work(plant, second.id)] == [2, 3, 4, 5, 6]


async def test_what_is_done_again_can_be_claimed_again(plant: Factory) -> None:
    origin = await launch_six_files(plant)
    await plant.db.execute("UPDATE input_file SET outcome = 'done'")
    await plant.db.execute(
        "INSERT INTO processed_file SELECT 1, '', false, file_id, $1, number FROM input_file",
        origin.id,
    )
    found = await plan_recovery(plant, "orphans")
    assert found.counts == {RecoveryVerdict.NO_OUTPUT: FILES}
    assert await launch_recovery(plant, "orphans")
    assert await plant.db.fetchval("SELECT count(*) FROM processed_file") == 0


async def test_fact_26_of_nothing_comes_no_recovery(plant: Factory) -> None:
    await launch_six_files(plant)
    assert (await plan_recovery(plant, "failed")).files_taken == 0
    assert await launch_recovery(plant, "failed") is None


async def test_fact_25_depth_2_looks_at_grandchildren(plant: Factory) -> None:
    await launch_six_files(plant)
    await insert_case(plant, 1, replace(CHILD, outputs=frozenset("a")))
    await plant.db.execute(GRANDCHILD, plant.experiment_id, "grand.b")
    entry = RecoveryRule("pending_files", patterns=["*.b"], depth=2)
    assert (await plan_recovery(plant, entry)).counts == {
        RecoveryVerdict.DONE: 1,
        RecoveryVerdict.WAITING: FILES - 1,
    }
    assert (await plan_recovery(plant, replace(entry, depth=1))).files_taken == FILES


GRANDCHILD = """
    WITH f AS (INSERT INTO file (experiment_id, name, size, location) VALUES ($1, $2, 0, '') RETURNING id)
    INSERT INTO file_parent SELECT f.id, 7 FROM f
"""
TWO_STEPS = (
    """UPDATE submission SET configuration = configuration || '{"output_ancestor_depth": 2}'"""
)


async def test_where_results_are_made_in_two_steps_orphans_are_what_lacks_those(
    plant: Factory,
) -> None:
    await launch_six_files(plant)
    await plant.db.execute(TWO_STEPS)
    await insert_case(plant, 1, replace(CHILD, outputs=frozenset("ab")))
    assert (await plan_recovery(plant, "orphans")).files_taken == 1
    await plant.db.execute(GRANDCHILD, plant.experiment_id, "grand.a")
    assert (await plan_recovery(plant, "orphans")).files_taken == 1
    await plant.db.execute(GRANDCHILD, plant.experiment_id, "grand.b")
    assert (await plan_recovery(plant, "orphans")).files_taken == 0


CHILD = Case(Delivery.CONSUMED, Outcome.DONE, frozenset(), ElsewhereState.NOWHERE)


async def test_fact_24_only_a_file_with_a_child_for_each_pattern_is_not_pending(
    plant: Factory,
) -> None:
    await launch_six_files(plant)
    for file, ends in enumerate(("a", "b", "ab"), 1):
        await insert_case(plant, file, replace(CHILD, outputs=frozenset(ends)))
    found = await plan_recovery(plant, "pending_files")
    assert found.counts == {
        RecoveryVerdict.NO_OUTPUT: 2,
        RecoveryVerdict.DONE: 1,
        RecoveryVerdict.WAITING: 3,
    }


async def test_files_that_came_after_a_run_was_taken_are_added_and_in_no_other_slice(
    plant: Factory,
) -> None:
    raw = await plant.dataset("runs")
    await plant.add_known_files(raw, {"run": 1}, {"run": 2})
    stage = await plant.stage("reco", ["true"], dataset_id=raw, split="byrun")
    assert (await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))).submission
    await end_submission(plant)
    assert (await plan_recovery(plant, "added_files")).files_taken == 0
    await plant.add_known_files(raw, {"run": 1}, {"run": 2}, {"run": 1})
    assert (await plan_recovery(plant, "added_files")).counts == {
        RecoveryVerdict.OTHER: 1,
        RecoveryVerdict.ADDED: 2,
    }
    made = await launch_recovery(plant, "added_files")
    assert made
    assert [file for _, file in await list_work(plant, made.id)] == [3, 5]
    assert await plant.db.fetchval("SELECT count(*) FROM slice_file WHERE slice_id = 1") == 3


async def test_files_that_came_after_a_draining_launch_are_added(plant: Factory) -> None:
    await launch_six_files(plant, split="draining", files_per_job=4)
    await plant.rows(1, 5)
    made = await launch_recovery(plant, "added_files")
    assert made
    assert await list_work(plant, made.id) == [(1, 7), (1, 8), (1, 9), (1, 10), (2, 11)]


async def test_factors_and_overrides_are_in_what_it_runs_with(plant: Factory) -> None:
    await launch_six_files(plant, resources={"memory_mb": 1000})
    entry = RecoveryRule("all", overrides=[["--retry=", "yes"]], factors={"memory_mb": 1.5})
    found = (await prepare_ready(plant, entry, round_=1)).configuration
    assert found.resources.memory_mb == 2250
    assert found.command == ["true", "--retry=yes"]


async def test_the_hash_is_of_the_files(plant: Factory) -> None:
    await launch_six_files(plant)
    first = await plan_recovery(plant, "consumed_status")
    assert (await plan_recovery(plant, "all")).hash == first.hash
    await plant.db.execute("UPDATE input_file SET outcome = 'done' WHERE file_id = 6")
    assert (await plan_recovery(plant, "consumed_status")).hash != first.hash


async def test_a_turn_comes_once(plant: Factory) -> None:
    await launch_six_files(plant)
    found = await recoveries.launch_recovery(
        plant.db, await prepare_ready(plant, "all"), RecoveryTurn(0, 0)
    )
    assert found
    assert (found.recovery_position, found.round) == (0, 0)


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_files_that_somebody_takes_meanwhile_are_not_taken_twice(plant: Factory) -> None:
    await launch_six_files(plant)
    async with plant.db.acquire() as other:
        async with other.transaction():
            await other.execute("INSERT INTO live_file VALUES (1, false, 4, 9)")
            ours = asyncio.create_task(launch_recovery(plant, "all"))
            async with asyncio.timeout(20):
                while not await plant.db.fetchval(WAITING):
                    await asyncio.sleep(0.01)
        with pytest.raises(recoveries.FilesTaken):
            await ours
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 1
    assert (await plan_recovery(plant, "all")).counts == {
        RecoveryVerdict.WAITING: 5,
        RecoveryVerdict.LIVE_ELSEWHERE: 1,
    }


UNIT = st.tuples(
    st.sampled_from(["succeeded", "failed", "removed"]), st.integers(0, 1), st.booleans()
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(UNIT, min_size=4, max_size=4))
async def test_of_a_generator_a_unit_is_what_its_job_came_to(
    plant: Factory, units: list[tuple[str, int, bool]]
) -> None:
    await plant.db.execute(EMPTY)
    stage = await plant.stage("gen", ["true"], kind="generator", jobs_per_slice=4)
    assert (await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))).submission
    await end_submission(plant)
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
        known.append(FileFacts(delivery, outcome, well, made, ElsewhereState.NOWHERE, added=False))
    for kind in KINDS:
        expected = [decide_verdict(kind, each) for each in known]
        found = await plan_recovery(plant, kind)
        assert found.counts == {why: expected.count(why) for why in set(expected)}, kind
        assert found.jobs == sum(why in TAKEN for why in expected)


OUTPUT = """
    WITH f AS (
        INSERT INTO file (experiment_id, name, size, location) VALUES ($1, 'of ' || $2::int, 0, '') RETURNING id, name
    )
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, file_id)
    SELECT 1, $2, 1, name, '', 0, '', 'located', id FROM f
"""
