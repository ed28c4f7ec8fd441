"""What is planned is what is launched, and every file comes once: of any dataset, however it is cut and grows."""

from bisect import bisect_right
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.launching import launch_plans, slices
from db.launching.launch_plans import PlannedSubmission
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from tests.factories import Factory
from tests.forced_states import force_state

FILES = st.lists(
    st.fixed_dictionaries(
        {
            "size": st.integers(0, 30),
            "events": st.none() | st.integers(0, 30),
            "run": st.integers(1, 4),
            "metadata": st.fixed_dictionaries({"staged": st.just(True), "end_time": st.integers(11, 30)}),
        }
    ),
    max_size=12,
)  # fmt: skip
SPLITS = st.one_of(
    st.integers(1, 7).map(lambda n: f"nfiles({n})"),
    st.integers(1, 7).map(lambda n: f"stagedfiles({n})"),
    st.integers(1, 60).map(lambda n: f"nbytes({n})"),
    st.integers(1, 60).map(lambda n: f"nevents({n})"),
    st.sampled_from(["none", "byexistingruns"]),
)
FIXED = st.one_of(
    st.integers(1, 7).map(lambda m: f"mod({m})"),
    st.integers(1, 9).map(lambda s: f"new(firsttime=10,window={s}s,lasttime=99,fts=0)"),
    st.just("byrun(1, 9)"),
)
"""Those that leave out files that come after their slice was taken."""
BOUNDS = st.fixed_dictionaries(
    {
        "files_per_job": st.integers(1, 5),
        "bytes_per_job": st.none() | st.integers(1, 60),
        "events_per_job": st.none() | st.integers(1, 60),
    }
)
INPUTS = """
    SELECT i.number, d.ordinal FROM input_file i JOIN dataset_file d ON d.file_id = i.file_id AND d.dataset_id = $2
     WHERE i.submission_id = $1
"""


NUMBERS = count()


async def check_launched_as_planned(plant: Factory, stage: int, dataset: int) -> list[int]:
    """Plan, launch by the plan, compare; the files of the slice, none when there is none."""
    planned = await slices.plan_launch(plant.db, stage, LaunchRequest(plant.person_id))
    if not isinstance(planned, PlannedSubmission):
        return []
    kept = await launch_plans.keep_plan(plant.db, await launch_plans.read_parts(plant.db, planned))
    outcome = await slices.launch_next(
        plant.db, stage, LaunchRequest(plant.person_id, plan_hash=kept.hash)
    )
    assert outcome.submission, outcome
    taken = planned.slice
    ordinals = list(range(taken.low, taken.high) if taken.listed is None else taken.listed)
    expected = {(bisect_right(planned.starts, n), each) for n, each in enumerate(ordinals)}
    found = await plant.db.fetch(INPUTS, outcome.submission.id, dataset)
    assert {(row["number"], row["ordinal"]) for row in found} == expected
    assert outcome.submission.jobs == len(planned.starts) == len({number for number, _ in expected})
    await plant.db.execute("DELETE FROM live_file")
    await force_state(plant.db, "located", "stage_id = $1", stage)
    return ordinals


async def launch_in_own_experiment(
    db: Pool, split: str, bounds: dict[str, Any], grown: list[list[Any]]
) -> None:
    """In an experiment of its own."""
    plant = await Factory.make(db, f"e{next(NUMBERS)}")
    dataset = await plant.dataset("raw")
    stage = await plant.stage("reco", ["true"], dataset_id=dataset, split=split, **bounds)
    found: list[int] = []
    for files in grown:
        await plant.add_known_files(dataset, *files)
        while ordinals := await check_launched_as_planned(plant, stage, dataset):
            found += ordinals
            if len(files) % 2:
                break
    while ordinals := await check_launched_as_planned(plant, stage, dataset):
        found += ordinals
    assert sorted(found) == list(range(sum(map(len, grown))))


LIGHT = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@LIGHT
@given(SPLITS, BOUNDS, st.lists(FILES, min_size=1, max_size=3))
async def test_of_a_growing_dataset_each_file_is_launched_once_as_it_was_planned(
    db: Pool, split: str, bounds: dict[str, Any], grown: list[list[Any]]
) -> None:
    await launch_in_own_experiment(db, split, bounds, grown)


@LIGHT
@given(FIXED, BOUNDS, FILES)
async def test_by_keys_each_file_of_a_dataset_is_launched_once_as_it_was_planned(
    db: Pool, split: str, bounds: dict[str, Any], files: list[Any]
) -> None:
    await launch_in_own_experiment(db, split, bounds, [files])
