"""Copies, names, tags and the end of campaigns."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import SAVE, Ask, campaign, stage
from tests.resolvers.test_importing import FILE, WRONG, take

Counted = Callable[[], Awaitable[dict[str, int]]]
SHOWN = """
    __typename ... on Problem { message } ... on Campaign { id name active draft revision tags stages { name epoch } }
"""
CLONE = f"mutation ($input: CloneCampaignInput!) {{ cloneCampaign(input: $input) {{ {SHOWN} }} }}"
RENAME = f"mutation ($id: ID!, $name: String!) {{ renameCampaign(campaignId: $id, name: $name) {{ {SHOWN} }} }}"
TAG = f"""
    mutation ($id: ID!, $tags: [String!]!) {{ setCampaignTags(campaignId: $id, tags: $tags) {{ {SHOWN} }} }}
"""
DELETE = """
    mutation ($id: ID!, $dryRun: Boolean!) {
      deleteCampaign(campaignId: $id, dryRun: $dryRun) {
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


async def listed(ask: Ask, **wanted: Any) -> list[str]:
    nodes = (await ask(LIST, {"filter": wanted}))["campaigns"]["nodes"]
    return [node["name"] for node in nodes]


async def test_a_copy_has_all_of_a_campaign_but_its_past(ask: Ask, db: Pool) -> None:
    source = (await take(ask, FILE))["campaign"]
    await db.execute("UPDATE stage SET epoch = 7, cursor = '3'")
    given = {"campaignId": source["id"], "name": "autumn", "idempotencyKey": "k"}
    asked = await asyncio.gather(*(ask(CLONE, {"input": given}) for _ in range(2)))
    first, again = (found["cloneCampaign"] for found in asked)
    assert first == again
    assert (first["name"], first["active"], first["revision"]) == ("autumn", True, 1)
    assert first["stages"] == [{"name": "gen", "epoch": 1}, {"name": "reco", "epoch": 1}]
    given["idempotencyKey"] = "other"
    assert (await ask(CLONE, {"input": given}))["cloneCampaign"]["__typename"] == "NameTaken"
    given["name"] = " "
    assert (await ask(CLONE, {"input": given}))["cloneCampaign"]["__typename"] == "Invalid"
    given["name"] = "alans"
    made = (await ask(CLONE, {"input": given}, as_="alan"))["cloneCampaign"]
    assert made["__typename"] == "Campaign"
    hidden = (await ask(CLONE, {"input": given}, as_="otto"))["cloneCampaign"]
    assert hidden["__typename"] == "NotFound"


async def test_a_copy_of_a_draft_is_a_draft(ask: Ask) -> None:
    source = (await take(ask, WRONG))["campaign"]
    given = {"campaignId": source["id"], "name": "autumn"}
    made = (await ask(CLONE, {"input": given}))["cloneCampaign"]
    assert (made["active"], made["draft"], made["stages"]) == (False, True, [])


async def test_another_name_is_a_revision_and_told(ask: Ask, db: Pool) -> None:
    source = (await take(ask, FILE))["campaign"]
    await take(ask, FILE.replace("name = spring", "name = autumn"))
    renamed = (await ask(RENAME, {"id": source["id"], "name": "summer"}))["renameCampaign"]
    assert (renamed["id"], renamed["name"], renamed["revision"]) == (source["id"], "summer", 2)
    taken = (await ask(RENAME, {"id": source["id"], "name": "autumn"}))["renameCampaign"]
    assert taken["__typename"] == "NameTaken"
    nodes = (await ask(LIST, {"filter": {"nameContains": "summer"}}))["campaigns"]["nodes"]
    newest = nodes[0]["revisions"]["nodes"][0]
    assert (newest["body"]["name"], newest["comment"]) == ("summer", "Renamed from spring")
    assert await db.fetchval(TOLD) == "summer"


async def test_campaigns_are_found_by_their_tags(ask: Ask) -> None:
    spring = (await take(ask, FILE))["campaign"]
    await take(ask, FILE.replace("name = spring", "name = autumn"))
    tagged = (await ask(TAG, {"id": spring["id"], "tags": ["mc", "2026", "mc"]}))["setCampaignTags"]
    assert tagged["tags"] == ["2026", "mc"]
    assert await listed(ask, tag="mc") == ["spring"]
    assert await listed(ask, tag="data") == []
    assert await listed(ask, tag="mc", active=True, owner="anna") == ["spring"]
    assert await listed(ask, tag="mc", active=False) == []
    for wrong in (["x"] * 21, ["x" * 51], [" "], ["a\0"]):
        no = (await ask(TAG, {"id": spring["id"], "tags": wrong}))["setCampaignTags"]
        assert no["__typename"] == "Invalid"


async def test_who_may_not_change_a_campaign_does_not(ask: Ask, counted: Counted) -> None:
    made = (await take(ask, FILE))["campaign"]
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
    made = (await take(ask, FILE.replace("fife", "reco").split("[job_type")[0]))["campaign"]
    hold = 'mutation ($id: ID!) { holdLaunches(reason: "not yet", id: $id) { __typename } }'
    assert (await ask(hold, {"id": made["id"]}))["holdLaunches"]["__typename"] == "LaunchHold"
    asked = {"id": made["id"], "dryRun": True}
    planned = (await ask(DELETE, asked))["deleteCampaign"]
    assert planned == {"__typename": "CampaignDeleted", "id": made["id"], "name": "spring"}
    assert await listed(ask) == ["spring"]
    await ask(DELETE, {**asked, "dryRun": False})
    assert await listed(ask) == []
    after = await counted()
    assert {name for name in after if after[name] != before[name]} == {"change_inbox"}
    gone = (await ask(DELETE, asked))["deleteCampaign"]
    assert gone["__typename"] == "NotFound"


async def test_fact_38_a_campaign_with_submissions_is_not_deleted(
    ask: Ask, counted: Counted
) -> None:
    made = (await ask(SAVE, {"input": campaign(stage("gen", kind="GENERATOR"))}))["saveCampaign"]
    launch = "mutation ($id: ID!) { launchStage(stageId: $id) { __typename } }"
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
        await ask(SAVE, {"input": campaign(stage("a", **given))})
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
