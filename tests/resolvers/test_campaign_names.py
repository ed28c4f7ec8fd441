"""Copies, names, tags and the end of campaigns."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import (
    SAVE,
    Ask,
    ask_with_key,
    build_campaign_input,
    build_stage_input,
)
from tests.resolvers.test_importing import FILE, WRONG, import_text

Counted = Callable[[], Awaitable[dict[str, int]]]
SHOWN = """
    __typename ... on Problem { message } ... on Campaign { id name active draft revision tags stages { name epoch } }
"""
CLONE = f"""mutation ($input: CloneCampaignInput!, $key: String)
    {{ cloneCampaign(input: $input, idempotencyKey: $key) {{ {SHOWN} }} }}"""
RENAME = (
    f"mutation ($id: ID!, $name: String!) {{ renameCampaign(id: $id, name: $name) {{ {SHOWN} }} }}"
)
TAG = f"""
    mutation ($id: ID!, $tags: [String!]!) {{ setCampaignTags(id: $id, tags: $tags) {{ {SHOWN} }} }}
"""
DELETE = """
    mutation ($id: ID!, $dryRun: Boolean!) {
      deleteCampaign(id: $id, dryRun: $dryRun) {
        __typename ... on Problem { message } ... on CampaignDeleted { id name }
      }
    }
"""
LIST = """
    query ($filter: CampaignFilter) {
      campaigns(filter: $filter) { nodes { name tags revisions { nodes { body comment } } } }
    }
"""
TOLD = (
    "SELECT body->>'name' FROM change_inbox WHERE kind = 'campaign.saved' ORDER BY id DESC LIMIT 1"
)

pytestmark = pytest.mark.usefixtures("configured")


async def list_names(ask: Ask, **wanted: Any) -> list[str]:
    nodes = (await ask(LIST, {"filter": wanted}))["campaigns"]["nodes"]
    return [node["name"] for node in nodes]


SCHEDULED = """
    INSERT INTO schedule (stage_id, cron, next_at, person_id)
    SELECT id, '0 5 * * *', now() + interval '1 day', 1 FROM stage WHERE name = 'gen'
