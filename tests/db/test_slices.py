"""Taking slices: exclusive under races, exhausted at the end, limited where a stage says so."""

import asyncio
from collections import Counter

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.launching.slices import LaunchOutcome, LaunchRefusal
from db.pool import Pool
from domain.launching.queue import IfBusy
from tests.factories import Factory

FILES = "SELECT file_id FROM input_file WHERE submission_id = $1"


@pytest.fixture
async def plant(db: Pool) -> Factory:
    return await Factory.make(db)


async def make_stage_with_files(plant: Factory, number: int, **given: object) -> int:
    dataset = await plant.dataset("raw")
    await plant.rows(dataset, number)
    return await plant.stage("reco", ["true"], dataset_id=dataset, **given)


async def launch_next(
    plant: Factory, stage: int, *, is_test: bool = False, if_busy: IfBusy = IfBusy.QUEUE
) -> LaunchOutcome:
    asked = LaunchRequest(plant.person_id, is_test=is_test, if_busy=if_busy)
    return await slices.launch_next(plant.db, stage, asked)


async def test_of_twenty_launches_at_once_of_a_one_at_a_time_stage_one_wins(plant: Factory) -> None:
    stage = await make_stage_with_files(plant, 100, split="nfiles(2)", most_unfinished=1)
    found = await asyncio.gather(
        *(launch_next(plant, stage, if_busy=IfBusy.REFUSE) for _ in range(20))
    )
    assert Counter(o.refusal for o in found) == {None: 1, LaunchRefusal.BUSY: 19}
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 1
    assert await plant.db.fetchval("SELECT unfinished FROM stage") == 1


async def test_launches_at_once_of_a_split_stage_never_share_a_file(plant: Factory) -> None:
    stage = await make_stage_with_files(plant, 25, split="nfiles(3)", files_per_job=2)
    found = await asyncio.gather(*(launch_next(plant, stage) for _ in range(12)))
    made = [o.submission for o in found if o.submission]
    files = [r["file_id"] for s in made for r in await plant.db.fetch(FILES, s.id)]
    assert len(made) == 9
    assert len(files) == len(set(files)) == 25
    assert Counter(o.refusal for o in found)[LaunchRefusal.EXHAUSTED] == 3
    assert sorted(s.files for s in made) == [1] + [3] * 8
    assert sorted(s.jobs for s in made) == [1] + [2] * 8


async def test_a_growing_dataset_gives_each_file_once(plant: Factory) -> None:
    dataset = await plant.dataset("raw")
    stage = await plant.stage("reco", ["true"], dataset_id=dataset, split="drainingn(4)")
    assert (await launch_next(plant, stage)).refusal is LaunchRefusal.NO_FILES
    seen: list[int] = []
    for grown in (3, 6, 1):
        await plant.rows(dataset, grown)
        while (outcome := await launch_next(plant, stage)).submission:
            seen += [r["file_id"] for r in await plant.db.fetch(FILES, outcome.submission.id)]
        assert outcome.refusal is LaunchRefusal.EXHAUSTED
    assert len(seen) == len(set(seen)) == 10


async def test_a_generator_goes_through_its_parameters_with_its_own_identities(
    plant: Factory,
) -> None:
    stage = await plant.stage(
        "gen", ["true"], kind="generator", split="multiparam()", jobs_per_slice=3,
        events_per_job=10, parameter_lists=[["electron", "muon"], ["1GeV", "3GeV"]],
    )  # fmt: skip
    parameters = []
    while (outcome := await launch_next(plant, stage)).submission:
        parameters.append(outcome.submission.runs_with.parameter)
    assert parameters == ["electron_1GeV", "muon_1GeV", "electron_3GeV", "muon_3GeV"]
    units = await plant.db.fetch(
        "SELECT index, seed, run, subrun, first_event, events FROM work_unit ORDER BY index"
    )
    assert [u["index"] for u in units] == list(range(12))
    assert len({u["seed"] for u in units}) == 12
    assert [u["first_event"] for u in units] == [1 + 10 * n for n in range(12)]


async def test_a_test_launch_has_its_own_cursor_and_identities(plant: Factory) -> None:
    stage = await plant.stage("gen", ["true"], kind="generator", jobs_per_slice=2)
    assert (await launch_next(plant, stage)).submission
    assert (await launch_next(plant, stage, is_test=True)).submission
    rows = await plant.db.fetch(
        "SELECT s.is_test, u.index, u.seed FROM work_unit u JOIN submission s ON s.id = u.submission_id"
    )
    assert {(r["is_test"], r["index"]) for r in rows} == {
        (False, 0), (False, 1), (True, 0), (True, 1)
    }  # fmt: skip
    assert len({r["seed"] for r in rows}) == 4


async def test_a_generator_whose_runs_are_used_up_is_not_launched_again(plant: Factory) -> None:
    stage = await plant.stage("gen", ["true"], kind="generator", events_per_job=5)
    await plant.db.execute("UPDATE stage SET epoch = 127, test_epoch = -128")
    assert (await launch_next(plant, stage)).submission
    outcome = await launch_next(plant, stage, is_test=True)
    assert outcome.refusal is LaunchRefusal.NOT_LAUNCHABLE
    assert "127" in outcome.why


UNITS = "SELECT files, bytes, events FROM work_unit WHERE submission_id = $1 ORDER BY number"


@pytest.mark.parametrize("split", ["none", "byrun"])
async def test_jobs_get_files_by_number_by_bytes_and_by_events(plant: Factory, split: str) -> None:
    dataset = await plant.dataset("raw")
    files = [(5, 1), (5, 1), (90, 1), (3, None), (3, 50), (3, 1), (3, 1), (3, 1)]
    await plant.add_known_files(dataset, *({"size": s, "events": e, "run": 1} for s, e in files))
    stage = await plant.stage(
        "reco", ["true"], dataset_id=dataset, split=split, files_per_job=2, bytes_per_job=10,
        events_per_job=20,
    )  # fmt: skip
    made = (await launch_next(plant, stage)).submission
    assert made
    found = [tuple(row) for row in await plant.db.fetch(UNITS, made.id)]
    assert found == [(2, 10, 2), (1, 90, 1), (1, 3, None), (1, 3, 50), (2, 6, 2), (1, 3, 1)]
    assert made.jobs == await plant.db.fetchval("SELECT count(*) FROM job") == 6
    inputs = await plant.db.fetch("SELECT number FROM input_file ORDER BY file_id")
    assert [row["number"] for row in inputs] == [1, 1, 2, 3, 4, 5, 5, 6]


async def test_an_unknown_keyword_launches_nothing_and_says_which(plant: Factory) -> None:
    stage = await plant.stage("gen", ["echo", "%(nothing)s"], kind="generator")
    outcome = await launch_next(plant, stage)
    assert outcome.refusal is LaunchRefusal.NOT_LAUNCHABLE
    assert "nothing" in outcome.why
    assert await plant.db.fetchval("SELECT split_seq FROM stage") == 0


async def test_files_of_a_live_submission_are_in_no_other(plant: Factory) -> None:
    stage = await make_stage_with_files(plant, 4)
    assert (await launch_next(plant, stage)).submission
    await plant.db.execute("UPDATE stage SET epoch = epoch + 1, cursor = '0'")
    outcome = await launch_next(plant, stage)
    assert outcome.refusal is LaunchRefusal.BUSY
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 1
