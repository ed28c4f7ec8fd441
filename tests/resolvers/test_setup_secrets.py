"""Secrets of login setups: however one asks, and wherever rows are kept, they are not there."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from db.pool import Pool
from db.setup.login_setups import read_secrets
from schema.context import AppState, Context
from tests.resolvers import test_permissions as walk
from tests.resolvers.conftest import (
    LOGIN_SETUP,
    SAVE,
    Ask,
    ask_with_key,
    build_campaign_input,
    build_stage_input,
)

VALUE, NEW = "hunter2-and-more", "correct-horse"
CHANGE = """mutation ($input: ChangeLoginSetupInput!, $key: String) {
    changeLoginSetup(input: $input, idempotencyKey: $key) { __typename
    ... on LoginSetup { id version environment { key value isSecret } }
    ... on InvalidLoginSetup { findings { path message } } ... on Problem { message } } }"""
LAUNCH = """mutation ($stage: ID!) { launchStage(input: {id: $stage}) {
    __typename ... on Problem { message } ... on Submission { id configuration } } }"""
PREVIEW = """query ($stage: ID!) { previewLaunch(id: $stage) {
    launch { command planHash } problem { message } } }"""
TABLES = """
    SELECT string_agg(format('SELECT %L AS t, x::text AS row FROM %I x', c.relname, c.relname), ' UNION ALL ')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


@pytest.fixture
async def fed(app_state: AppState, redis: Redis) -> AsyncIterator[AppState]:
    async with app_state.feed.running(redis):
        yield app_state


async def list_tables_with(db: Pool, secret: str) -> set[str]:
    """The tables of which a row has it."""
    rows = await db.fetch(await db.fetchval(TABLES))
    return {row["t"] for row in rows if secret in row["row"]}


def build_variable(key: str, value: str | None, *, is_secret: bool = True) -> dict[str, Any]:
    return {"key": key, "value": value, "isSecret": is_secret}


@pytest.mark.usefixtures("fed")
async def test_a_secret_is_in_no_answer_and_in_no_other_row(
    ask: Ask,
    db: Pool,
    configured: dict[str, str],
    context: Callable[[str], Awaitable[Context]],
) -> None:
    setup = {
        "experiment": "hypot", "name": "secret", "launchHost": "here", "idempotencyKey": "k",
        "environment": [build_variable("A", "plain", is_secret=False), build_variable("TOKEN", VALUE)],
    }  # fmt: skip
    answers = [
        await ask(LOGIN_SETUP, ask_with_key(setup)),
        await ask(LOGIN_SETUP, ask_with_key(setup)),
    ]
    made = answers[0]["createLoginSetup"]
    assert made["environment"] == [
        build_variable("A", "plain", is_secret=False),
        build_variable("TOKEN", None),
    ]
    reused = {**setup, "environment": [build_variable("TOKEN", NEW)]}
    answers.append(await ask(LOGIN_SETUP, ask_with_key(reused)))
    assert answers[-1]["createLoginSetup"]["__typename"] == "IdempotencyKeyReused"
    wrong = {**setup, "name": "", "idempotencyKey": None}
    answers.append(await ask(LOGIN_SETUP, ask_with_key(wrong)))
    given = build_campaign_input(build_stage_input("gen", kind="GENERATOR", loginSetup="secret"))
    saved = (await ask(SAVE, {"input": given}))["saveCampaign"]
    id = saved["campaign"]["stages"][0]["id"]
    answers += [await ask(PREVIEW, {"stage": id}), await ask(LAUNCH, {"stage": id})]
    launched = answers[-1]["launchStage"]
    assert launched["configuration"]["environment"] == {"A": "plain"}
    number = int(launched["id"].split(":")[1])
    assert await read_secrets(db, number) == {"TOKEN": VALUE}
    known = {
        "id": launched["id"], "stageId": id, "campaignId": saved["campaign"]["id"], "submissionId": launched["id"],
        "datasetId": configured["dataset"], "jobTypeId": configured["job_type"], "loginSetupId": made["id"],
        "launchHostId": "launch_host:1", "experiment": "hypot", "name": "mc", "campaign": "mc", "dataset": "raw",
        "username": "anna", "jobType": "reco", "loginSetup": "secret", "launchHost": "here",
    }  # fmt: skip
    for who in ("anna", "ada"):
        for name in walk.ROOTS["query"].fields:
            answers.append(
                {name: await walk.ask_root_field(await context(who), "query", name, known)}
            )
    file = "query ($id: ID!) { campaign(id: $id) { file revisions { nodes { body } } } }"
    for query in (file, file.replace("{ nodes { body } }", "{ nodes { number } }")):
        result = await walk.SERVED.execute(
            query, {"id": saved["campaign"]["id"]}, await context("ada")
        )
        answers.append({"file": result.data, "errors": [str(e) for e in result.errors or ()]})
    text = json.dumps(answers, default=str)
    assert '"plain"' in text  # else the walk would prove nothing
    assert VALUE not in text
    assert NEW not in text
    assert await list_tables_with(db, VALUE) == {"login_setup_secret"}
    assert await list_tables_with(db, NEW) == set()


async def test_a_secret_is_kept_when_its_value_is_left_out_and_replaced_by_a_new_one(
    ask: Ask, db: Pool, configured: dict[str, str]
) -> None:
    async def change(*environment: dict[str, Any]) -> dict[str, Any]:
        given = {"id": configured["login_setup"], "name": "here", "launchHost": "here"}
        answer = await ask(CHANGE, {"input": given | {"environment": list(environment)}})
        found: dict[str, Any] = answer["changeLoginSetup"]
        return found

    async def values() -> list[str]:
        rows = await db.fetch(
            "SELECT name || '=' || value AS v FROM login_setup_secret ORDER BY name"
        )
        return [row["v"] for row in rows]

    found = await change(build_variable("TOKEN", None))
    assert "no secret of this name" in found["findings"][0]["message"]
    found = await change(build_variable("TOKEN", VALUE), build_variable("OTHER", VALUE))
    assert [each["value"] for each in found["environment"]] == [None, None]
    await change(build_variable("TOKEN", None), build_variable("OTHER", NEW))
    assert await values() == [f"OTHER={NEW}", f"TOKEN={VALUE}"]
    await change(build_variable("TOKEN", NEW))
    assert await values() == [f"TOKEN={NEW}"]
    for bad in (
        [build_variable("TOKEN", ""), ],
        [build_variable("A B", VALUE)],
        [build_variable("TOKEN", VALUE + "\0")],
        [build_variable("X", "1", is_secret=False), build_variable("X", VALUE)],
    ):  # fmt: skip
        found = await change(*bad)
        assert found["__typename"] == "InvalidLoginSetup", bad
        assert VALUE not in json.dumps(found)
    await change()
    assert await values() == []


@pytest.mark.parametrize("key", ["k" * 200])
async def test_a_bad_name_of_a_secret_is_told_without_its_value(
    ask: Ask, configured: dict[str, str], key: str
) -> None:
    given = {"id": configured["login_setup"], "name": "here", "launchHost": "here"}
    answer = await ask(CHANGE, {"input": given | {"environment": [build_variable(key, VALUE)]}})
    assert VALUE not in json.dumps(answer)
