"""Previews of splits: what they show is what launches take, and they take nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from domain.campaigns.splits.preview import build_histogram
from tests.factories import Factory
from tests.resolvers.conftest import SAVE, Ask, build_campaign_input, build_stage_input

PREVIEW = """
    query ($id: ID!, $isTest: Boolean! = false, $most: Int! = 100) {
      previewSplit(id: $id, isTest: $isTest, most: $most) {
        split exhausted repeats leftOut leftOutMore leftOutFor missingFromCatalog
        slices { files jobs bytes events filesWithoutEvents low high key parameter }
        sizes { least most slices }
      }
    }
"""
Counted = Callable[[], Awaitable[dict[str, int]]]


@pytest.fixture
async def plant(db: Pool, hypot: int) -> Factory:
    return await Factory.make(db)


async def preview_split(ask: Ask, stage_id: int, **more: Any) -> dict[str, Any]:
    found = await ask(PREVIEW, {"id": f"stage:{stage_id}", **more})
    shown: dict[str, Any] = found["previewSplit"]
    return shown


async def make_files(plant: Factory) -> int:
    dataset = await plant.dataset("raw")
    known = [
        {"size": n, "run": n % 3 or None, "events": n if n % 2 else None,
         "metadata": {"staged": n < 5, "end_time": 100 + n % 4}}
        for n in range(12)
    ]  # fmt: skip
    await plant.add_known_files(dataset, *known)
    return dataset


@pytest.mark.parametrize(
    "split",
    ["none", "nfiles(5)", "drainingn(7)", "nbytes(20)", "nevents(9)", "mod(5)", "byrun", "byexistingruns",
     "stagedfiles(2)", "new(firsttime=99,window=2s,lasttime=200,fts=0)", "limitn(3)", "draining"],
)  # fmt: skip
async def test_what_is_shown_is_what_is_launched_and_nothing_is_taken(
    ask: Ask, plant: Factory, counted: Counted, split: str
) -> None:
    stage_id = await plant.stage(
        "reco", ["true"], dataset_id=await make_files(plant), split=split, files_per_job=2
    )
    before = await counted()
    shown = await preview_split(ask, stage_id)
    assert await counted() == before
    assert await plant.db.fetchval("SELECT split_seq FROM stage") == 0
    assert shown["repeats"] is (split in ("limitn(3)", "draining"))
    assert shown["exhausted"] is not shown["repeats"]
    made = []
    for _ in shown["slices"]:
        outcome = await slices.launch_next(plant.db, stage_id, LaunchRequest(plant.person_id))
        assert outcome.submission
        made.append((outcome.submission.files, outcome.submission.jobs))
    assert [(found["files"], found["jobs"]) for found in shown["slices"]] == made
    keys = await plant.db.fetch("SELECT key FROM slice ORDER BY id")
    assert [found["key"] for found in shown["slices"]] == [r["key"] for r in keys]
    assert sum(bar["slices"] for bar in shown["sizes"]) == len(made)
    if not shown["repeats"]:
        assert (await preview_split(ask, stage_id))["slices"] == []


async def test_it_says_how_much_a_slice_is_and_which_files_are_left_out(
    ask: Ask, plant: Factory
) -> None:
    dataset = await make_files(plant)
    runs = await plant.stage("runs", ["true"], dataset_id=dataset, split="byrun", files_per_job=3)
    shown = await preview_split(ask, runs)
    assert (shown["leftOut"], shown["leftOutMore"], shown["leftOutFor"]) == (4, False, "run")
    assert shown["slices"][0] == {
        "files": 4, "jobs": 2, "bytes": 1 + 4 + 7 + 10, "events": 8, "filesWithoutEvents": 2,
        "low": None, "high": None, "key": "1", "parameter": None,
    }  # fmt: skip
    assert shown["sizes"] == [{"least": 4, "most": 7, "slices": 2}]
    staged = await plant.stage("staged", ["true"], dataset_id=dataset, split="stagedfiles(9)")
    shown = await preview_split(ask, staged)
    assert (shown["leftOut"], shown["leftOutFor"]) == (7, "staged")
    assert shown["missingFromCatalog"] == 0


async def test_a_generator_shows_its_parameters_and_of_an_endless_one_the_first(
    ask: Ask, plant: Factory
) -> None:
    given = {"kind": "generator", "jobs_per_slice": 3, "events_per_job": 10}
    lists = await plant.stage("l", ["true"], split="list", parameter_lists=[["a, b"]], **given)
    shown = await preview_split(ask, lists)
    assert [(s["parameter"], s["jobs"], s["events"], s["files"]) for s in shown["slices"]] == [
        ("a", 3, 30, 0), ("b", 3, 30, 0)
    ]  # fmt: skip
    endless = await plant.stage("e", ["true"], split="nevents(25)", **given)
    shown = await preview_split(ask, endless, most=4)
    assert [(s["low"], s["high"], s["jobs"]) for s in shown["slices"]] == [
        (0, 2, 2), (2, 4, 2), (4, 6, 2), (6, 8, 2)
    ]  # fmt: skip
    assert not shown["exhausted"]


async def test_tests_have_their_own_split_and_cursor(ask: Ask, plant: Factory) -> None:
    stage_id = await plant.stage(
        "a", ["true"], dataset_id=await make_files(plant), split="nfiles(12)"
    )
    await plant.db.execute("UPDATE stage SET test_split = 'limitn(1)', cursor = '12'")
    assert (await preview_split(ask, stage_id))["slices"] == []
    shown = await preview_split(ask, stage_id, isTest=True)
    assert (shown["split"], [s["files"] for s in shown["slices"]]) == ("limitn(1)", [1])


async def test_who_does_not_see_the_stage_sees_no_preview(ask: Ask, plant: Factory) -> None:
    stage_id = await plant.stage("a", ["true"], kind="generator")
    given = {"id": f"stage:{stage_id}"}
    assert (await ask(PREVIEW, given, as_="otto"))["previewSplit"] is None
    assert (await ask(PREVIEW, given, as_="sam"))["previewSplit"]
    assert (await ask(PREVIEW, {"id": "stage:999"}))["previewSplit"] is None
    wrong = await ask(PREVIEW, {**given, "most": 101}, errors=True)
    assert "1 to 100" in wrong["errors"][0]["message"]


async def test_a_split_of_another_type_starts_again_and_other_numbers_do_not(
    ask: Ask, configured: dict[str, str], db: Pool
) -> None:
    async def save(**more: Any) -> dict[str, Any]:
        given = build_campaign_input(build_stage_input("a", dataset="raw", **more))
        found = await ask(
            SAVE.replace("startsAgain", "startsAgain testsStartAgain"), {"input": given}
        )
        changes: list[dict[str, Any]] = found["saveCampaign"]["changes"]
        return changes[0]

    await save(split="nfiles(2)", testSplit="nfiles(1)")
    await db.execute("UPDATE stage SET cursor = '4', test_cursor = '2'")
    found = await save(split="drainingn(3)", testSplit="nfiles(3)")
    assert (found["startsAgain"], found["testsStartAgain"]) == (False, False)
    found = await save(split="drainingn(3)", testSplit="limitn(3)")
    assert (found["startsAgain"], found["testsStartAgain"]) == (False, True)
    assert tuple(
        await db.fetchrow("SELECT epoch, cursor, test_epoch, test_cursor FROM stage") or ()
    ) == (1, 4, -2, 0)
    found = await save(split="byrun(low=5)", testSplit="limitn(3)")
    assert (found["startsAgain"], found["testsStartAgain"]) == (True, True)
    assert tuple(
        await db.fetchrow("SELECT epoch, cursor, test_epoch, test_cursor FROM stage") or ()
    ) == (2, 0, -3, 0)


async def test_a_list_needs_its_one_parameter_list(ask: Ask, configured: dict[str, str]) -> None:
    for lists in ([], [["a"], ["b"]], [[" , "]]):
        given = build_campaign_input(
            build_stage_input("a", kind="GENERATOR", split="list", parameterLists=lists)
        )
        found = (await ask(SAVE, {"input": given}))["saveCampaign"]
        assert found["findings"][0]["path"] == "stages[0].parameterLists"
    wrong = build_campaign_input(build_stage_input("a", dataset="raw", split="list"), name="other")
    assert (await ask(SAVE, {"input": wrong}))["saveCampaign"]["findings"][0][
        "path"
    ] == "stages[0].split"


@given(st.lists(st.integers(0, 10**7)))
def test_every_size_is_in_one_bar(sizes: list[int]) -> None:
    bars = build_histogram(sizes)
    assert sum(bar.number for bar in bars) == len(sizes)
    for bar in bars:
        assert bar.number == sum(bar.least <= size <= bar.most for size in sizes)
