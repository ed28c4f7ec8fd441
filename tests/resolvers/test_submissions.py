"""Launching, reading and steering submissions, as a client does it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from redis.asyncio import Redis

from db.pool import Pool
from db.submissions import output_files
from schema.submissions import plain_submissions
from tests.resolvers.submission_factory import SubmissionFactory

Ask = Callable[..., Awaitable[dict[str, Any]]]

LAUNCH = """
    mutation ($stage: ID!, $test: Boolean! = false, $key: String, $busy: IfBusy! = QUEUE) {
      launchStage(input: {id: $stage, isTest: $test, ifBusy: $busy}, idempotencyKey: $key) {
        __typename
        ... on Submission { id state isTest jobsTotal filesTotal slice { number low high epoch } }
        ... on Problem { message }
      }
    }
"""
LAUNCH_CAMPAIGN = """
    mutation ($id: ID!, $key: String) {
      launchCampaign(input: {id: $id}, idempotencyKey: $key) {
        __typename
        ... on CampaignLaunched {
          launches { stageId submission { id } problem { __typename message } }
        }
        ... on Problem { message }
      }
    }
"""
STEER = """
    mutation ($id: ID!, $reason: String!) {
      %s(id: $id, reason: $reason) {
        __typename
        ... on Submission { id state reason actions { verb reason doneAt by { username } } }
        ... on Problem { message }
        ... on NotPossibleNow { state }
        ... on Invalid { field }
      }
    }
"""
WHOLE = """
    query ($id: ID!) {
      submission(id: $id) {
        id state jobsTotal jobsIdle filesTotal filesWaiting cpuEfficiency memoryEfficiency wallWastedS
        configuration availableActions isTest batchSystem
        experiment { name } campaign { name } stage { name } createdBy { username }
        slice { low high number }
        origin { id } upstream { id } recoveries { id } dependents { id } launchAttempts { mark }
        jobs(first: 2) { nodes { id number state attempts { attempt } inputs { nodes { fileId } } }
                         pageInfo { hasNextPage endCursor } }
        inputs { nodes { fileId jobId delivery outcome file { name } } }
        outputs { nodes { name missing state } }
        history { nodes { kind reason actor { username } ... on SubmissionChange { state jobsTotal } } }
      }
    }