"""


async def test_a_copy_has_all_of_a_campaign_but_its_past(ask: Ask, db: Pool) -> None:
    source = (await import_text(ask, FILE))["campaign"]
    await db.execute("UPDATE stage SET epoch = 7, cursor = '3'")
    await db.execute("UPDATE campaign SET most_jobs = 9, priority = 5, tags = '{mc}'")
    await db.execute(SCHEDULED)
    given = {"id": source["id"], "name": "autumn", "idempotencyKey": "k"}
    asked = await asyncio.gather(*(ask(CLONE, ask_with_key(given)) for _ in range(2)))
    first, again = (found["cloneCampaign"] for found in asked)
    assert first == again
    assert (first["name"], first["active"], first["revision"]) == ("autumn", True, 1)
    assert first["stages"] == [{"name": "gen", "epoch": 1}, {"name": "reco", "epoch": 1}]
    kept = await db.fetch("SELECT most_jobs, priority, tags FROM campaign WHERE name = 'autumn'")
    assert [tuple(row) for row in kept] == [(9, 5, ["mc"])]
    crons = await db.fetch(
        "SELECT cron, h.active FROM schedule h JOIN stage s ON s.id = h.stage_id ORDER BY s.id"
    )
    assert [tuple(row) for row in crons] == [("0 5 * * *", True), ("0 5 * * *", False)]
    given["idempotencyKey"] = "other"
    assert (await ask(CLONE, ask_with_key(given)))["cloneCampaign"]["__typename"] == "NameTaken"
    given["name"] = " "
    assert (await ask(CLONE, ask_with_key(given)))["cloneCampaign"]["__typename"] == "Invalid"
    given["name"] = "alans"
    made = (await ask(CLONE, ask_with_key(given), as_="alan"))["cloneCampaign"]
    assert made["__typename"] == "Campaign"
    hidden = (await ask(CLONE, ask_with_key(given), as_="otto"))["cloneCampaign"]
    assert hidden["__typename"] == "NotFound"


async def test_a_copy_of_a_draft_is_a_draft(ask: Ask) -> None:
    source = (await import_text(ask, WRONG))["campaign"]
    given = {"id": source["id"], "name": "autumn"}
    made = (await ask(CLONE, ask_with_key(given)))["cloneCampaign"]
    assert (made["active"], made["draft"], made["stages"]) == (False, True, [])


async def test_another_name_is_a_revision_and_told(ask: Ask, db: Pool) -> None:
    source = (await import_text(ask, FILE))["campaign"]
    await import_text(ask, FILE.replace("name = spring", "name = autumn"))
    renamed = (await ask(RENAME, {"id": source["id"], "name": "summer"}))["renameCampaign"]
    assert (renamed["id"], renamed["name"], renamed["revision"]) == (source["id"], "summer", 2)
    taken = (await ask(RENAME, {"id": source["id"], "name": "autumn"}))["renameCampaign"]
    assert taken["__typename"] == "NameTaken"
    nodes = (await ask(LIST, {"filter": {"nameContains": "summer"}}))["campaigns"]["nodes"]
    newest = nodes[0]["revisions"]["nodes"][0]
    assert (newest["body"]["name"], newest["comment"]) == ("summer", "Renamed from spring")
    assert await db.fetchval(TOLD) == "summer"


async def test_a_stage_keeps_its_past_and_its_dependents_under_another_name(
    ask: Ask, db: Pool
) -> None:
    source = (await import_text(ask, FILE))["campaign"]
    id = await db.fetchval("SELECT id FROM stage WHERE name = 'gen'")
    edges = "SELECT upstream_id, downstream_id FROM dependency WHERE active ORDER BY id"
    before = await db.fetch(edges)
    given = {"id": f"stage:{id}", "name": "made"}
    assert (await ask(RENAME_STAGE, given))["renameStage"] == {
        "__typename": "Stage", "id": f"stage:{id}", "name": "made",
    }  # fmt: skip
    body = await db.fetchval("SELECT body FROM campaign_revision ORDER BY number DESC LIMIT 1")
    assert [stage["name"] for stage in body["stages"]] == ["made", "reco"]
    assert {edge["upstream"] for edge in body["dependencies"]} <= {"made", "reco"}
    assert await db.fetch(edges) == before
    # Its file, uploaded again, is the same campaign: no stage is made, and none goes.
    file = (await ask("query ($id: ID!) { campaign(id: $id) { file } }", source))["campaign"][
        "file"
    ]
    await import_text(ask, file)
    assert [row[0] for row in await db.fetch("SELECT name FROM stage ORDER BY id")] == [
        "made",
        "reco",
    ]
    assert await db.fetch(edges) == before
    for name, what in (("reco", "NameTaken"), (" ", "Invalid")):
        wrong = (await ask(RENAME_STAGE, {**given, "name": name}))["renameStage"]
        assert wrong["__typename"] == what


RENAME_STAGE = """mutation ($id: ID!, $name: String!) {
    renameStage(id: $id, name: $name) { __typename ... on Stage { id name } }
}"""


async def test_campaigns_are_found_by_their_tags(ask: Ask) -> None:
    spring = (await import_text(ask, FILE))["campaign"]
    await import_text(ask, FILE.replace("name = spring", "name = autumn"))
    tagged = (await ask(TAG, {"id": spring["id"], "tags": ["mc", "2026", "mc"]}))["setCampaignTags"]
    assert tagged["tags"] == ["2026", "mc"]
    assert await list_names(ask, tag="mc") == ["spring"]
    assert await list_names(ask, tag="data") == []
    assert await list_names(ask, tag="mc", active=True, owner="anna") == ["spring"]
    assert await list_names(ask, tag="mc", active=False) == []
    for wrong in (["x"] * 21, ["x" * 51], [" "], ["a\0"]):
        no = (await ask(TAG, {"id": spring["id"], "tags": wrong}))["setCampaignTags"]
        assert no["__typename"] == "Invalid"


async def test_who_may_not_change_a_campaign_does_not(ask: Ask, counted: Counted) -> None:
    made = (await import_text(ask, FILE))["campaign"]
    before = await counted()
    asked = {"id": made["id"], "name": "x", "tags": ["x"], "dryRun": False}
    for mutation in (RENAME, TAG, DELETE):
        for who, what in (("sam", "NotPermitted"), ("otto", "NotFound")):
            given = {name: value for name, value in asked.items() if f"${name}" in mutation}
            [found] = (await ask(mutation, given, as_=who)).values()
            assert found["__typename"] == what
    assert await counted() == before


async def test_what_never_launched_anything_may_go(ask: Ask, counted: Counted) -> None:
    before = await counted()
    made = (await import_text(ask, FILE.replace("fife", "reco").split("[job_type")[0]))["campaign"]
    hold = 'mutation ($id: ID!) { holdLaunches(reason: "not yet", id: $id) { __typename } }'
    assert (await ask(hold, {"id": made["id"]}))["holdLaunches"]["__typename"] == "LaunchHold"
    asked = {"id": made["id"], "dryRun": True}
    planned = (await ask(DELETE, asked))["deleteCampaign"]
    assert planned == {"__typename": "CampaignDeleted", "id": made["id"], "name": "spring"}
    assert await list_names(ask) == ["spring"]
    await ask(DELETE, {**asked, "dryRun": False})
    assert await list_names(ask) == []
    after = await counted()
    assert {name for name in after if after[name] != before[name]} == {"change_inbox"}
    gone = (await ask(DELETE, asked))["deleteCampaign"]
    assert gone["__typename"] == "NotFound"


async def test_fact_38_a_campaign_with_submissions_is_not_deleted(
    ask: Ask, counted: Counted
) -> None:
    made = (
        await ask(SAVE, {"input": build_campaign_input(build_stage_input("gen", kind="GENERATOR"))})
    )["saveCampaign"]
    launch = "mutation ($id: ID!) { launchStage(input: {id: $id}) { __typename } }"
    launched = await ask(launch, {"id": made["campaign"]["stages"][0]["id"]})
    assert launched["launchStage"]["__typename"] == "Submission"
    before = await counted()
    for dry_run in (True, False):
        asked = {"id": made["campaign"]["id"], "dryRun": dry_run}
        no = (await ask(DELETE, asked))["deleteCampaign"]
        assert no["__typename"] == "CampaignHasSubmissions"
    assert await counted() == before


async def test_fact_39_another_split_or_dataset_begins_again(ask: Ask, db: Pool) -> None:
    async def saved(**given: Any) -> tuple[int, Any]:
        await ask(SAVE, {"input": build_campaign_input(build_stage_input("a", **given))})
        row = await db.fetchrow("SELECT epoch, cursor FROM stage")
        await db.execute("UPDATE stage SET cursor = '5'")
        assert row is not None
        return row["epoch"], row["cursor"]

    await ask(
        "mutation ($i: CreateDatasetInput!) { createDataset(input: $i) { __typename } }",
        {"i": {"experiment": "hypot", "name": "other"}},
    )
    assert await saved(dataset="raw", split="nfiles(2)") == (1, 0)
    assert await saved(dataset="raw", split="nfiles(3)") == (1, 5)
    assert await saved(dataset="raw", split="byrun") == (2, 0)
    assert await saved(dataset="other", split="byrun") == (3, 0)
