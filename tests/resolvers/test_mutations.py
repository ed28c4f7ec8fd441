"""Every mutation is done once for each idempotency key, and takes all back with a problem."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from db.pool import Pool
from schema.context import AppState
from tests.resolvers.conftest import (
    DATASET,
    SAVE,
    Ask,
    ask_with_key,
    build_campaign_input,
    build_stage_input,
)
from tests.resolvers.test_permissions import Make
from tests.resolvers.test_permissions import ask_root_field as answered
from tests.resolvers.test_walk import WALK, Belongings, all_of, read_contents

__all__ = ["all_of"]  # a fixture
PROBLEM = "__typename ... on Problem { message }"
HOLD = f"""
    mutation ($id: ID, $reason: String!, $key: String) {{
      holdLaunches(reason: $reason, id: $id, idempotencyKey: $key) {{
        {PROBLEM} ... on Invalid {{ field }} ... on LaunchHold {{ id reason }} }}
    }}
"""
DELETE = f"""
    mutation ($id: ID!, $dry: Boolean! = false, $key: String) {{
      deleteCampaign(id: $id, dryRun: $dry, idempotencyKey: $key) {{ {PROBLEM} ... on CampaignDeleted {{ id name }} }}
    }}
"""
SCHEDULE = f"""
    mutation ($input: SetScheduleInput!, $key: String) {{
      setSchedule(input: $input, idempotencyKey: $key) {{ {PROBLEM}
        ... on Schedule {{ cron zone catchUp active nextAt }} }}
    }}
"""
LAST = {"removeCredential", "deleteCampaign", "setMembership", "setPersonActive", "handOver"}


@pytest.fixture
async def fed(app_state: AppState, redis: Redis) -> AsyncIterator[AppState]:
    async with app_state.feed.running(redis):
        yield app_state


async def save_campaign(ask: Ask, name: str = "mc") -> dict[str, Any]:
    """A campaign with a stage."""
    given = build_campaign_input(build_stage_input("gen", kind="GENERATOR"), name=name)
    found: dict[str, Any] = (await ask(SAVE, {"input": given}))["saveCampaign"]["campaign"]
    return found


@pytest.mark.usefixtures("fed")
async def test_asked_again_each_mutation_changes_nothing_and_answers_the_same(
    context: Make, db: Pool, all_of: dict[str, Belongings]
) -> None:
    of, done = all_of["anna"], set()
    # A campaign that was planted has no revision that could be cloned.
    for name in sorted(WALK["mutation"] - {"cloneCampaign"}, key=lambda name: (name in LAST, name)):
        known = of.known | {"idempotencyKey": f"key {name}"}
        first = await answered(await context("ada"), "mutation", name, known)
        before = await read_contents(db)
        again = await answered(await context("ada"), "mutation", name, known)
        kept = await db.fetchval("SELECT count(*) FROM idempotency WHERE key = $1", f"key {name}")
        assert await read_contents(db) == before, name
        if kept:
            done.add(name)
            assert again == first, name
    assert len(done) > 20, done


@pytest.mark.usefixtures("configured")
async def test_one_of_those_who_ask_at_once_with_a_key_does_it(ask: Ask, db: Pool) -> None:
    made = await save_campaign(ask)
    held = {"id": made["id"], "reason": "beam is off", "key": "hold"}
    answers = await asyncio.gather(*(ask(HOLD, held) for _ in range(4)))
    assert [answer["holdLaunches"] for answer in answers] == [answers[0]["holdLaunches"]] * 4
    assert answers[0]["holdLaunches"]["__typename"] == "LaunchHold"
    assert await db.fetchval("SELECT count(*) FROM launch_hold") == 1
    deleted = {"id": (await save_campaign(ask, "other"))["id"], "key": "delete"}
    answers = await asyncio.gather(*(ask(DELETE, deleted) for _ in range(4)))
    assert [answer["deleteCampaign"]["name"] for answer in answers] == ["other"] * 4
    assert await db.fetchval("SELECT count(*) FROM campaign") == 1


@pytest.mark.usefixtures("configured")
async def test_an_answer_with_times_and_enums_is_given_again_as_it_was(ask: Ask) -> None:
    made = await save_campaign(ask)
    given = {
        "id": made["stages"][0]["id"],
        "cron": "0 4 * * *",
        "catchUp": "SKIP",
        "idempotencyKey": "k",
    }
    first = (await ask(SCHEDULE, ask_with_key(given)))["setSchedule"]
    assert (first["catchUp"], first["active"]) == ("SKIP", True)
    assert (await ask(SCHEDULE, ask_with_key(given)))["setSchedule"] == first


@pytest.mark.usefixtures("configured")
async def test_after_a_problem_the_key_can_be_used_again(ask: Ask) -> None:
    made = await save_campaign(ask)
    wrong = {"id": made["id"], "reason": " ", "key": "k"}
    assert (await ask(HOLD, wrong))["holdLaunches"]["field"] == "reason"
    taken = {"experiment": "hypot", "name": "raw", "idempotencyKey": "k"}
    assert (await ask(DATASET, ask_with_key(taken)))["createDataset"]["__typename"] == "NameTaken"
    assert (await ask(HOLD, {**wrong, "reason": "a test"}))["holdLaunches"]["reason"] == "a test"


@pytest.mark.usefixtures("configured")
async def test_a_key_of_something_else_is_told_as_such(ask: Ask, db: Pool) -> None:
    made = await save_campaign(ask)
    held = {"id": made["id"], "reason": "a test", "key": "k"}
    await ask(HOLD, held)
    for other in ({**held, "reason": "another"}, {**held, "id": made["stages"][0]["id"]}):
        assert (await ask(HOLD, other))["holdLaunches"]["__typename"] == "IdempotencyKeyReused"
    found = await ask(DELETE, {"id": made["id"], "key": "k"})
    assert found["deleteCampaign"]["__typename"] == "IdempotencyKeyReused"
    assert (await ask(HOLD, held, as_="sue"))["holdLaunches"]["__typename"] == "AlreadyHeld"
    assert await db.fetchval("SELECT count(*) FROM launch_hold") == 1


@pytest.mark.usefixtures("configured")
async def test_a_dry_run_leaves_its_key_free(ask: Ask, db: Pool) -> None:
    asked = {"id": (await save_campaign(ask))["id"], "key": "k"}
    for _ in range(2):
        found = await ask(DELETE, {**asked, "dry": True})
        assert found["deleteCampaign"]["name"] == "mc"
    assert await db.fetchval("SELECT count(*) FROM campaign") == 1
    for _ in range(2):
        assert (await ask(DELETE, asked))["deleteCampaign"]["name"] == "mc"
    assert await db.fetchval("SELECT count(*) FROM campaign") == 0


@pytest.mark.usefixtures("configured")
async def test_what_is_gone_since_is_not_found_when_it_is_asked_again(ask: Ask) -> None:
    given = {
        **build_campaign_input(build_stage_input("gen", kind="GENERATOR")),
        "idempotencyKey": "k",
    }
    made = (await ask(SAVE, ask_with_key(given)))["saveCampaign"]["campaign"]
    await ask(DELETE, {"id": made["id"]})
    assert (await ask(SAVE, ask_with_key(given)))["saveCampaign"]["__typename"] == "NotFound"
