"""A located file is never replaced: whatever writes its name again lies beside it, and is refused with its reason."""

import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.recovery import recoveries
from db.submissions import recovery_chain
from db.submissions.submissions import Submission
from domain.setup.recovery_rules import RecoveryRule
from domain.submissions.file_states import OUTPUTS_QUESTION
from tests.factories import Factory
from tests.workers.house import House, wait_until

# Its output has the same name each time, and another content: who made it.
FIXED = """
import os, sys
name = sys.argv[1] if len(sys.argv) > 1 else "fixed.root"
text = os.environ["POMS_UNIQUE"] if len(sys.argv) < 3 else sys.argv[2]
open(name, "w").write(text)
"""
# One output per input, named for it.
NAMED = """
import os
for path in open(os.environ["POMS_INPUTS"]).read().splitlines():
    open("reco_" + os.path.basename(path), "w").write(os.environ["POMS_UNIQUE"])
"""


def write_program(house: House, name: str, text: str, *words: str) -> list[str]:
    script = house.programs / name
    script.write_text(text)
    return [sys.executable, "-I", str(script), *words]


async def launch_stage(plant: Factory, stage: int, **asked: Any) -> int:
    outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id, **asked))
    assert outcome.submission is not None, outcome.why
    return outcome.submission.id


async def wait_until_settled(house: House, plant: Factory, id: int) -> dict[str, Any]:
    """The submission, once nothing of it is open any more."""

    async def over() -> bool:
        row = await plant.db.fetchrow("SELECT * FROM submission WHERE id = $1", id)
        return bool(row and row["advanced_at"] and not row["outputs_declared"])

    await wait_until(over, f"the end of submission {id}", house)
    row = await plant.db.fetchrow("SELECT * FROM submission WHERE id = $1", id)
    assert row is not None
    return dict(row)


async def list_outputs(plant: Factory, id: int) -> list[tuple[str, str | None]]:
    rows = await plant.db.fetch(
        "SELECT state::text, problem FROM output_file WHERE submission_id = $1 ORDER BY number", id
    )
    return [(row["state"], row["problem"]) for row in rows]


async def read_catalog(plant: Factory) -> dict[str, tuple[str, bytes]]:
    """Of each file of the catalog where it lies, and what is there."""
    rows = await plant.db.fetch("SELECT name, test_of, location FROM file ORDER BY name, test_of")
    return {
        f"{row['name']} {row['test_of']}": (row["location"], Path(row["location"]).read_bytes())
        for row in rows
    }


async def check_refused(house: House, plant: Factory, id: int, name: str, maker: int) -> None:
    """Its only output was refused, and it says so."""
    row = await wait_until_settled(house, plant, id)
    ((state, problem),) = await list_outputs(plant, id)
    assert state == "refused"
    assert f"made by job 1 of submission {maker}:" in str(problem)
    assert row["reason"].startswith(f"{name} of job 1 was refused: ")
    assert row["decision_needed"] == OUTPUTS_QUESTION
    assert (row["state"], row["outputs_refused"], row["outputs_located"]) == ("completed", 1, 0)


async def make_fixed_stage(house: House, plant: Factory, name: str = "gen", **given: Any) -> int:
    command = write_program(house, f"{name}.py", FIXED)
    return await plant.stage(
        name, command, kind="generator", patterns=["*.root"], recoveries=[], **given
    )


async def test_three_jobs_that_write_one_name_make_one_file(house: House, plant: Factory) -> None:
    stage = await make_fixed_stage(house, plant, jobs_per_slice=3)
    house.runner()
    house.worker()
    id = await launch_stage(plant, stage)
    row = await wait_until_settled(house, plant, id)
    found = await list_outputs(plant, id)
    assert sorted(state for state, _ in found) == ["located", "refused", "refused"]
    assert (row["state"], row["outputs_located"], row["outputs_refused"]) == ("completed", 1, 2)
    assert "was refused" in row["reason"]
    assert row["decision_needed"] == OUTPUTS_QUESTION
    ((_, content),) = (await read_catalog(plant)).values()
    on_disk = {path.read_bytes() for path in house.stage_files(stage, "fixed.root")}
    assert len(on_disk) == 3
    assert content in on_disk


async def test_jobs_that_make_the_very_same_file_have_all_made_it(
    house: House, plant: Factory
) -> None:
    command = write_program(house, "same.py", FIXED, "same.root", "the same")
    stage = await plant.stage("gen", command, kind="generator", jobs_per_slice=3, patterns=["*"])
    house.runner()
    house.worker()
    row = await wait_until_settled(house, plant, await launch_stage(plant, stage))
    assert (row["state"], row["outputs_located"], row["outputs_refused"]) == ("located", 3, 0)
    assert [content for _, content in (await read_catalog(plant)).values()] == [b"the same"]


