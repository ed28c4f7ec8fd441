"""What jobs declare is located only below the folders of their experiment."""

from pathlib import Path

import pytest

from catalogs.embedded import EmbeddedCatalog
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.people import experiments
from db.submissions import submissions
from domain.people.experiment_folders import locate_experiment_folder
from domain.submissions.file_states import OUTPUTS_QUESTION
from tests.factories import Factory
from tests.hostile_files import CHECKSUM, HOSTILE, TEXT, Lay, make_hard_link
from workers import advance
from workers.tools import WorkerTools

DECLARE = """
    WITH counted AS (UPDATE submission SET outputs_declared = 1 WHERE id = $1)
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state)
    VALUES ($1, 1, 1, 'x', $2, $3, $4, 'declared')
"""


async def ignore_ring(*_: object) -> None:
    return None


def make_tools(plant: Factory, store: Path) -> WorkerTools:
    return WorkerTools(
        db=plant.db, systems={}, catalog=EmbeddedCatalog(), spool=store, store=store, holder="me",
        lease_s=1, launch_lease_s=1, ring=ignore_ring, enqueue=ignore_ring,
    )  # fmt: skip


async def find_question(plant: Factory) -> tuple[str, str]:
    """What the last submission asks a person, and its reason."""
    row = await plant.db.fetchrow(
        "SELECT decision_needed, reason FROM submission ORDER BY id DESC LIMIT 1"
    )
    assert row
    return row["decision_needed"], row["reason"]


async def inspect_output(
    plant: Factory, store: Path, path: Path, size: int = len(TEXT)
) -> tuple[str, str]:
    """What is known of an output that is said to lie there, after a look, and why it is missing."""
    await plant.db.execute("DELETE FROM output_file")
    name = f"gen {await plant.db.fetchval('SELECT count(*) FROM stage')}"
    stage = await plant.stage(name, ["true"], kind="generator")
    submission = (
        await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    ).submission
    assert submission
    await plant.db.execute(DECLARE, submission.id, str(path), size, CHECKSUM)
    await advance.inspect_outputs(make_tools(plant, store), submission)
    row = await plant.db.fetchrow("SELECT state, problem FROM output_file")
    assert row
    return str(row["state"]), row["problem"] or ""


async def test_an_output_lies_in_ones_own_folder_or_in_one_that_was_given(
    plant: Factory, tmp_path: Path
) -> None:
    own, given = (
        locate_experiment_folder(tmp_path, plant.experiment_id) / "a/x",
        tmp_path / "given/x",
    )
    for path in (own, given):
        path.parent.mkdir(parents=True)
        path.write_bytes(TEXT)
    assert await inspect_output(plant, tmp_path, own) == ("located", "")
    refused = await inspect_output(plant, tmp_path, given)
    assert refused == ("declared", "It lies below none of the experiment's folders.")
    assert await find_question(plant) == (
        OUTPUTS_QUESTION,
        f"x of job 1 is not located: {refused[1]}",
    )
    # Not even whether it is as large as was said.
    assert await inspect_output(plant, tmp_path, given, size=1) == refused
    await experiments.give_folders(
        plant.db, plant.experiment_id, [str(given.parent)], plant.person_id
    )
    assert (await inspect_output(plant, tmp_path, given))[0] == "located"


@pytest.mark.parametrize("lay", [*HOSTILE.values(), make_hard_link], ids=[*HOSTILE, "a hard link"])
async def test_a_declared_output_that_is_no_plain_file_is_not_located(
    plant: Factory, tmp_path: Path, lay: Lay
) -> None:
    own, other = locate_experiment_folder(tmp_path, plant.experiment_id), tmp_path / "e9/other"
    for folder in (own, other.parent):
        folder.mkdir()
    other.write_bytes(TEXT)
    path = lay(own, other)
    size = path.stat().st_size if path.name == "sparse" else len(TEXT)
    state, problem = await inspect_output(plant, tmp_path, path, size)
    assert state == "declared"
    assert problem
    waits = path.name == "nothing"
    reason = "" if waits else f"x of job 1 is not located: {problem}"
    assert await find_question(plant) == ("" if waits else OUTPUTS_QUESTION, reason)


async def test_what_was_decided_about_an_output_is_not_asked_again(
    plant: Factory, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(TEXT)
    await inspect_output(plant, tmp_path, tmp_path / "x")
    submission = await submissions.find_by_id(
        plant.db, await plant.db.fetchval("SELECT max(id) FROM submission")
    )
    assert submission
    await plant.db.execute(
        "UPDATE submission SET decision_needed = ''"
    )  # as a recovery by hand does
    await advance.inspect_outputs(make_tools(plant, tmp_path), submission)
    assert (await find_question(plant))[0] == ""
    (tmp_path / "x").unlink()
    (tmp_path / "x").mkdir()
    await experiments.give_folders(plant.db, plant.experiment_id, [str(tmp_path)], plant.person_id)
    await advance.inspect_outputs(make_tools(plant, tmp_path), submission)
    assert (await find_question(plant))[0] == OUTPUTS_QUESTION
