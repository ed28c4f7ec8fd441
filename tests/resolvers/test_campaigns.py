"""Saving campaigns: all of one at once, or nothing; and reading them again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from db.pool import Pool, open_api_pool
from schema.context import AppState, Context
from tests.resolvers.conftest import (
    SAVE,
    ask_with_key,
    build_campaign_input,
    build_stage_input,
    make_cached_schema,
)

Ask = Callable[..., Awaitable[dict[str, Any]]]
Counted = Callable[[], Awaitable[dict[str, int]]]
NASTY = "$(rm -rf /) `id` ; | & > < * ? ! # ' \" \\ %(x)s \n\t é 中"

pytestmark = pytest.mark.usefixtures("configured")


async def save_campaign(ask: Ask, given: dict[str, Any], as_: str = "anna") -> dict[str, Any]:
    """Save a campaign."""
    found: dict[str, Any] = (await ask(SAVE, ask_with_key(given), as_=as_))["saveCampaign"]
    return found


CHAIN = build_campaign_input(
    build_stage_input("gen", kind="GENERATOR", jobsPerSlice=5),
    build_stage_input("reco", split="nfiles(2)"),
    build_stage_input("merge"),
    dependencies=[
        {"upstream": "gen", "downstream": "reco", "patterns": ["*.gen"]},
        {"upstream": "reco", "downstream": "merge"},
        {"upstream": "gen", "downstream": "gen"},
    ],
)


async def test_a_campaign_is_saved_with_its_stages_and_dependencies(ask: Ask) -> None:
    made = await save_campaign(ask, CHAIN)
    assert made["__typename"] == "CampaignSaved"
    found = made["campaign"]
    assert found["revision"] == 1
    assert [s["name"] for s in found["stages"]] == ["gen", "reco", "merge"]
    assert [
        (d["upstream"]["name"], d["downstream"]["name"], d["patterns"])
        for d in found["dependencies"]
    ] == [
        ("gen", "reco", ["*.gen"]),
        ("reco", "merge", []),
        ("gen", "gen", []),
    ]
    assert {c["change"] for c in made["changes"]} == {"ADDED"}


async def test_a_fed_stage_gets_a_dataset_of_its_own(ask: Ask, db: Pool) -> None:
    stages = (await save_campaign(ask, CHAIN))["campaign"]["stages"]
    gen, reco, _ = stages
    assert gen["dataset"] is None
    assert reco["dataset"] == {"name": reco["id"]}
    owner = await db.fetchval(
        "SELECT username FROM dataset d JOIN person p ON p.id = owner_id WHERE d.name = $1",
        reco["id"],
    )
    assert owner == "anna"


async def test_saving_again_changes_what_differs_and_nothing_else(ask: Ask, db: Pool) -> None:
    first = await save_campaign(ask, CHAIN)
    before = await db.fetch("SELECT id, split_seq FROM stage ORDER BY id")
    changed = {
        **CHAIN,
        "stages": [CHAIN["stages"][0], {**CHAIN["stages"][1], "split": "nfiles(7)"}],
    }
    changed["stages"].append(build_stage_input("last", dataset="raw"))
    changed["dependencies"] = CHAIN["dependencies"][:1]
    second = await save_campaign(ask, changed)
    assert [
        (c["stage"], c["change"], c["fields"], c["startsAgain"]) for c in second["changes"]
    ] == [
        ("gen", "UNCHANGED", [], False),
        ("reco", "CHANGED", ["split"], False),
        ("last", "ADDED", [], False),
        ("merge", "DEACTIVATED", [], False),
    ]
    assert second["campaign"]["revision"] == 2
    assert [s["name"] for s in second["campaign"]["stages"]] == ["gen", "reco", "last"]
    assert second["campaign"]["stages"][0]["id"] == first["campaign"]["stages"][0]["id"]
    assert len(second["campaign"]["dependencies"]) == 1
    after = await db.fetch("SELECT id, split_seq FROM stage ORDER BY id LIMIT 3")
    moved = [b["split_seq"] - a["split_seq"] for a, b in zip(before, after, strict=True)]
    assert moved == [0, 1, 0]


async def test_what_a_stage_asks_of_its_batch_system_is_kept(ask: Ask) -> None:
    asked: dict[str, Any] = {
        "requirements": "OpSysMajorVer >= 9",
        "container": "docker://almalinux:9",
    }
    asked["attributes"] = [{"name": "WantGlidein", "value": "true"}]
    given = build_campaign_input(
        build_stage_input("a", dataset="raw", batchSystem="htcondor", batchOptions=asked)
    )
    stage_id = (await save_campaign(ask, given))["campaign"]["stages"][0]["id"]
    query = """query ($id: ID!) { stage(id: $id) { batchOptions {
        requirements attributes { name value } container partition account qos } } }"""
    found = (await ask(query, {"id": stage_id}))["stage"]["batchOptions"]
    assert found == {**asked, "partition": "", "account": "", "qos": ""}
    assert (await save_campaign(ask, given))["changes"][0]["change"] == "UNCHANGED"
    other = await save_campaign(
        ask, build_campaign_input(build_stage_input("a", dataset="raw", batchSystem="htcondor"))
    )
    assert other["changes"][0]["fields"] == ["batchOptions"]


async def test_a_stage_that_comes_back_is_the_same_one(ask: Ask) -> None:
    first = (await save_campaign(ask, build_campaign_input(build_stage_input("a", dataset="raw"))))[
        "campaign"
    ]["stages"][0]
    await save_campaign(ask, build_campaign_input(build_stage_input("b", dataset="raw")))
    back = await save_campaign(
        ask,
        build_campaign_input(
            build_stage_input("a", dataset="raw"), build_stage_input("b", dataset="raw")
        ),
    )
    assert back["campaign"]["stages"][0]["id"] == first["id"]
    assert back["changes"][0]["fields"] == ["active"]
    query = """query ($id: ID!) { campaign(id: $id) { stages(includeInactive: true) { name active } } }"""
    found = await ask(query, {"id": back["campaign"]["id"]})
    assert found["campaign"]["stages"] == [
        {"name": "a", "active": True},
        {"name": "b", "active": True},
    ]


async def test_other_work_starts_the_next_epoch_and_more_of_it_does_not(ask: Ask, db: Pool) -> None:
    made = await save_campaign(
        ask, build_campaign_input(build_stage_input("gen", kind="GENERATOR", jobsPerSlice=5))
    )
    await db.execute("UPDATE stage SET cursor = '3', slices = 3")
    same = await save_campaign(
        ask,
        build_campaign_input(
            build_stage_input("gen", kind="GENERATOR", jobsPerSlice=5, filesPerJob=2)
        ),
    )
    assert not same["changes"][0]["startsAgain"]
    other = await save_campaign(
        ask, build_campaign_input(build_stage_input("gen", kind="GENERATOR", jobsPerSlice=9))
    )
    assert other["changes"][0]["startsAgain"]
    row = await db.fetchrow("SELECT epoch, cursor, test_epoch FROM stage")
    assert made["campaign"]["stages"][0]["epoch"] == 1
    assert row is not None
    assert tuple(row) == (2, 0, -2)


async def test_each_save_is_a_revision_that_stays(ask: Ask) -> None:
    made = await save_campaign(
        ask,
        build_campaign_input(
            build_stage_input("a", dataset="raw"), comment=NASTY, description="one"
        ),
    )
    await save_campaign(
        ask, build_campaign_input(build_stage_input("b", dataset="raw"), description="two")
    )
    query = """query ($id: ID!, $first: Int, $after: String, $last: Int) { campaign(id: $id) {
        revisions(first: $first, after: $after, last: $last) {
          nodes { id number body comment author { username } } pageInfo { hasNextPage endCursor } } } }"""
    id_ = made["campaign"]["id"]
    page = (await ask(query, {"id": id_, "first": 1}))["campaign"]["revisions"]
    assert [n["number"] for n in page["nodes"]] == [2]
    assert page["nodes"][0]["body"]["description"] == "two"
    more = {"id": id_, "first": 5, "after": page["pageInfo"]["endCursor"]}
    (rest,) = (await ask(query, more))["campaign"]["revisions"]["nodes"]
    assert (rest["number"], rest["comment"], rest["author"]) == (1, NASTY, {"username": "anna"})
    assert rest["body"]["stages"][0]["name"] == "a"
    (oldest,) = (await ask(query, {"id": id_, "last": 1}))["campaign"]["revisions"]["nodes"]
    assert oldest["number"] == 1
    again = "query ($id: ID!) { node(id: $id) { ... on Revision { number comment } } }"
    found = await ask(again, {"id": oldest["id"]})
    assert found["node"] == {"number": 1, "comment": NASTY}
    assert (await ask(again, {"id": oldest["id"]}, as_="otto"))["node"] is None
    for wrong in (f"{oldest['id']}9", "revision:1", "revision:x.1", f"revision:1.{2**40}"):
        assert (await ask(again, {"id": wrong}))["node"] is None


async def test_a_dry_run_says_the_same_and_saves_nothing(ask: Ask, counted: Counted) -> None:
    before = await counted()
    planned = await save_campaign(ask, {**CHAIN, "dryRun": True})
    assert await counted() == before
    assert planned["__typename"] == "CampaignPlanned"
    assert planned["revision"] == 1
    assert (await save_campaign(ask, CHAIN))["changes"] == planned["changes"]
    again = await save_campaign(ask, {**CHAIN, "dryRun": True})
    assert again["revision"] == 2
    assert {c["change"] for c in again["changes"]} == {"UNCHANGED"}


async def test_a_save_is_told_with_its_revision(ask: Ask, db: Pool, hypot: int) -> None:
    await db.execute("DELETE FROM change_inbox")
    made = await save_campaign(ask, CHAIN)
    rows = await db.fetch(
        "SELECT experiment_id, campaign_id, kind, body ->> 'revision' AS n FROM change_inbox"
    )
    number = int(made["campaign"]["id"].removeprefix("campaign:"))
    assert [tuple(row) for row in rows] == [(hypot, number, "campaign.saved", "1")]


async def test_free_text_is_kept_as_it_was_written(ask: Ask, db: Pool) -> None:
    given = build_campaign_input(
        build_stage_input(
            "$(reboot) `a`; b | c",
            dataset="raw",
            parameters=[{"key": f"--x {NASTY}", "value": NASTY}],
            softwareVersion="v1; rm",
        ),
        description=NASTY,
        defaults={"keywords": [{"key": "word", "value": NASTY}]},
    )
    made = await save_campaign(ask, given)
    assert made["campaign"]["stages"][0]["name"] == "$(reboot) `a`; b | c"
    row = await db.fetchrow(
        "SELECT c.description, c.defaults, s.parameters FROM campaign c, stage s"
    )
    assert row is not None
    assert row["description"] == NASTY
    assert row["defaults"]["keywords"] == {"word": NASTY}
    assert row["parameters"] == [[f"--x {NASTY}", NASTY]]


WRONG: dict[str, tuple[dict[str, Any], set[str]]] = {
    "unknown names": (
        build_campaign_input(
            build_stage_input("a", jobType="none", loginSetup="none", dataset="none")
        ),
        {"stages[0].jobType", "stages[0].loginSetup", "stages[0].dataset"},
    ),
    "doubled and empty names": (
        build_campaign_input(
            build_stage_input("a", dataset="raw"),
            build_stage_input("a", dataset="raw"),
            build_stage_input("", dataset="raw"),
        ),
        {"stages[1].name", "stages[2].name"},
    ),
    "numbers out of range": (
        build_campaign_input(
            build_stage_input(
                "a", dataset="raw", completionPct=101, filesPerJob=0, mostUnfinished=0
            )
        ),
        {"stages[0].completionPct", "stages[0].filesPerJob", "stages[0].mostUnfinished"},
    ),
    "a split that can't be read": (
        build_campaign_input(
            build_stage_input("a", dataset="raw", split="nfiles(", testSplit="nothing(1)")
        ),
        {"stages[0].split", "stages[0].testSplit"},
    ),
    "no work": (
        build_campaign_input(
            build_stage_input("a", split="nfiles(1)"),
            dependencies=[{"upstream": "a", "downstream": "a"}],
        ),
        {"stages[0].split"},
    ),
    "no combinations": (
        build_campaign_input(build_stage_input("a", kind="GENERATOR", split="multiparam")),
        {"stages[0].parameterLists"},
    ),
    "a recovery and resources that don't exist": (
        build_campaign_input(
            build_stage_input(
                "a", dataset="raw", recoveries=[{"type": "none"}], resources={"cpus": 0}
            )
        ),
        {"stages[0].recoveries", "stages[0].resources.cpus"},
    ),
    "an unknown upstream and no glob": (
        build_campaign_input(
            build_stage_input("a"),
            dependencies=[{"upstream": "z", "downstream": "a", "patterns": ["a/b", "[x"]}],
        ),
        {"dependencies[0].upstream", "dependencies[0].patterns[0]", "dependencies[0].patterns[1]"},
    ),
    "a dataset beside what comes from upstream": (
        build_campaign_input(
            build_stage_input("a", dataset="raw"),
            build_stage_input("b", dataset="raw"),
            dependencies=[{"upstream": "a", "downstream": "b"}],
        ),
        {"stages[1].dataset"},
    ),
    "no stages and a name with control characters": (
        build_campaign_input(name="a\u0007b"),
        {"name", "stages"},
    ),
    "NUL in a text": (
        build_campaign_input(build_stage_input("a", dataset="raw"), description="a\0b"),
        {"description"},
    ),
    "NUL in the names": (
        build_campaign_input(build_stage_input("a\0", dataset="raw\0", jobType="\0"), name="m\0c"),
        {"name", "stages[0].name", "stages[0].jobType", "stages[0].dataset"},
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_everything_wrong_is_said_at_once_and_nothing_is_saved(
    ask: Ask, counted: Counted, case: str
) -> None:
    given, paths = WRONG[case]
    before = await counted()
    found = await save_campaign(ask, given)
    assert found["__typename"] == "InvalidCampaign"
    assert {finding["path"] for finding in found["findings"]} == paths
    dry = await save_campaign(ask, {**given, "dryRun": True})
    assert dry["findings"] == found["findings"]
    assert await counted() == before


@pytest.mark.parametrize(
    ("change", "problem", "field"),
    [
        (
            {"stages": [build_stage_input(f"s{n}", dataset="raw") for n in range(201)]},
            "TooMany",
            "stages",
        ),
        (
            {"dependencies": [{"upstream": "a", "downstream": "a"}] * 1001},
            "TooMany",
            "dependencies",
        ),
        ({"comment": "x" * 1001}, "Invalid", "comment"),
    ],
)
async def test_what_is_too_much_is_refused(
    ask: Ask, counted: Counted, change: dict[str, Any], problem: str, field: str
) -> None:
    before = await counted()
    found = await save_campaign(
        ask, {**build_campaign_input(build_stage_input("a", dataset="raw")), **change}
    )
    assert (found["__typename"], found["field"]) == (problem, field)
    assert await counted() == before


@pytest.mark.parametrize(
    ("as_", "experiment", "problem"),
    [
        ("otto", "hypot", "NotFound"),
        ("anna", "other", "NotFound"),
        ("anna", "nowhere", "NotFound"),
        ("alan", "hypot", "NotPermitted"),
        ("sam", "hypot", "NotPermitted"),
        ("sue", "hypot", "CampaignSaved"),
        ("ada", "hypot", "CampaignSaved"),
    ],
)
async def test_who_may_save_somebody_elses_campaign(
    ask: Ask, as_: str, experiment: str, problem: str
) -> None:
    await save_campaign(ask, CHAIN)
    found = await save_campaign(ask, {**CHAIN, "experiment": experiment}, as_=as_)
    assert found["__typename"] == problem


async def test_what_another_experiment_has_is_not_there(ask: Ask, counted: Counted) -> None:
    before = await counted()
    given = {**build_campaign_input(build_stage_input("a", dataset="raw")), "experiment": "other"}
    found = await save_campaign(ask, given, as_="otto")
    assert {f["path"] for f in found["findings"]} == {
        "stages[0].jobType",
        "stages[0].loginSetup",
        "stages[0].dataset",
    }
    assert await counted() == before


async def test_a_save_on_an_old_revision_is_refused(ask: Ask, counted: Counted) -> None:
    assert (await save_campaign(ask, {**CHAIN, "expectedRevision": 0}))["campaign"]["revision"] == 1
    before = await counted()
    for wrong in (0, 2):
        found = await save_campaign(ask, {**CHAIN, "expectedRevision": wrong})
        assert (found["__typename"], found["current"]) == ("StaleRevision", 1)
    assert await counted() == before


async def test_the_same_key_saves_once_whoever_is_first(ask: Ask, db: Pool) -> None:
    given = {**CHAIN, "idempotencyKey": "once"}
    found = await asyncio.gather(*(save_campaign(ask, given) for _ in range(4)))
    assert {f["campaign"]["revision"] for f in found} == {1}
    assert [len(f["changes"]) for f in found] == [3, 3, 3, 3]
    other = await save_campaign(ask, {**given, "description": "another"})
    assert other["__typename"] == "IdempotencyKeyReused"
    assert await db.fetchval("SELECT count(*) FROM campaign_revision") == 1


async def test_a_refused_save_leaves_its_key_free(ask: Ask) -> None:
    bad = {**build_campaign_input(build_stage_input("a", dataset="none")), "idempotencyKey": "k"}
    assert (await save_campaign(ask, bad))["__typename"] == "InvalidCampaign"
    good = {**build_campaign_input(build_stage_input("a", dataset="raw")), "idempotencyKey": "k"}
    assert (await save_campaign(ask, good))["__typename"] == "CampaignSaved"


async def test_saves_at_once_come_one_after_the_other(ask: Ask, db: Pool) -> None:
    found = await asyncio.gather(
        *(
            save_campaign(ask, build_campaign_input(build_stage_input(f"s{n}", dataset="raw")))
            for n in range(5)
        )
    )
    assert len({f["campaign"]["id"] for f in found}) == 1
    kept = await db.fetch("SELECT number, body FROM campaign_revision ORDER BY number")
    assert [row["number"] for row in kept] == [1, 2, 3, 4, 5]
    assert {s["name"] for row in kept for s in row["body"]["stages"]} == {f"s{n}" for n in range(5)}


async def test_a_campaign_as_large_as_may_be_is_saved_and_read(ask: Ask) -> None:
    stages = [
        build_stage_input("s0", dataset="raw"),
        *(build_stage_input(f"s{n}") for n in range(1, 200)),
    ]
    edges = [{"upstream": f"s{n}", "downstream": f"s{n + 1}"} for n in range(199)]
    made = await save_campaign(ask, build_campaign_input(*stages, dependencies=edges))
    assert len(made["campaign"]["stages"]) == 200
    assert len(made["campaign"]["dependencies"]) == 199
    assert len({s["dataset"]["name"] for s in made["campaign"]["stages"]}) == 200


async def test_a_save_does_not_get_in_the_way_of_a_launch(ask: Ask, db: Pool) -> None:
    await save_campaign(ask, build_campaign_input(build_stage_input("a", dataset="raw")))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with db.acquire() as launch, launch.transaction():
        await launch.execute("UPDATE stage SET split_seq = split_seq + 1")
        saving = asyncio.create_task(
            save_campaign(
                ask, build_campaign_input(build_stage_input("a", dataset="raw", split="nfiles(2)"))
            )
        )
        async with asyncio.timeout(20):
            while not await db.fetchval(waiting):
                await asyncio.sleep(0.01)
        # What inserting a submission does; a deadlock, if the save kept the campaign from being referred to.
        await launch.execute("SELECT FROM campaign FOR KEY SHARE")
        await launch.execute("SELECT FROM dataset FOR KEY SHARE")
    assert (await saving)["campaign"]["revision"] == 2


LIST = """
    query ($filter: CampaignFilter, $orderBy: CampaignOrder!, $first: Int, $after: String, $last: Int,
           $before: String) {
      campaigns(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
        nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
"""


@pytest.mark.parametrize(
    ("order", "names"),
    [("NAME", "abcde"), ("NEWEST", "edcba"), ("OLDEST", "abcde"), ("RECENTLY_SAVED", "edcba")],
)
async def test_campaigns_are_read_in_pages_both_ways(ask: Ask, order: str, names: str) -> None:
    for name in "abcde":
        await save_campaign(
            ask, {**build_campaign_input(build_stage_input("s", dataset="raw")), "name": name}
        )
    found, after = "", None
    for _ in range(3):
        given = {"orderBy": order, "first": 2, "after": after}
        page = (await ask(LIST, given))["campaigns"]
        found += "".join(node["name"] for node in page["nodes"])
        after = page["pageInfo"]["endCursor"]
    assert found == names
    assert not page["pageInfo"]["hasNextPage"]
    back = {"orderBy": order, "last": 2, "before": page["pageInfo"]["startCursor"]}
    page = (await ask(LIST, back))["campaigns"]
    assert "".join(node["name"] for node in page["nodes"]) == names[2:4]


async def test_campaigns_are_filtered(ask: Ask) -> None:
    for name in ("MC_1", "mc_2", "reco%"):
        await save_campaign(
            ask, {**build_campaign_input(build_stage_input("s", dataset="raw")), "name": name}
        )

    async def names(as_: str = "anna", **wanted: Any) -> list[str]:
        page = await ask(LIST, {"orderBy": "NAME", "filter": wanted}, as_=as_)
        return [node["name"] for node in page["campaigns"]["nodes"]]

    assert await names(nameContains="mc") == ["MC_1", "mc_2"]
    assert await names(nameContains="%") == ["reco%"]
    assert await names(owner="anna", active=True, experiment="hypot") == ["MC_1", "mc_2", "reco%"]
    assert await names(owner="sam") == []
    assert await names(active=False) == []
    assert await names(experiment="other") == []
    assert await names(as_="otto") == []
    assert len(await names(as_="ada")) == 3


@pytest.mark.parametrize(
    "after", ["x", "W10", "WzEsMl0", "WyJhIiwieCJd", "WyJhIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTld"]
)
async def test_a_made_up_cursor_is_bad_input(ask: Ask, after: str) -> None:
    for order in ("NAME", "NEWEST"):
        found = await ask(LIST, {"orderBy": order, "after": after}, errors=True)
        assert found["errors"][0]["extensions"]["code"] == "BAD_INPUT"


ACTIVE = """
    mutation ($id: ID!, $active: Boolean!) { setCampaignActive(id: $id, active: $active) {
      __typename ... on Campaign { active availableActions stages { availableActions } } } }
"""


async def test_actions_are_those_of_the_viewer_now(ask: Ask) -> None:
    id_ = (await save_campaign(ask, build_campaign_input(build_stage_input("s", dataset="raw"))))[
        "campaign"
    ]["id"]
    query = (
        "query ($id: ID!) { campaign(id: $id) { availableActions stages { availableActions } } }"
    )

    async def seen(as_: str) -> tuple[list[str], list[str]]:
        found = (await ask(query, {"id": id_}, as_=as_))["campaign"]
        return found["availableActions"], found["stages"][0]["availableActions"]

    operate = ["LAUNCH", "TEST_LAUNCH", "HOLD_LAUNCHES"]
    modify = ["RENAME", "TAG", "HOLD_LAUNCHES"]
    assert await seen("anna") == (["CHANGE", "DEACTIVATE", *modify], [*operate, "CHANGE"])
    assert await seen("sam") == (["HOLD_LAUNCHES"], operate)
    assert await seen("alan") == ([], [])
    off = (await ask(ACTIVE, {"id": id_, "active": False}))["setCampaignActive"]
    assert off["active"] is False
    assert off["availableActions"] == ["CHANGE", "ACTIVATE", *modify]
    assert off["stages"][0]["availableActions"] == ["HOLD_LAUNCHES", "CHANGE"]


async def test_only_those_who_may_change_it_let_a_campaign_launch(ask: Ask, db: Pool) -> None:
    id_ = (await save_campaign(ask, build_campaign_input(build_stage_input("s", dataset="raw"))))[
        "campaign"
    ]["id"]
    for as_, problem in (("sam", "NotPermitted"), ("otto", "NotFound")):
        found = await ask(ACTIVE, {"id": id_, "active": False}, as_=as_)
        assert found["setCampaignActive"]["__typename"] == problem
    for wrong in ("campaign:99", "stage:1", "x", "campaign:-1", "campaign:٣"):
        found = await ask(ACTIVE, {"id": wrong, "active": False})
        assert found["setCampaignActive"]["__typename"] == "NotFound"
    assert await db.fetchval("SELECT active FROM campaign")


async def test_what_others_have_is_not_there(ask: Ask) -> None:
    found = (await save_campaign(ask, CHAIN))["campaign"]
    ids = [found["id"], found["stages"][0]["id"], found["dependencies"][0]["id"]]
    query = "query ($id: ID!) { node(id: $id) { id } }"
    for id_ in ids:
        assert (await ask(query, {"id": id_}))["node"] == {"id": id_}
        assert (await ask(query, {"id": id_}, as_="otto"))["node"] is None
    one = "query ($id: ID!) { campaign(id: $id) { id } stage(id: $id) { id } }"
    assert await ask(one, {"id": ids[0]}, as_="otto") == {"campaign": None, "stage": None}


async def test_a_list_of_campaigns_costs_a_few_statements(
    ask: Ask, app_state: AppState, context: Callable[[str], Awaitable[Context]], api_url: str
) -> None:
    for n in range(4):
        await save_campaign(ask, {**CHAIN, "name": f"c{n}"})
    query = """{ campaigns(first: 10) { nodes { name owner { username } experiment { name }
        stages { name jobType { name } loginSetup { name launchHost { name } } dataset { name } }
        dependencies { upstream { name } downstream { name } } } } }"""
    anna, said = await context("anna"), []
    db = await open_api_pool(api_url, most=1)
    async with db.everything.acquire() as conn:
        conn.add_query_logger(lambda record: said.append(record.query))
    found = await make_cached_schema().execute(
        query, None, Context(replace(app_state, db=db), anna.viewer)
    )
    await db.close()
    assert found.data is not None
    assert len(found.data["campaigns"]["nodes"]) == 4
    asked = [statement for statement in said if "SELECT" in statement and "FROM" in statement]
    assert 5 <= len(asked) <= 14, asked