async def test_the_next_launch_another_version_and_another_stage_replace_nothing(
    house: House, plant: Factory
) -> None:
    stage = await make_fixed_stage(
        house, plant, split="multiparam()", parameter_lists=[["a", "b", "c"]]
    )
    house.runner()
    house.worker()
    first = await launch_stage(plant, stage)
    assert (await wait_until_settled(house, plant, first))["state"] == "located"
    before = await read_catalog(plant)
    await check_refused(house, plant, await launch_stage(plant, stage), "fixed.root", first)
    await plant.db.execute("UPDATE stage SET software_version = 'v2' WHERE id = $1", stage)
    await check_refused(house, plant, await launch_stage(plant, stage), "fixed.root", first)
    # What a renamed campaign's clone is: another campaign whose stage has the first one's name.
    clone = await Factory.make_campaign(plant.db, "clone")
    await plant.db.execute("UPDATE campaign SET name = 'old' WHERE id = $1", plant.campaign_id)
    await plant.db.execute("UPDATE campaign SET name = 'toy' WHERE id = $1", clone.campaign_id)
    await plant.db.execute("UPDATE job_type SET name = 'gen0'")
    await plant.db.execute("UPDATE login_setup SET name = 'setup0'")
    same = await make_fixed_stage(house, clone)
    await check_refused(house, plant, await launch_stage(plant, same), "fixed.root", first)
    assert await read_catalog(plant) == before


UNDO = {
    "all": "SELECT $1::bigint",
    "process_status": "UPDATE job SET state = 'failed' WHERE submission_id = $1",
    "consumed_status": (
        "WITH undone AS (DELETE FROM processed_file)"
        " UPDATE input_file SET outcome = 'failed' WHERE submission_id = $1"
    ),
}
"""For which a type of recovery does again what has its outputs already."""


@pytest.mark.parametrize("type_", UNDO)
async def test_recoveries_replace_nothing(house: House, plant: Factory, type_: str) -> None:
    dataset = await plant.dataset("raw")
    await plant.files(dataset, house.store / "raw", {f"r{n}.root": f"{n}" for n in range(2)})
    command = write_program(house, "named.py", NAMED)
    stage = await plant.stage("reco", command, dataset_id=dataset, patterns=["reco_*"])
    house.runner()
    house.worker()
    origin = await launch_stage(plant, stage)
    assert (await wait_until_settled(house, plant, origin))["state"] == "located"
    before = await read_catalog(plant)
    await plant.db.execute(UNDO[type_], origin)
    async with plant.db.acquire() as conn, conn.transaction():
        family = await recovery_chain.lock_members(conn, origin)
        ready = await recoveries.prepare_recovery(conn, family, RecoveryRule(type_))
        assert not isinstance(ready, str)
        recovery = await recoveries.launch_recovery(conn, ready, None)
    assert isinstance(recovery, Submission)
    row = await wait_until_settled(house, plant, recovery.id)
    assert (row["outputs_refused"], row["outputs_located"]) == (2, 0)
    # Its origin is located, and so is what it did again: there is nothing to decide.
    assert (row["state"], row["decision_needed"]) == ("located", "")
    assert await read_catalog(plant) == before
    assert len(house.stage_files(stage, "reco_*")) == 4


async def test_tests_have_names_of_their_own(house: House, plant: Factory) -> None:
    stage = await make_fixed_stage(house, plant)
    house.runner()
    house.worker()
    for is_test in (True, True, False):
        id = await launch_stage(plant, stage, is_test=is_test)
        assert (await wait_until_settled(house, plant, id))["state"] == "located"
    contents = [content for _, content in (await read_catalog(plant)).values()]
    assert len(set(contents)) == 3


@pytest.mark.parametrize(
    "change", ["size = 2", "checksum = 'x'", "location = '/x'", "name = 'y'", "test_of = 9"]
)
async def test_the_database_keeps_what_a_file_is(plant: Factory, change: str) -> None:
    dataset = await plant.dataset("raw")
    await plant.rows(dataset, 1)
    # What was empty is filled in once.
    await plant.db.execute("UPDATE file SET size = coalesce(size, 1), checksum = 'c'")
    with pytest.raises(asyncpg.PostgresError, match="stays what and where it is"):
        await plant.db.execute(f"UPDATE file SET {change}")
    await plant.db.execute("UPDATE file SET run = 3, metadata = '{}'")


async def test_what_another_version_prepared_and_did_not_hand_over_begins_anew(
    house: House, plant: Factory
) -> None:
    stage = await make_fixed_stage(house, plant)
    id = await launch_stage(plant, stage)
    house.runner()
    house.worker(kill_at="launch.prepare.after").wait(60)
    (digest,) = (house.spool / "launches").glob("*/digest")
    digest.write_text("of another layout")
    house.worker()
    assert (await wait_until_settled(house, plant, id))["state"] == "located"
    states = await plant.db.fetch("SELECT state::text FROM launch_attempt ORDER BY attempt")
    assert states[0]["state"] == "abandoned"
    assert len(house.stage_files(stage, "fixed.root")) == 1