"""
LIST = """
    query ($filter: SubmissionsFilter, $order: SubmissionOrder! = NEWEST, $first: Int, $after: String,
           $last: Int, $before: String) {
      submissions(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
"""


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def launch_stage(ask: Ask, stage_id: int, **more: Any) -> dict[str, Any]:
    as_ = more.pop("as_", "anna")
    found: dict[str, Any] = (await ask(LAUNCH, {"stage": f"stage:{stage_id}", **more}, as_))[
        "launchStage"
    ]
    return found


async def test_a_launched_stage_shows_its_submission(
    ask: Ask, work: SubmissionFactory, redis: Redis
) -> None:
    found = await launch_stage(ask, work.reco)
    assert found["__typename"] == "Submission"
    assert found["state"] == "NEW"
    assert found["slice"] == {"number": 1, "low": 0, "high": 4, "epoch": 1}
    assert (found["jobsTotal"], found["filesTotal"]) == (4, 4)
    number = found["id"].partition(":")[2]
    assert await redis.exists(f"arq:job:launch:{number}:1")


async def test_everything_of_a_submission_can_be_read(ask: Ask, work: SubmissionFactory) -> None:
    made = await launch_stage(ask, work.reco)
    found = (await ask(WHOLE, {"id": made["id"]}))["submission"]
    assert found["campaign"] == {"name": "toy"}
    assert found["stage"] == {"name": "reco"}
    assert found["experiment"] == {"name": "hypot"}
    assert found["createdBy"] == {"username": "anna"}
    assert found["availableActions"] == ["CANCEL"]
    assert found["configuration"]["command"] == ["true"]
    assert [job["number"] for job in found["jobs"]["nodes"]] == [1, 2]
    assert found["jobs"]["pageInfo"]["hasNextPage"]
    assert [one["delivery"] for one in found["inputs"]["nodes"]] == ["WAITING"] * 4
    assert found["inputs"]["nodes"][0]["file"]["name"] == "f000000"
    assert found["history"]["nodes"] == [
        {
            "kind": "SUBMISSION_NEW",
            "reason": "",
            "actor": {"username": "anna"},
            "state": "NEW",
            "jobsTotal": 4,
        }
    ]
    job = found["jobs"]["nodes"][0]["id"]
    again = await ask(
        "query ($a: ID!, $b: ID!) { a: node(id: $a) { id __typename } b: node(id: $b) { __typename } }",
        {"a": job, "b": made["id"]},
    )
    assert again == {"a": {"id": job, "__typename": "Job"}, "b": {"__typename": "Submission"}}


async def test_slices_follow_each_other_until_there_are_none(
    ask: Ask, work: SubmissionFactory
) -> None:
    ranges = []
    while (found := await launch_stage(ask, work.reco))["__typename"] == "Submission":
        ranges.append((found["slice"]["low"], found["slice"]["high"]))
    assert ranges == [(0, 4), (4, 8), (8, 10)]
    assert found["__typename"] == "NothingToLaunch"


async def test_a_test_launch_leaves_the_cursor_alone(ask: Ask, work: SubmissionFactory) -> None:
    found = await launch_stage(ask, work.reco, test=True)
    assert found["isTest"]
    assert found["slice"]["epoch"] < 0
    assert (await launch_stage(ask, work.reco))["slice"]["low"] == 0


async def test_one_idempotency_key_launches_once(ask: Ask, work: SubmissionFactory) -> None:
    first, second = await asyncio.gather(
        launch_stage(ask, work.reco, key="k"), launch_stage(ask, work.reco, key="k")
    )
    assert first == second
    assert (await launch_stage(ask, work.gen, key="k"))["__typename"] == "IdempotencyKeyReused"
    assert (await launch_stage(ask, work.reco, key="k2"))["slice"]["low"] == 4


async def test_a_refused_launch_leaves_its_key_free(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    await db.execute("UPDATE stage SET active = false")
    assert (await launch_stage(ask, work.reco, key="k"))["__typename"] == "StageInactive"
    await db.execute("UPDATE stage SET active = true")
    assert (await launch_stage(ask, work.reco, key="k"))["__typename"] == "Submission"


async def test_why_a_stage_is_not_launched_is_a_problem_of_its_own(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    empty = await work.plant.dataset("empty")
    poor = await work.plant.stage("poor", ["true"], dataset_id=empty)
    assert (await launch_stage(ask, poor))["__typename"] == "DatasetWithoutFiles"
    wrong = await work.plant.stage("wrong", ["true", "%(nothing)s"], kind="generator")
    assert (await launch_stage(ask, wrong))["__typename"] == "NotLaunchable"
    await db.execute("UPDATE stage SET most_unfinished = 1")
    await launch_stage(ask, work.reco)
    assert (await launch_stage(ask, work.reco, busy="REFUSE"))["__typename"] == "StageBusy"
    assert (await ask(LAUNCH, {"stage": "stage:0"}))["launchStage"]["__typename"] == "NotFound"
    assert (await ask(LAUNCH, {"stage": "nonsense"}))["launchStage"]["__typename"] == "NotFound"


async def test_many_launches_at_once_take_each_slice_once(
    ask: Ask, work: SubmissionFactory
) -> None:
    found = await asyncio.gather(*(launch_stage(ask, work.reco) for _ in range(8)))
    lows = sorted(one["slice"]["low"] for one in found if one["__typename"] == "Submission")
    assert lows == [0, 4, 8]


async def test_of_twenty_launches_of_a_one_at_a_time_stage_nineteen_get_a_typed_problem(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    await db.execute("UPDATE stage SET most_unfinished = 1")
    found = await asyncio.gather(*(launch_stage(ask, work.reco, busy="REFUSE") for _ in range(20)))
    names = sorted(one["__typename"] for one in found)
    assert names == ["StageBusy"] * 19 + ["Submission"]
    assert await db.fetchval("SELECT count(*) FROM submission") == 1


async def test_a_campaign_is_launched_where_it_begins(ask: Ask, work: SubmissionFactory) -> None:
    id = {"id": f"campaign:{work.plant.campaign_id}", "key": "once"}
    found = (await ask(LAUNCH_CAMPAIGN, id))["launchCampaign"]
    assert [launch["stageId"] for launch in found["launches"]] == [f"stage:{work.gen}"]
    assert (await ask(LAUNCH_CAMPAIGN, id))["launchCampaign"] == found


async def test_a_campaign_without_a_beginning_is_not_launched(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    await work.plant.edge(work.reco, work.gen, [])
    id = {"id": f"campaign:{work.plant.campaign_id}"}
    found = (await ask(LAUNCH_CAMPAIGN, id))["launchCampaign"]
    assert found["__typename"] == "NothingToLaunch"


@pytest.mark.parametrize(
    ("mutation", "state", "held", "verb"),
    [
        ("cancelSubmission", "new", 0, "REMOVE"),
        ("cancelSubmission", "running", 0, "REMOVE"),
        ("holdSubmission", "idle", 0, "HOLD"),
        ("releaseSubmission", "held", 1, "RELEASE"),
    ],
)
async def test_what_is_asked_of_jobs_is_written_down_for_a_worker(
    ask: Ask, work: SubmissionFactory, mutation: str, state: str, held: int, verb: str
) -> None:
    row = await work.submission(work.reco, state, jobs_idle=4 - held, jobs_held=held)
    given = {"id": f"submission:{row.id}", "reason": "because"}
    found = (await ask(STEER % mutation, given))[mutation]
    assert found["actions"] == [
        {"verb": verb, "reason": "because", "doneAt": None, "by": {"username": "anna"}}
    ]


@pytest.mark.parametrize("state", ["completed", "failed", "launch_failed"])
async def test_a_kick_makes_a_submission_located(
    ask: Ask, work: SubmissionFactory, db: Pool, state: str
) -> None:
    row = await work.submission(work.reco, state)
    given = {"id": f"submission:{row.id}", "reason": "good enough"}
    found = (await ask(STEER % "kickSubmission", given))["kickSubmission"]
    assert (found["state"], found["reason"]) == ("LOCATED", "good enough")
    kicked = await db.fetchrow("SELECT kicked_by, check_at <= now() AS due FROM submission")
    assert kicked is not None
    assert kicked["kicked_by"]
    assert kicked["due"]


@pytest.mark.parametrize(
    ("mutation", "state", "reason", "problem"),
    [
        ("cancelSubmission", "located", "why", "NotPossibleNow"),
        ("holdSubmission", "new", "why", "NotPossibleNow"),
        ("releaseSubmission", "running", "why", "NotPossibleNow"),
        ("kickSubmission", "running", "why", "NotPossibleNow"),
        ("cancelSubmission", "running", "  ", "Invalid"),
        ("cancelSubmission", "running", "x" * 1001, "Invalid"),
    ],
)
async def test_what_has_no_point_or_no_reason_is_refused(
    ask: Ask, work: SubmissionFactory, mutation: str, state: str, reason: str, problem: str
) -> None:
    row = await work.submission(work.reco, state)
    given = {"id": f"submission:{row.id}", "reason": reason}
    found = (await ask(STEER % mutation, given))[mutation]
    assert found["__typename"] == problem
    assert not (await ask(WHOLE.replace("history", "actions { verb } history"), given | {}))[
        "submission"
    ]["actions"]


async def test_submissions_are_listed_page_by_page_both_ways(
    ask: Ask, work: SubmissionFactory
) -> None:
    made = [f"submission:{(await work.submission(work.gen)).id}" for _ in range(5)]

    async def walk(**more: Any) -> list[list[str]]:
        pages, after = [], None
        while True:
            found = (await ask(LIST, {"first": 2, "after": after, **more}))["submissions"]
            pages.append([node["id"] for node in found["nodes"]])
            after = found["pageInfo"]["endCursor"]
            if not found["pageInfo"]["hasNextPage"]:
                return pages

    assert await walk(order="OLDEST") == [made[:2], made[2:4], made[4:]]
    assert list(chain(*await walk())) == made[::-1]
    assert list(chain(*await walk(filter={"stageId": f"stage:{work.gen}"}))) == made[::-1]
    back = (await ask(LIST, {"last": 2}))["submissions"]
    assert [node["id"] for node in back["nodes"]] == [made[1], made[0]]
    assert back["pageInfo"]["hasPreviousPage"]


async def test_a_filter_narrows_the_list(ask: Ask, work: SubmissionFactory) -> None:
    new = await work.submission(work.reco)
    failed = await work.submission(work.gen, "failed", is_test=True)

    async def listed(**given: Any) -> list[int]:
        found = (await ask(LIST, {"filter": given}))["submissions"]["nodes"]
        return [int(node["id"].partition(":")[2]) for node in found]

    assert await listed(states=["FAILED"]) == [failed.id]
    assert await listed(isTest=False) == [new.id]
    assert await listed(stageId=f"stage:{work.reco}") == [new.id]
    assert await listed(campaignId=f"campaign:{work.plant.campaign_id}") == [failed.id, new.id]
    assert await listed(experiment="hypot") == [failed.id, new.id]
    assert await listed(experiment="other") == []
    assert await listed(experiment="nowhere") == []
    assert await listed(stageId="campaign:1") == []
    assert await listed(createdBy=f"person:{work.plant.person_id}") == [failed.id, new.id]
    assert await listed(since="2199-01-01T00:00:00Z") == []


async def test_fact_40_differs_on_purpose_nothing_is_left_out_but_what_somebody_asks_to(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    """POMS shows one day, or as many as are asked for, and reckons them anew from two ends that are given."""
    made = [await work.submission(work.reco) for _ in range(3)]
    launched = "UPDATE submission SET created_at = $2 WHERE id = $1"
    for one, day in zip(made, ((2020, 1, 1), (2026, 1, 1), (2026, 1, 3)), strict=True):
        await db.execute(launched, one.id, datetime(*day, tzinfo=UTC))

    async def listed(**given: Any) -> list[int]:
        found = (await ask(LIST, {"filter": given}))["submissions"]["nodes"]
        return [
            made.index(one)
            for node in found
            for one in made
            if node["id"] == f"submission:{one.id}"
        ]

    assert await listed() == [2, 1, 0]
    assert await listed(since="2026-01-01T00:00:00Z") == [2, 1]
    assert await listed(since="2026-01-01T00:00:00Z", until="2026-01-03T00:00:00Z") == [1]
    assert await listed(until="2026-01-03T00:00:00Z") == [1, 0]


async def test_a_cursor_that_nobody_gave_is_an_error_and_no_bug(
    ask: Ask, work: SubmissionFactory
) -> None:
    for after in ("nonsense", "WyJ4Il0", "WzFd" * 40, "WzEuNV0"):
        found = await ask(LIST, {"after": after}, errors=True)
        assert found["errors"][0]["extensions"]["code"] == "BAD_INPUT"


EVERY_PLAIN_FIELD = " ".join(sorted(plain_submissions.COLUMNS.keys() - {"configuration"}))


async def test_a_page_of_plain_fields_says_the_same_as_one_of_whole_submissions(
    ask: Ask, work: SubmissionFactory
) -> None:
    for _ in range(3):
        await launch_stage(ask, work.reco)
    page = (
        "query ($yes: Boolean!) { submissions(first: 2) { %s pageInfo { endCursor hasNextPage } } }"
    )
    fragment = (
        "fragment F on Submission { again: state ... on Node { id } reason @include(if: $yes) }"
    )
    plain = f"nodes {{ {EVERY_PLAIN_FIELD} }} edges {{ cursor node {{ ...F }} }}"
    whole = plain.replace("nodes {", "nodes { stage { id }")
    few = (await ask(f"{page % plain} {fragment}", {"yes": True}))["submissions"]
    all_ = (await ask(f"{page % whole} {fragment}", {"yes": True}))["submissions"]
    for node in all_["nodes"]:
        assert node.pop("stage") == {"id": f"stage:{work.reco}"}
    assert few == all_
    assert len(few["nodes"]) == 2


REFUSED = """
    query ($id: ID!) {
      submission(id: $id) {
        reason outputsDeclared outputsLocated outputsRefused
        outputs(states: [REFUSED]) { nodes { name jobId state missing fileId } }
      }
    }
"""
DECLARED = """
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state)
    SELECT $1, n, 1, 'same.root', '/store/' || n, 3, 'sha256:' || c, 'declared'
      FROM unnest('{1,2,3}'::int[], '{a,a,b}'::text[]) AS x (n, c)
"""


async def test_an_output_whose_name_another_file_has_is_refused_and_says_whose_it_is(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    row = await work.submission(work.gen, "completed", outputs_declared=3)
    await db.execute(DECLARED, row.id)
    found = await output_files.list_declared(db, row.id, (0, ""), 10)
    keys = [(output.number, output.name) for output in found]
    async with db.acquire() as conn, conn.transaction():
        assert await output_files.locate_outputs(conn, row.id, keys) == 2
        (conflict,) = await output_files.list_conflicts(conn, row.id, found)
        assert (conflict.number, conflict.maker_id, conflict.maker_number) == (3, row.id, 1)
        await output_files.refuse_outputs(conn, row.id, [(conflict, "somebody's")])
        await output_files.refuse_outputs(conn, row.id, [])
    shown = (await ask(REFUSED, {"id": f"submission:{row.id}"}))["submission"]
    assert shown["reason"] == "same.root of job 3 was refused: somebody's"
    counted = ("outputsDeclared", "outputsLocated", "outputsRefused")
    assert [int(shown[name]) for name in counted] == [0, 2, 1]
    assert shown["outputs"]["nodes"] == [
        {
            **{"name": "same.root", "jobId": f"job:{row.id}.3", "state": "REFUSED"},
            **{"missing": "somebody's", "fileId": None},
        }
    ]
    assert await db.fetchval("SELECT location FROM file WHERE name = 'same.root'") == "/store/1"
