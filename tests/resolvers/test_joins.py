"""The table of a stage that joins: who goes with whom, who is there, what was launched."""

from typing import Any

import pytest

from db.pool import Pool
from tests.factories import Factory
from tests.resolvers.conftest import SAVE, Ask, build_campaign_input, build_stage_input
from tests.workers.test_joins import (
    launch_stage,
    locate_submission,
    make_files,
    make_joining_stage,
    make_stages,
)

TABLE = """
    query ($id: ID!, $isTest: Boolean! = false, $most: Int! = 50) {
      previewJoin(id: $id, isTest: $isTest, most: $most) {
        by parents { name }
        rows { key turn isComplete submission { id state } parents { stage { name } submission { id state } isReady } }
      }
    }
"""


@pytest.fixture
async def plant(db: Pool, hypot: int) -> Factory:
    return await Factory.make(db)


async def fetch_table(
    ask: Ask, stage: int, as_: str = "anna", **more: Any
) -> dict[str, Any] | None:
    found = await ask(TABLE, {"id": f"stage:{stage}", **more}, as_=as_)
    shown: dict[str, Any] | None = found["previewJoin"]
    return shown


def list_cells(row: dict[str, Any]) -> list[tuple[str, str | None, bool]]:
    return [
        (p["stage"]["name"], p["submission"] and p["submission"]["state"], p["isReady"])
        for p in row["parents"]
    ]


async def test_it_shows_each_parents_submission_and_what_was_launched(
    ask: Ask, plant: Factory
) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    one, two, other = (
        await launch_stage(plant, a),
        await launch_stage(plant, a),
        await launch_stage(plant, b),
    )
    found = await fetch_table(ask, merge)
    assert found
    assert (found["by"], [p["name"] for p in found["parents"]]) == ("LINEAGE", ["a", "b"])
    assert [list_cells(row) for row in found["rows"]] == [
        [("a", "NEW", False), ("b", "NEW", False)],
        [("a", "NEW", False), ("b", None, False)],
    ]
    for submission in (two, one):
        await make_files(plant, submission)
        await locate_submission(plant, submission)
    found = await fetch_table(ask, merge)
    assert found
    assert [list_cells(row) for row in found["rows"]] == [
        [("a", "LOCATED", True), ("b", "NEW", False)],
        [("a", "LOCATED", True), ("b", None, False)],
    ]
    assert not any(row["isComplete"] or row["submission"] for row in found["rows"])
    await make_files(plant, other)
    (made,) = await locate_submission(plant, other)
    found = await fetch_table(ask, merge)
    assert found
    assert [row["isComplete"] for row in found["rows"]] == [True, False]
    assert found["rows"][0]["submission"] == {"id": f"submission:{made.id}", "state": "NEW"}
    found = await fetch_table(ask, merge, most=1)
    assert found
    assert len(found["rows"]) == 1
    tests = await fetch_table(ask, merge, isTest=True)
    assert tests
    assert tests["rows"] == []


async def test_who_comes_next_stands_behind_who_has_come(ask: Ask, plant: Factory) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "order", a, b)
    first = await launch_stage(plant, a)
    await make_files(plant, first)
    await locate_submission(plant, first)
    await launch_stage(plant, a)
    await launch_stage(plant, b)
    found = await fetch_table(ask, merge)
    assert found
    assert [(row["turn"], list_cells(row)) for row in found["rows"]] == [
        (0, [("a", "LOCATED", True), ("b", "NEW", False)]),
        (1, [("a", "NEW", False), ("b", None, False)]),
    ]


async def test_other_stages_have_no_such_table_and_others_see_none(
    ask: Ask, plant: Factory
) -> None:
    a, b = await make_stages(plant, "a", "b")
    merge = await make_joining_stage(plant, "lineage", a, b)
    assert await fetch_table(ask, a) is None
    assert await fetch_table(ask, merge, as_="otto") is None
    assert await fetch_table(ask, 999) is None


async def test_a_saved_join_makes_its_dependencies_joins(
    ask: Ask, configured: dict[str, str], db: Pool
) -> None:
    stages = [
        build_stage_input("a", dataset="raw"),
        build_stage_input("b", dataset="raw"),
        build_stage_input("m", split="joined(key)"),
    ]
    edges = [{"upstream": name, "downstream": "m", "patterns": ["%.root"]} for name in "ab"]
    found = await ask(SAVE, {"input": build_campaign_input(*stages, dependencies=edges)})
    assert found["saveCampaign"]["__typename"] == "CampaignSaved"
    triggers = await db.fetch("SELECT trigger FROM dependency")
    assert [row["trigger"] for row in triggers] == ["join", "join"]
    stages[2]["split"] = "none"
    await ask(SAVE, {"input": build_campaign_input(*stages, dependencies=edges)})
    triggers = await db.fetch("SELECT trigger FROM dependency")
    assert [row["trigger"] for row in triggers] == ["per_parent", "per_parent"]
