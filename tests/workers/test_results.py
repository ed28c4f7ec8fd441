"""Located means that results are there: by the names of files that were seen, recounted from the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import completion, recovery_chain
from domain.campaigns.dependencies import convert_pattern_to_regex, match_patterns
from tests.factories import Factory
from tests.forced_states import force_state
from workers import advance

OUTPUT = """
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, parents, made_from,
                             ancestors, state)
    VALUES ($1, $2, $3, $4, '', 0, '', $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
OUTCOME = "UPDATE input_file SET outcome = $2 WHERE file_id = $1"
ELSEWHERE = (
    "UPDATE input_file SET delivery = 'skipped' WHERE submission_id = $1 AND file_id = ANY($2)"
)
CONFIGURE = "UPDATE submission SET configuration = configuration || $1"
CLEAN = """
    TRUNCATE dataset, stage, dependency, job_type, file, slice, submission, live_file, input_file, output_file,
             work_unit, job, stage_input RESTART IDENTITY CASCADE
"""
MEMBER = """
    WITH made AS (
        INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, state, created_by,
                                origin_id, batch_system, configuration, counted, jobs, jobs_succeeded, files,
                                files_waiting, ended_at)
        SELECT experiment_id, campaign_id, stage_id, slice_id, campaign_revision, 'completed', created_by, id,
               batch_system, configuration, counted, 1, 1, $2::int, $2, now()
          FROM submission WHERE id = 1
        RETURNING id
    ), unit AS (
        INSERT INTO work_unit (submission_id, number, index, first_submission_id, first_number)
        SELECT made.id, number, x.index, 1, number
          FROM made, unnest($3::bigint[]) WITH ORDINALITY AS x (index, number)
    )
    INSERT INTO input_file (submission_id, number, file_id, outcome)
    SELECT made.id, number, file_id, outcome::outcome
      FROM made, unnest($1::bigint[], $4::text[]) WITH ORDINALITY AS x (file_id, outcome, number)
"""


async def launch_files(plant: Factory, files: int, pct: int, patterns: Sequence[str]) -> int:
    """A submission of so many files, one to a job, that are all done; its stage."""
    raw = await plant.dataset("raw")
    await plant.rows(raw, files)
    stage = await plant.stage(
        "reco", ["true"], dataset_id=raw, completion_pct=pct, patterns=patterns
    )
    assert (await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))).submission
    await plant.db.execute("UPDATE input_file SET outcome = 'done'")
    await end_submission(plant)
    return stage


async def end_submission(plant: Factory) -> None:
    await plant.db.execute("DELETE FROM live_file")
    await force_state(plant.db, "completed")


async def put_output(plant: Factory, number: int, name: str, state: str) -> None:
    parent = await plant.db.fetchval("SELECT file_id FROM input_file WHERE number = $1", number)
    await plant.db.execute(OUTPUT, 1, number, 1, name, [parent], [], None, state)


async def inspect_state(plant: Factory, id: int = 1) -> str:
    async with plant.db.acquire() as conn, conn.transaction():
        family = await recovery_chain.lock_members(conn, 1)
        await advance.settle_submission(conn, next(member for member in family if member.id == id))
    return str(await plant.db.fetchval("SELECT state FROM submission WHERE id = $1", id))


async def test_what_matches_no_pattern_is_no_result(plant: Factory) -> None:
    await launch_files(plant, 10, 100, ["*.root"])
    for number in range(1, 11):
        await put_output(plant, number, f"{number}.log", "located")
        await put_output(plant, number, f"{number}.root", "declared")
    assert await inspect_state(plant) == "completed"
    await plant.db.execute("UPDATE output_file SET state = 'located'")
    assert await inspect_state(plant) == "located"


async def test_one_output_counts_for_each_pattern_that_it_matches(plant: Factory) -> None:
    await launch_files(plant, 1, 100, ["*", "*.root", "a*"])
    await put_output(plant, 1, "b.root", "located")
    assert await inspect_state(plant) == "completed"
    await put_output(plant, 1, "a.root", "located")
    assert await inspect_state(plant) == "located"


async def test_just_under_the_percentage_is_not_enough(plant: Factory) -> None:
    """189 of 200 are 94.5 %."""
    await launch_files(plant, 200, 95, ["*.root"])
    for number in range(1, 190):
        await put_output(plant, number, f"{number}.root", "located")
    assert await inspect_state(plant) == "completed"
    await put_output(plant, 190, "190.root", "located")
    assert await inspect_state(plant) == "located"


