"""Each launch's files have a name of their own, and no two different lists ever have the same."""

from typing import Any

import pytest

from db.files import datasets
from db.keyset import PageRequest
from db.launching import late_files, slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool, begin_transaction
from db.recovery import recoveries
from db.recovery.recoveries import PreparedRecovery
from db.setup import uploads
from db.submissions import recovery_chain, submissions
from db.submissions.submissions import Submission
from domain.recovery.recovery_decisions import RecoveryTurn
from domain.setup.recovery_rules import RecoveryRule
from tests.factories import Factory
from tests.forced_states import force_state

FILES = """
    SELECT f.name FROM input_file i JOIN file f ON f.id = i.file_id WHERE i.submission_id = $1 ORDER BY f.name
"""
UPLOAD = "INSERT INTO upload (experiment_id, person_id, name, size, checksum) VALUES ($1, $2, 'x.cfg', 0, $3)"


@pytest.fixture
async def plant(db: Pool) -> Factory:
    return await Factory.make(db)


async def make_stage(plant: Factory, number: int, **given: Any) -> int:
    raw = await plant.dataset("raw")
    await plant.rows(raw, number)
    command = ["true", "%(dataset)s"]
    return await plant.stage("reco", command, dataset_id=raw, **given)


async def launch_slice(plant: Factory, stage: int, **given: Any) -> Submission:
    made = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id, **given))
    assert made.submission is not None, made.why
    return made.submission


async def list_named(plant: Factory, name: str) -> list[str]:
    """The files that something is called, read page by page."""
    row = await datasets.find_by_name(plant.db, plant.experiment_id, name)
    assert row is not None, name
    found: list[str] = []
    start = -1
    while page := await datasets.list_entries(
        plant.db, row.id, start, 2, backwards=False, submission_id=row.submission_id
    ):
        start = page[-1][0]
        found += [file.name for _, file in page]
    assert len(found) == row.head
    return found


async def test_each_slice_has_a_name_under_which_its_files_are_found(plant: Factory) -> None:
    stage = await make_stage(plant, 5, split="nfiles(3)")
    first, second = await launch_slice(plant, stage), await launch_slice(plant, stage)
    of_test = await launch_slice(plant, stage, is_test=True)
    names = [one.runs_with.works_on for one in (first, second, of_test)]
    assert names == [f"raw_{n}_stage{stage}" for n in ("slice1", "slice2", "test3")]
    for one, name in zip((first, second, of_test), names, strict=True):
        assert one.runs_with.command == ["true", name]
        there = [row["name"] for row in await plant.db.fetch(FILES, one.id)]
        assert await list_named(plant, str(name)) == there
        again = await submissions.find_by_ids(plant.db, [one.id])
        assert again[0].runs_with.works_on == name


async def test_a_name_stays_with_its_list(plant: Factory) -> None:
    stage = await make_stage(plant, 4, split="nfiles(2)")
    await plant.dataset(f"raw_slice1_stage{stage}")
    first = await launch_slice(plant, stage)
    assert first.runs_with.works_on == f"raw_slice1_stage{stage}.2"
    # Begun anew, the same files are another launch's, and have another name.
    await plant.db.execute("DELETE FROM live_file")
    await plant.db.execute("UPDATE stage SET epoch = epoch + 1, cursor = '0'")
    second = await launch_slice(plant, stage)
    assert second.runs_with.works_on == f"raw_slice2_stage{stage}"
    same = [await list_named(plant, str(one.runs_with.works_on)) for one in (first, second)]
    assert same[0] == same[1]
    assert (
        await datasets.find_ids(plant.db, plant.experiment_id, [f"raw_slice2_stage{stage}"]) == {}
    )
    listed = await datasets.page(plant.db, plant.experiment_id, PageRequest(), None)
    assert [row.name for row in listed] == ["raw", f"raw_slice1_stage{stage}"]


async def test_a_recovery_works_on_what_is_left_under_a_name_of_its_own(plant: Factory) -> None:
    stage = await make_stage(plant, 4, files_per_job=2, patterns=[])
    await plant.db.execute("UPDATE job_type SET kind = 'script'")
    await plant.db.execute("UPDATE stage SET batch_system = 'htcondor'")
    await plant.db.execute(UPLOAD, plant.experiment_id, plant.person_id, "old")
    origin = await launch_slice(plant, stage)
    await plant.db.execute("UPDATE upload SET removed_at = now()")
    await plant.db.execute(UPLOAD, plant.experiment_id, plant.person_id, "new")
    done = "UPDATE input_file SET outcome = 'done', delivery = 'consumed' WHERE number = 1"
    await plant.db.execute(done)
    family = [origin]
    for number in (1, 2):
        await plant.db.execute("DELETE FROM live_file")
        await force_state(plant.db, "completed")
        ready = await recoveries.prepare_recovery(plant.db, family, RecoveryRule("consumed_status"))
        assert isinstance(ready, PreparedRecovery), ready
        made = await recoveries.launch_recovery(plant.db, ready, RecoveryTurn(0, number))
        assert made is not None
        name = f"poms_recover_{origin.id}_{number}"
        assert made.runs_with.command == ["true", name]
        assert await list_named(plant, name) == ["f000002", "f000003"]
        family.append(made)
    assert len(await list_named(plant, f"raw_slice1_stage{stage}")) == 4
    found = await uploads.list_by_submissions(plant.db, [one.id for one in family])
    assert [row.checksum for row in found] == ["old", "new", "new"]


async def test_a_stage_that_follows_gets_slices_of_what_was_made_for_it(plant: Factory) -> None:
    stage = await make_stage(plant, 2)
    fed = await plant.dataset("stage:9")
    merge = await plant.stage("merge", ["true", "%(dataset)s"], dataset_id=fed, split="nfiles(2)")
    await plant.edge(stage, merge, ["*"])
    await plant.rows(fed, 3)
    origin = await launch_slice(plant, stage)
    (edge,) = await recovery_chain.list_outgoing(plant.db, stage)
    async with plant.db.acquire() as conn, begin_transaction(conn):
        made = await late_files.launch_slices(conn, edge, origin)
    names = [one.submission.runs_with.works_on for one in made if one.submission]
    assert names == [f"poms_depends_{origin.id}_1", f"poms_depends_{origin.id}_1_2"]
    assert [len(await list_named(plant, str(name))) for name in names] == [2, 1]
    await plant.rows(fed, 1)
    by_hand = await launch_slice(plant, merge)
    assert by_hand.runs_with.command == ["true", f"poms_slice3_stage{merge}"]


async def test_an_entry_of_a_list_is_what_a_regular_stage_works_on(plant: Factory) -> None:
    keywords = {"keywords": {"release": "v5"}}
    await plant.db.execute("UPDATE campaign SET defaults = $1", keywords)
    stage = await plant.stage(
        "reco", ["true", "%(dataset)s"], split="list", parameter_lists=[["raw_%(release)s", "b"]]
    )
    first, second = await launch_slice(plant, stage), await launch_slice(plant, stage)
    assert (first.runs_with.command[1], second.runs_with.command[1]) == ("raw_v5", "b")
    assert first.runs_with.works_on is None
    assert (
        await plant.db.fetchval("SELECT parameter FROM work_unit ORDER BY submission_id")
        == "raw_v5"
    )
