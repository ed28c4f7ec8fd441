"""Moving cursors by hand: seen before it happens, told, once, and never over a launch that came first."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from domain.launching.split_positions import (
    SplitPosition,
    compute_moved_position,
    compute_next_epoch,
)
from tests.factories import Factory
from tests.forced_states import force_state
from tests.resolvers.conftest import Ask, ask_with_key

SHOWN = """
        __typename
        ... on CursorSet { stage { epoch cursor testEpoch testCursor splitSeq } }
        ... on CursorPlanned {
          epoch cursor splitSeq repeatedSliceCount repeatedFileCount repeatedSlices { number low high key }
          next { slices { files low high key } }
        }
        ... on CursorMoved { splitSeq }
        ... on Invalid { field }
        ... on Problem { message }
"""
RESET = f"""mutation ($input: ResetStageInput!, $key: String)
    {{ resetStage(input: $input, idempotencyKey: $key) {{ {SHOWN} }} }}"""
MOVE = f"""mutation ($input: MoveCursorInput!, $key: String)
    {{ moveCursor(input: $input, idempotencyKey: $key) {{ {SHOWN} }} }}"""
TOLD = "SELECT reason, body FROM change_inbox WHERE kind = 'stage.cursor_moved' ORDER BY id"


@pytest.fixture
async def plant(db: Pool, hypot: int) -> Factory:
    return await Factory.make(db)


async def make_stage(plant: Factory, split: str) -> int:
    dataset = await plant.dataset("raw")
    await plant.add_known_files(dataset, *({"size": 1, "run": n // 2 + 1} for n in range(10)))
    return await plant.stage("reco", ["true"], dataset_id=dataset, split=split)


async def reset_stage(ask: Ask, stage: int, as_: str = "anna", **more: Any) -> dict[str, Any]:
    found = await ask(RESET, ask_with_key({"id": f"stage:{stage}", **more}), as_=as_)
    came: dict[str, Any] = found["resetStage"]
    return came


async def move_cursor(ask: Ask, stage: int, **more: Any) -> dict[str, Any]:
    found = await ask(MOVE, ask_with_key({"id": f"stage:{stage}", **more}))
    came: dict[str, Any] = found["moveCursor"]
    return came


async def count_launched_files(plant: Factory, stage: int, *, is_test: bool = False) -> int:
    """How many files the next slice has."""
    made = (
        await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id, is_test))
    ).submission
    await plant.db.execute("DELETE FROM live_file")
    await force_state(plant.db, "located")
    return made.files if made else 0


async def test_a_reset_is_seen_before_and_then_all_comes_again(ask: Ask, plant: Factory) -> None:
    stage = await make_stage(plant, "nfiles(4)")
    first = [await count_launched_files(plant, stage) for _ in range(2)]
    seen = await reset_stage(ask, stage, dryRun=True)
    assert (seen["epoch"], seen["cursor"], seen["splitSeq"]) == (2, 0, 2)
    assert (seen["repeatedSliceCount"], seen["repeatedFileCount"]) == (2, 8)
    assert [(s["low"], s["high"]) for s in seen["repeatedSlices"]] == [(0, 4), (4, 8)]
    assert [s["files"] for s in seen["next"]["slices"]] == [4, 4, 2]
    assert await plant.db.fetchval("SELECT epoch FROM stage") == 1
    came = await reset_stage(ask, stage, expectedSplitSeq=2, reason="new alignment")
    assert came["stage"] == {
        "epoch": 2, "cursor": 0, "testEpoch": -1, "testCursor": 0, "splitSeq": 3
    }  # fmt: skip
    assert [await count_launched_files(plant, stage) for _ in range(4)] == [*first, 2, 0]
    (told,) = await plant.db.fetch(TOLD)
    assert told["reason"] == "new alignment"
    assert (told["body"]["stage"], told["body"]["epoch"]) == (f"stage:{stage}", 2)


@pytest.mark.parametrize(
    ("split", "to", "again", "sizes"),
    [
        ("nfiles(4)", 2, (1, 4), [4, 4]),
        ("byrun", 3, (2, 4), [2, 2, 2]),
        ("byexistingruns", 4, (2, 4), [2, 2, 2]),
        ("mod(5)", 2, (2, 4), [2, 2, 2]),
    ],
)
async def test_going_back_does_again_what_came_after(
    ask: Ask, plant: Factory, split: str, to: int, again: tuple[int, int], sizes: list[int]
) -> None:
    stage = await make_stage(plant, split)
    for _ in range(2 if "nfiles" in split else 4):
        await count_launched_files(plant, stage)
    seen = await move_cursor(ask, stage, cursor=to, dryRun=True)
    assert (seen["repeatedSliceCount"], seen["repeatedFileCount"]) == again
    assert [s["files"] for s in seen["next"]["slices"]] == sizes
    came = await move_cursor(ask, stage, cursor=to)
    assert (came["stage"]["epoch"], came["stage"]["cursor"]) == (2, to)
    assert [await count_launched_files(plant, stage) for _ in sizes] == sizes
    assert await count_launched_files(plant, stage) == 0


async def test_going_on_leaves_out_what_lies_between(ask: Ask, plant: Factory) -> None:
    stage = await make_stage(plant, "nfiles(3)")
    await count_launched_files(plant, stage)
    seen = await move_cursor(ask, stage, cursor=8, dryRun=True)
    assert (seen["epoch"], seen["repeatedSliceCount"]) == (1, 0)
    came = await move_cursor(ask, stage, cursor=8)
    assert (came["stage"]["epoch"], came["stage"]["cursor"]) == (1, 8)
    assert [await count_launched_files(plant, stage), await count_launched_files(plant, stage)] == [
        2,
        0,
    ]


async def test_a_stage_goes_back_to_before_a_slice(ask: Ask, plant: Factory) -> None:
    stage = await make_stage(plant, "nfiles(3)")
    for _ in range(3):
        await count_launched_files(plant, stage)
    second = await plant.db.fetchval("SELECT id FROM slice WHERE number = 2")
    came = await move_cursor(ask, stage, beforeSliceId=f"slice:{second}")
    assert (came["stage"]["epoch"], came["stage"]["cursor"]) == (2, 3)
    assert (await move_cursor(ask, stage, beforeSliceId=f"slice:{second}"))[
        "field"
    ] == "beforeSliceId"


async def test_tests_have_a_cursor_of_their_own_to_move(ask: Ask, plant: Factory) -> None:
    stage = await make_stage(plant, "nfiles(3)")
    await count_launched_files(plant, stage)
    await count_launched_files(plant, stage, is_test=True)
    came = await reset_stage(ask, stage, isTest=True)
    assert came["stage"] == {
        "epoch": 1, "cursor": 3, "testEpoch": -2, "testCursor": 0, "splitSeq": 3
    }  # fmt: skip
    assert await count_launched_files(plant, stage, is_test=True) == 3


async def test_what_can_not_be_is_refused(ask: Ask, plant: Factory) -> None:
    stage = await make_stage(plant, "nfiles(3)")
    await count_launched_files(plant, stage)
    assert (await move_cursor(ask, stage))["field"] == "cursor"
    assert (await move_cursor(ask, stage, cursor=1, beforeSliceId="slice:1"))["field"] == "cursor"
    assert (await move_cursor(ask, stage, cursor=11))["field"] == "cursor"
    assert (await move_cursor(ask, stage, cursor=-1))["field"] == "cursor"
    assert (await reset_stage(ask, stage, reason="x" * 2000))["field"] == "reason"
    late = await reset_stage(ask, stage, expectedSplitSeq=0)
    assert (late["__typename"], late["splitSeq"]) == ("CursorMoved", 1)
    assert (await reset_stage(ask, stage, as_="sam"))["__typename"] == "NotPermitted"
    assert (await reset_stage(ask, stage, as_="otto"))["__typename"] == "NotFound"
    assert await plant.db.fetchval("SELECT split_seq FROM stage") == 1


async def test_the_same_key_moves_once(ask: Ask, plant: Factory) -> None:
    stage = await make_stage(plant, "nfiles(3)")
    for _ in range(2):
        came = await reset_stage(ask, stage, idempotencyKey="k")
        assert came["stage"]["epoch"] == 2
    assert await plant.db.fetchval("SELECT epoch FROM stage") == 2


async def test_resets_and_launches_at_once_take_nothing_twice_in_an_epoch(
    ask: Ask, plant: Factory
) -> None:
    stage = await make_stage(plant, "nfiles(1)")
    asked = LaunchRequest(plant.person_id)
    launches = asyncio.gather(*(slices.launch_next(plant.db, stage, asked) for _ in range(6)))
    resets = await asyncio.gather(*(reset_stage(ask, stage) for _ in range(3)))
    moved = sum(came["__typename"] == "CursorSet" for came in resets)
    assert {came["__typename"] for came in resets} <= {"CursorSet", "CursorMoved"}
    taken = sum(outcome.submission is not None for outcome in await launches)
    assert await plant.db.fetchval("SELECT epoch FROM stage") == 1 + moved
    assert await plant.db.fetchval("SELECT split_seq FROM stage") == taken + moved


@given(st.integers(1, 50), st.booleans(), st.integers(0, 100), st.integers(0, 100))
def test_an_epoch_never_goes_back(number: int, is_test: bool, now: int, to: int) -> None:
    epoch = -number if is_test else number
    found = compute_moved_position(SplitPosition(epoch, now), to)
    assert found.cursor == to
    assert (found.epoch == epoch) is (to >= now)
    assert found.epoch in (epoch, compute_next_epoch(SplitPosition(epoch, now)).epoch)
    assert abs(compute_next_epoch(SplitPosition(epoch, now)).epoch) == number + 1