async def test_what_failed_once_all_was_done_is_located_where_all_results_are_there(
    plant: Factory,
) -> None:
    """One of two jobs ran over its walltime when it had nothing to do any more: there is nothing to recover."""
    await launch_files(plant, 2, 50, ["*.root"])
    await force_state(plant.db, "failed")
    await plant.db.execute("UPDATE submission SET files_done = files - 1, files_failed = 1")
    await put_output(plant, 1, "1.root", "located")
    assert await inspect_state(plant) == "failed"
    await plant.db.execute("UPDATE submission SET files_done = files, files_failed = 0")
    assert await inspect_state(plant) == "failed"
    await put_output(plant, 2, "2.root", "located")
    assert await inspect_state(plant) == "located"


@pytest.mark.parametrize("named", ["%.root", "*.root"])
async def test_what_the_next_stages_want_is_wanted_rather_than_what_the_job_type_says(
    plant: Factory, named: str
) -> None:
    stage = await launch_files(plant, 1, 100, ["*.log"])
    for name, patterns in (("merge", [named, "%.root"]), ("all", [])):
        await plant.edge(stage, await plant.stage(name, ["true"]), patterns)
    await put_output(plant, 1, "a.log", "located")
    assert await inspect_state(plant) == "completed"
    await put_output(plant, 1, "a.root", "located")
    assert await inspect_state(plant) == "located"


async def test_what_is_done_and_lacks_a_result_is_named(plant: Factory) -> None:
    await launch_files(plant, 2, 100, ["*.root", "*.log"])
    await put_output(plant, 1, "1.root", "located")
    await put_output(plant, 1, "1.log", "located")
    await put_output(plant, 2, "2.log", "located")
    family = await recovery_chain.list_members(plant.db, 1)
    wanted = await completion.find_wanted(plant.db, family[0], family)
    (lacking,) = await completion.list_lacking(plant.db, wanted, 10)
    assert (lacking.name, lacking.pattern) == ("f000001", "*.root")


async def test_a_dependency_that_is_no_more_wants_nothing(plant: Factory) -> None:
    stage = await launch_files(plant, 1, 100, ["*.log"])
    await plant.edge(stage, await plant.stage("merge", ["true"]), ["*.root"])
    await put_output(plant, 1, "a.log", "located")
    assert await inspect_state(plant) == "completed"
    await plant.db.execute("UPDATE dependency SET active = false")
    assert await inspect_state(plant) == "located"


@dataclass(frozen=True)
class OutputRow:
    """One output: of which member (from 0) and job, and how it came to be."""

    member: int
    number: int
    attempt: int
    name: str
    state: str
    parents: frozenset[int]
    made_from: bool
    second: frozenset[int] | None
    """Two steps above it; None: it is not two steps below anything."""


@dataclass(frozen=True)
class FamilyCase:
    """An origin with its recoveries: of each member the outcome of each input, by file from 1 on.

    `elsewhere`: another submission of the stage has done it.
    """

    generates: bool
    members: Sequence[dict[int, str]]
    rows: Sequence[OutputRow]
    of_dependencies: Sequence[str]
    of_job_type: Sequence[str]
    percentage: int
    depth: int


FILES = range(1, 5)
SOME_FILES = st.frozensets(st.sampled_from(FILES), max_size=3)
PATTERNS = st.lists(
    st.sampled_from(["*.root", "%.root", "*.log", "a*", "?.[rl]o*", "*", "b_%"]), max_size=3
)
OUTCOMES = st.sampled_from(["done", "done", "done", "failed", "none", "elsewhere"])
ROWS = st.builds(
    OutputRow,
    member=st.integers(0, 2),
    number=st.integers(1, 4),
    attempt=st.integers(1, 3),
    name=st.sampled_from(["a.root", "b.root", "a.log", "b.log", "b_x", "x", "root"]),
    state=st.sampled_from(["located"] * 5 + ["declared", "superseded", "lost"]),
    parents=SOME_FILES,
    made_from=st.booleans(),
    second=st.none() | SOME_FILES,
)
CASES = st.builds(
    FamilyCase,
    generates=st.booleans(),
    members=st.tuples(
        st.fixed_dictionaries(dict.fromkeys(FILES, OUTCOMES)),
        st.lists(st.dictionaries(st.sampled_from(FILES), OUTCOMES, min_size=1), max_size=2),
    ).map(lambda drawn: [drawn[0], *drawn[1]]),
    rows=st.lists(ROWS, max_size=25, unique_by=lambda row: (row.member, row.number, row.name)),
    of_dependencies=PATTERNS,
    of_job_type=PATTERNS,
    percentage=st.sampled_from([1, 25, 49, 50, 51, 74, 75, 76, 99, 100]),
    depth=st.sampled_from([1, 1, 2]),
)


