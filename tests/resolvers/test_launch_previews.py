"""Previews of launches: what they show is what is launched, or nothing is and it is said what changed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.pool import Pool
from domain.launching.estimates import estimate_usage
from tests.factories import Factory
from tests.forced_states import force_state
from tests.resolvers.conftest import Ask

PREVIEW = """
    query ($id: ID!, $isTest: Boolean! = false) {
      previewLaunch(id: $id, isTest: $isTest) {
        problem { __typename message } slices slicesMore leftOut leftOutFor missingFromCatalog
        launch {
          planHash expiresAt command outputAncestorDepth duplicates doneBefore
          slice { files jobs bytes events filesWithoutEvents low high key parameter }
          loads { files { least most jobs } bytes { least most jobs } events { least most jobs } }
          cpuS { samples median p90 } wallS { samples } memoryMb { samples median }
        }
      }
    }
"""
LAUNCH = """
    mutation ($id: ID!, $plan: String, $isTest: Boolean! = false, $key: String) {
      launchStage(input: {id: $id, planHash: $plan, isTest: $isTest}, idempotencyKey: $key) {
        __typename
        ... on Submission { id }
        ... on Problem { message }
        ... on PlanChanged { changes { part previous current } }
      }
    }
"""
UNITS = "SELECT files, bytes, coalesce(events, 0) AS events FROM work_unit WHERE submission_id = $1"
JOBS = (
    "UPDATE job SET state = 'succeeded', cpu_s = number, wall_s = CASE WHEN number > 5 THEN 1 END"
)


@pytest.fixture
async def plant(db: Pool, hypot: int) -> Factory:
    return await Factory.make(db)


@pytest.fixture
async def raw(plant: Factory) -> int:
    """Ten files of two runs and of none."""
    dataset = await plant.dataset("raw")
    known = [
        {"size": 10 * n, "run": n % 3 or None, "events": n if n % 2 else None} for n in range(10)
    ]
    await plant.add_known_files(dataset, *known)
    return dataset


async def preview_launch(ask: Ask, stage: int, **more: Any) -> dict[str, Any]:
    found = await ask(PREVIEW, {"id": f"stage:{stage}", **more})
    shown: dict[str, Any] = found["previewLaunch"]
    return shown


async def launch_plan(ask: Ask, stage: int, plan: str | None, **more: Any) -> dict[str, Any]:
    found = await ask(LAUNCH, {"id": f"stage:{stage}", "plan": plan, **more})
    came: dict[str, Any] = found["launchStage"]
    return came


@pytest.mark.parametrize(
    "split", ["none", "nfiles(4)", "nbytes(100)", "mod(3)", "byrun", "byexistingruns", "limitn(3)"]
)
async def test_what_is_shown_is_what_is_launched(
    ask: Ask, plant: Factory, raw: int, split: str
) -> None:
    stage = await plant.stage(
        "reco", ["run", "%(experimenter)s"], dataset_id=raw, split=split, files_per_job=3, bytes_per_job=90
    )  # fmt: skip
    for _ in range(2):
        found = (await preview_launch(ask, stage))["launch"]
        assert (found["command"], found["outputAncestorDepth"]) == (["run", "anna"], 1)
        came = await launch_plan(ask, stage, found["planHash"])
        assert came["__typename"] == "Submission", came
        id = int(came["id"].removeprefix("submission:"))
        units = await plant.db.fetch(UNITS, id)
        assert found["slice"]["jobs"] == len(units)
        for what, bars in found["loads"].items():
            assert sum(bar["jobs"] for bar in bars) == len(units)
            for bar in bars:
                assert bar["jobs"] == sum(bar["least"] <= u[what] <= bar["most"] for u in units)
        assert found["slice"]["files"] == sum(unit["files"] for unit in units)
        assert found["slice"]["bytes"] == sum(unit["bytes"] for unit in units)
        await plant.db.execute("DELETE FROM live_file")
        await force_state(plant.db, "located")
        again = await launch_plan(ask, stage, found["planHash"])
        assert again["__typename"] in ("PlanChanged", "NothingToLaunch")
        if (shown := await preview_launch(ask, stage))["launch"] is None:
            assert shown["problem"]["__typename"] == "NothingToLaunch"
            assert shown["slices"] == 0
            break


CHANGES = {
    "revision": "UPDATE campaign SET revision = 2",
    "cursor": "UPDATE stage SET cursor = '2'",
    "command": "UPDATE job_type SET command = '{false}'",
    "limits": "UPDATE experiment SET most_jobs = 7",
    "files": "UPDATE dataset SET head = head - 1",
}


@pytest.mark.parametrize("what", CHANGES)
async def test_what_has_changed_is_said_and_nothing_launched(
    ask: Ask, plant: Factory, raw: int, what: str
) -> None:
    stage = await plant.stage("reco", ["true"], dataset_id=raw)
    plan = (await preview_launch(ask, stage))["launch"]["planHash"]
    await plant.db.execute(CHANGES[what])
    came = await launch_plan(ask, stage, plan)
    assert came["__typename"] == "PlanChanged"
    parts = {change["part"]: change for change in came["changes"]}
    assert what.upper() in parts
    assert set(parts) <= {what.upper(), "FILES"}
    assert parts[what.upper()]["previous"] != parts[what.upper()]["current"]
    if what == "command":
        assert parts["COMMAND"]["previous"] == {"command": ["true"]}
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 0
    plan = (await preview_launch(ask, stage))["launch"]["planHash"]
    assert (await launch_plan(ask, stage, plan))["__typename"] == "Submission"


async def test_new_files_of_a_slice_that_is_full_change_nothing(
    ask: Ask, plant: Factory, raw: int
) -> None:
    stage = await plant.stage("reco", ["true"], dataset_id=raw, split="nfiles(4)")
    plan = (await preview_launch(ask, stage))["launch"]["planHash"]
    await plant.add_known_files(raw, {"size": 1})
    assert (await launch_plan(ask, stage, plan))["__typename"] == "Submission"


async def test_a_plan_is_of_its_stage_alone_and_expires(ask: Ask, plant: Factory, raw: int) -> None:
    a = await plant.stage("a", ["true"], dataset_id=raw)
    b = await plant.stage("b", ["true"], dataset_id=raw)
    plan = (await preview_launch(ask, a))["launch"]["planHash"]
    unknown = "PlanUnknown"
    assert (await launch_plan(ask, b, plan))["__typename"] == unknown
    assert (await launch_plan(ask, a, plan, isTest=True))["__typename"] == unknown
    assert (await launch_plan(ask, a, "nonsense"))["__typename"] == unknown
    await plant.db.execute("UPDATE launch_plan SET expires_at = now()")
    assert (await launch_plan(ask, a, plan))["__typename"] == unknown
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 0


async def test_a_launch_by_a_plan_is_made_once(ask: Ask, plant: Factory, raw: int) -> None:
    stage = await plant.stage("reco", ["true"], dataset_id=raw)
    plan = (await preview_launch(ask, stage))["launch"]["planHash"]
    first = await launch_plan(ask, stage, plan, key="k")
    assert await launch_plan(ask, stage, plan, key="k") == first


async def test_it_says_what_is_doubtful_of_the_files(ask: Ask, plant: Factory) -> None:
    raw = await plant.dataset("raw")
    twin = {"size": 5, "checksum": "same"}
    known = [
        {"size": 10 * n, "run": n % 3 or None, "events": n if n % 2 else None} for n in range(10)
    ]
    await plant.add_known_files(raw, *[file | twin if file["run"] == 1 else file for file in known])
    stage = await plant.stage("reco", ["true"], dataset_id=raw, split="byrun", files_per_job=2)
    await plant.db.execute(
        "INSERT INTO processed_file SELECT $1, '', false, id, 1, 1 FROM file WHERE run = 1 AND events > 3",
        stage,
    )
    shown = await preview_launch(ask, stage)
    assert (shown["leftOut"], shown["leftOutFor"], shown["slices"]) == (4, "run", 2)
    found = shown["launch"]
    assert (found["slice"]["files"], found["duplicates"], found["doneBefore"]) == (3, 2, 1)
    assert found["slice"]["filesWithoutEvents"] == 1


async def test_what_jobs_use_is_unknown_by_fewer_than_twenty(ask: Ask, plant: Factory) -> None:
    stage = await plant.stage(
        "gen", ["true"], kind="generator", jobs_per_slice=24, events_per_job=3
    )
    found = (await preview_launch(ask, stage))["launch"]
    assert found["cpuS"] == {"samples": 0, "median": None, "p90": None}
    assert found["loads"]["events"] == [{"least": 2, "most": 3, "jobs": 24}]
    await launch_plan(ask, stage, found["planHash"])
    await plant.db.execute(JOBS)
    await plant.db.execute("UPDATE submission SET jobs = 24, jobs_idle = 0, jobs_succeeded = 24")
    shown = await preview_launch(ask, stage)
    assert shown["slicesMore"] is True
    assert shown["launch"]["cpuS"] == {"samples": 24, "median": 12.5, "p90": pytest.approx(21.7)}
    assert shown["launch"]["wallS"] == {"samples": 19}
    assert shown["launch"]["memoryMb"] == {"samples": 0, "median": None}
    tested = await preview_launch(ask, stage, isTest=True)
    assert tested["launch"]["cpuS"]["samples"] == 0


async def test_who_does_not_see_the_stage_sees_no_launch(ask: Ask, plant: Factory) -> None:
    stage = await plant.stage("a", ["true"], kind="generator")
    given = {"id": f"stage:{stage}"}
    assert (await ask(PREVIEW, given, as_="otto"))["previewLaunch"] is None
    sams = (await ask(PREVIEW, given, as_="sam"))["previewLaunch"]["launch"]["planHash"]
    assert (await launch_plan(ask, stage, sams))["__typename"] == "Submission"


@given(st.lists(st.floats(0, 1e6), min_size=20, max_size=60))
def test_half_of_the_jobs_stay_under_the_median_and_nine_of_ten_under_the_other(
    used: list[float],
) -> None:
    found = estimate_usage(used)
    assert found.median is not None
    assert found.p90 is not None
    assert found.samples == len(used)
    assert sum(value <= found.median for value in used) >= len(used) / 2
    assert min(used) <= found.median <= found.p90 <= max(used) * (1 + 1e-9)


async def list_warnings(ask: Ask, stage: int, **more: Any) -> list[str]:
    found = await ask(
        PREVIEW.replace("planHash", "nameWarnings planHash"), {"id": f"stage:{stage}", **more}
    )
    warnings: list[str] = found["previewLaunch"]["launch"]["nameWarnings"]
    return warnings


async def test_names_that_jobs_would_make_twice_are_foreseen(ask: Ask, plant: Factory) -> None:
    given: dict[str, Any] = {"kind": "generator", "jobs_per_slice": 3}
    stage = await plant.stage("gen", ["run"], patterns=["all.root", "job_*.root"], **given)
    assert await list_warnings(ask, stage) == [
        "Each of 3 jobs is to make all.root: only the first one's is kept."
    ]
    assert await list_warnings(ask, stage, isTest=True) == []


async def test_names_that_files_have_are_foreseen(ask: Ask, plant: Factory, raw: int) -> None:
    stage = await plant.stage("reco", ["run"], dataset_id=raw, patterns=["all.root", "reco_*"])
    (first,) = [w for w in await list_warnings(ask, stage) if "is to make" in w]
    assert first.startswith("Each of 10 jobs is to make all.root")
    made = await launch_plan(ask, stage, None)
    id = int(made["id"].removeprefix("submission:"))
    await plant.db.execute("DELETE FROM live_file")
    await force_state(plant.db, "located")
    await plant.db.execute(
        "WITH f AS (INSERT INTO file (experiment_id, name, size, location, submission_id)"
        " VALUES ($1, 'all.root', 1, '/a', NULL), ($1, 'reco_1', 1, '/b', $2), ($1, 'other_1', 1, '/c', $2)"
        " RETURNING id)"
        " INSERT INTO file_parent (child_id, parent_id)"
        " SELECT f.id, (SELECT file_id FROM dataset_file ORDER BY ordinal LIMIT 1) FROM f",
        plant.experiment_id, id,
    )  # fmt: skip
    again = await plant.stage("again", ["run"], dataset_id=raw, patterns=["reco_*", "all.root"])
    for split in ("none", "mod(2)"):
        await plant.db.execute("UPDATE stage SET split = $2 WHERE id = $1", again, split)
        _, taken, outputs = await list_warnings(ask, again)
        assert taken == "The experiment has a file all.root, added by somebody."
        assert f"such as reco_1, made by submission {id}:" in outputs
    other = await plant.stage("else", ["run"], dataset_id=raw, patterns=["hist_*"])
    assert await list_warnings(ask, other) == []


async def test_the_submission_in_a_command_is_shown_as_it_was_written_and_filled_in_at_the_launch(
    ask: Ask, plant: Factory
) -> None:
    words = ["run", "--out=%(submission)s_%(experiment)s", "%%(submission)s", "100%"]
    stage = await plant.stage("gen", words, kind="generator", patterns=[])
    shown = (await preview_launch(ask, stage))["launch"]
    assert shown["command"] == ["run", "--out=%(submission)s_hypot", "%(submission)s", "100%"]
    made = await launch_plan(ask, stage, shown["planHash"])
    found = await ask("query ($id: ID!) { submission(id: $id) { configuration } }", made)
    number = made["id"].removeprefix("submission:")
    ran = found["submission"]["configuration"]
    assert ran["command"] == ["run", f"--out={number}_hypot", "%(submission)s", "100%"]
    assert "late" not in ran