def list_units(case: FamilyCase, member: int) -> list[int]:
    """The identities of a generator's units, in the order of its jobs."""
    return sorted(case.members[member])


def list_keys(case: FamilyCase, row: OutputRow) -> set[int]:
    """Of what an output is a result, so many steps below it."""
    below = row.parents if case.depth == 1 else row.second or frozenset()
    if not case.generates:
        return set(below)
    straight = not row.made_from or bool(row.parents)
    is_there = straight if case.depth == 1 else row.second is not None
    mine = list_units(case, row.member)
    return {mine[row.number - 1]} if is_there and row.number <= len(mine) else set()


def recount_results(case: FamilyCase, member: int) -> tuple[int, set[tuple[int, str]]]:
    """How many files (units) want results, and which lack one that matches which pattern."""
    counted = range(len(case.members)) if member == 0 else [member]
    done = {f for m in counted for f, outcome in case.members[m].items() if outcome == "done"}
    wanted = set(list_units(case, member)) if case.generates else done
    patterns = set(case.of_dependencies) or set(case.of_job_type) or {"*"}
    has = {
        (key, pattern)
        for row, pattern in product(case.rows, patterns)
        if row.member in counted and row.state == "located" and match_patterns(row.name, [pattern])
        for key in list_keys(case, row)
    }
    return len(wanted), {each for each in product(wanted, patterns) if each not in has}


def name_lacking(case: FamilyCase, lacking: set[tuple[int, str]]) -> set[tuple[str, str]]:
    """As they are told: by name, and of patterns that mean alike one."""
    name = "unit {}" if case.generates else "f{:06}"
    return {
        (name.format(key - (not case.generates)), convert_pattern_to_regex(p)) for key, p in lacking
    }


def render_outcome(outcome: str) -> str:
    """As the row has it: what was done elsewhere is known by its delivery."""
    return "done" if outcome == "elsewhere" else outcome


async def insert_case(plant: Factory, case: FamilyCase) -> None:
    await plant.db.execute(CLEAN)
    plant.count = 0
    stage = await launch_files(plant, len(FILES), case.percentage, case.of_job_type)
    below = await plant.stage("below", ["true"])
    await plant.edge(stage, below, list(case.of_dependencies))
    if case.generates:
        await plant.db.execute("UPDATE work_unit SET index = number")
        await plant.db.execute("DELETE FROM input_file")
        await plant.db.execute("UPDATE submission SET files = 0")
    for file, outcome in case.members[0].items():
        await plant.db.execute(OUTCOME, file, render_outcome(outcome))
    for member in case.members[1:]:
        files, index = ([], sorted(member)) if case.generates else (sorted(member), [])
        outcomes = [render_outcome(member[f]) for f in files]
        await plant.db.execute(MEMBER, files, len(files), index, outcomes)
    for n, member in enumerate(case.members, 1):
        elsewhere = [f for f, outcome in member.items() if outcome == "elsewhere"]
        await plant.db.execute(ELSEWHERE, n, elsewhere)
    for row in case.rows:
        if row.member < len(case.members):
            ancestors = None if row.second is None else {"2": sorted(row.second)}
            await plant.db.execute(
                OUTPUT, row.member + 1, row.number, row.attempt, row.name, sorted(row.parents),
                ["other"] if row.made_from else [], ancestors, row.state,
            )  # fmt: skip
    await plant.db.execute(CONFIGURE, {"output_ancestor_depth": case.depth})
    await end_submission(plant)


@given(CASES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_database_counts_as_a_plain_recount_does(
    db: Pool, plant: Factory, case: FamilyCase
) -> None:
    await insert_case(plant, case)
    family = await recovery_chain.list_members(db, 1)
    for n, member in enumerate(family):
        wants = await completion.find_wanted(db, member, family)
        found = await completion.count_results(db, wants)
        wanted, lacking = recount_results(case, n)
        assert (found.wanted, found.wanted - found.complete) == (
            wanted,
            len({k for k, _ in lacking}),
        )
        told = {
            (one.name, convert_pattern_to_regex(one.pattern))
            for one in await completion.list_lacking(db, wants, 99)
        }
        assert told == name_lacking(case, lacking)
    wanted, lacking = recount_results(case, 0)
    complete = wanted - len({key for key, _ in lacking})
    enough = wanted > 0 and complete * 100 >= wanted * case.percentage
    assert await inspect_state(plant) == ("located" if enough else "completed")
