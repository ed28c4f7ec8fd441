"""Default deny, over the whole schema: no root field tells or changes anything for who has no part in it.

Each root field is asked with arguments made from its types, where every id and name is one that exists.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLUnionType,
    Undefined,
    get_named_type,
)
from redis.asyncio import Redis

from db.pool import Pool
from door.limits import OperationLimits
from resolvers.roots import make_schema
from schema.context import AppState, Context
from tests.resolvers.submission_factory import SubmissionFactory

Make = Callable[[str], Awaitable[Context]]
Counted = Callable[[], Awaitable[dict[str, int]]]

SERVED = make_schema(OperationLimits(aliases=10_000, fields=10_000, nodes=10**9))
SCHEMA = SERVED._schema
assert SCHEMA.query_type
assert SCHEMA.mutation_type
assert SCHEMA.subscription_type
ROOTS = {
    "query": SCHEMA.query_type,
    "mutation": SCHEMA.mutation_type,
    "subscription": SCHEMA.subscription_type,
}
SECRETS = ("hypot", "toy", "reco", "f000000", "anna", "topsecret")
"""What stands in the rows of experiment `hypot` and nowhere in the questions of a stranger."""


DISCREPANCY = """
    INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, experiment_id, jobs, started,
                             details, repair)
    VALUES ('duplicate_cluster', 'local', '1', 'poms-1', $1, $2, 1, false, 'topsecret', 'remove')
"""


REQUEST = """
    WITH r AS (
        INSERT INTO request (experiment_id, number, title, content, owner_id, owning_role)
        VALUES ($1, 1 + (SELECT count(*) FROM request), 'topsecret', '{"title": "topsecret"}', $2, 'production')
        RETURNING id
    ), d AS (
        INSERT INTO request_decision (request_id, revision, kind, person_id, hashes)
        SELECT id, 1, 'approve', $2, '{}' FROM r
    )
    SELECT id FROM r
"""


@pytest.fixture
async def known(db: Pool, hypot: int) -> dict[str, str]:
    """Values for arguments by their names: all of experiment `hypot`."""
    work = await SubmissionFactory.make(db)
    row = await work.submission(work.reco)
    await work.fail(row.id, 1, "topsecret")
    await db.execute("INSERT INTO launch_output VALUES ($1, 2, 1, 'topsecret')", row.id)
    await db.execute(DISCREPANCY, row.id, row.experiment_id)
    await db.execute(REQUEST, row.experiment_id, work.plant.person_id)
    stage, campaign = f"stage:{work.reco}", f"campaign:{work.plant.campaign_id}"
    submission = f"submission:{row.id}"
    person, dataset = f"person:{work.plant.person_id}", "dataset:1"
    ids = {
        "id": submission, "stageId": stage, "campaignId": campaign, "submissionId": submission,
        "datasetId": dataset, "createdBy": person, "personId": person, "jobTypeId": "job_type:1",
        "discrepancyId": "discrepancy:1",
        "loginSetupId": "login_setup:1", "launchHostId": "launch_host:1", "fileId": "file:1",
        "requestId": "request:1", "requestDecisionId": "request_decision:1",
    }  # fmt: skip
    names = {
        "experiment": "hypot", "name": "toy", "campaign": "toy", "dataset": "raw", "username": "anna",
        "reason": "because", "jobType": "reco", "loginSetup": "setup", "launchHost": "here",
    }  # fmt: skip
    return ids | names


IDS = {
    "stage": "stageId", "campaign": "campaignId", "submission": "submissionId", "job": "job",
    "dataset": "datasetId", "jobType": "jobTypeId", "loginSetup": "loginSetupId",
    "launchHost": "launchHostId", "discrepancy": "discrepancyId", "file": "fileId", "person": "personId",
    "credential": "credentialId", "holdLaunches": "campaignId", "setLaunchLimits": "campaignId",
    "setPriority": "campaignId", "releaseLaunches": "launchHoldId", "allowAccounts": "launchHostId",
    "addFiles": "datasetId", "markFiles": "datasetId", "decideListing": "datasetId", "checkLaunchFiles": "stageId",
    "serviceToken": "serviceTokenId",
    "moveCursor": "stageId", "renameStage": "stageId", "setSchedule": "stageId",
    "effectiveParameters": "stageId",
    "request": "requestId", "decision": "requestDecisionId",
    "previewJoin": "stageId", "previewLaunch": "stageId", "previewSplit": "stageId",
}  # fmt: skip


def build_value(of: Any, name: str, known: dict[str, str], field: str) -> Any:
    """A value that fits the type, naming what exists."""
    if isinstance(of, GraphQLNonNull):
        return build_value(of.of_type, name, known, field)
    if isinstance(of, GraphQLList):
        return [] if name in ADMINS_ALONE else [build_value(of.of_type, name, known, field)]
    if isinstance(of, GraphQLInputObjectType):
        return dict(build_arguments(of.fields, known, field))
    if isinstance(of, GraphQLEnumType):
        return known.get(of.name, next(iter(of.values)))
    assert isinstance(of, GraphQLScalarType)
    if name == "id":
        noun = next(
            (n for n in sorted(IDS, key=len, reverse=True) if n.lower() in field.lower()), ""
        )
        return known.get(IDS.get(noun, ""), known["id"])
    plain = {
        "DateTime": "2026-01-31T13:00:00Z",
        "Int": 1,
        "Float": 1.0,
        "Boolean": False,
        "BigInt": 1,
        "JSON": {},
        "ID": known["id"],
    }
    return known.get(name, plain.get(of.name, "x"))


NAMED = ("filter", "experiment", "campaignId", "stageId", "id", "cursor")
ADMINS_ALONE = ("renewal", "account", "accounts")
"""Commands, and which accounts a launch host has: only service admins say it."""


def build_arguments(
    given: dict[str, GraphQLArgument] | dict[str, GraphQLInputField],
    known: dict[str, str],
    field: str,
) -> Iterator[tuple[str, Any]]:
    """What must be given, and whatever says which experiment is meant."""
    for name, argument in given.items():
        if name == "idempotencyKey" and name in known:
            yield name, known[name]
        needed = argument.default_value is Undefined or name not in ADMINS_ALONE
        if name in NAMED or (needed and isinstance(argument.type, GraphQLNonNull)):
            yield name, build_value(argument.type, name, known, field)


def build_selection(of: Any, depth: int = 3) -> str:
    """Everything that can be selected without arguments, some levels deep."""
    kind = get_named_type(of)
    if isinstance(kind, GraphQLUnionType):
        parts = (f"... on {one.name} {build_selection(one, depth)}" for one in kind.types)
        return "{ __typename " + " ".join(parts) + " }"
    if not hasattr(kind, "fields"):
        return ""
    found = [build_field(n, f, kind.name, depth) for n, f in kind.fields.items()]
    return "{ __typename " + " ".join(part for part in found if part) + " }"


def build_field(name: str, field: GraphQLField, parent: str, depth: int) -> str:
    """One field under a name that can't clash with that of another union member."""
    if any(isinstance(a.type, GraphQLNonNull) for a in field.args.values()):
        return ""
    below = build_selection(field.type, depth - 1) if depth > 1 else ""
    if hasattr(get_named_type(field.type), "fields") and not below:
        return ""
    return f"{parent}_{name}: {name} {below}"


def build_question(kind: str, name: str, known: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """A document that asks one root field, with its variables."""
    field = ROOTS[kind].fields[name]
    given = dict(build_arguments(field.args, known, name))
    declared = ", ".join(f"${key}: {field.args[key].type}" for key in given)
    passed = ", ".join(f"{key}: ${key}" for key in given)
    shape = build_selection(field.type, 1)
    head = f"{kind} ({declared})" if given else kind
    call = f"{name}({passed})" if given else name
    return f"{head} {{ {call} {shape} }}", given


async def fetch_first_item(context: Context, query: str, given: Any) -> Any:
    """What comes first of a subscription."""
    stream = await SERVED.stream(query, given, context)
    async with asyncio.timeout(20), aclosing(stream):
        return await anext(stream)


async def ask_root_field(context: Context, kind: str, name: str, known: dict[str, str]) -> Any:
    """The answer of one root field, or None when it was refused as a whole."""
    query, given = build_question(kind, name, known)
    if kind == "subscription":
        result = await fetch_first_item(context, query, given)
    else:
        result = await SERVED.execute(query, given, context)
    codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
    assert codes <= {"NOT_PERMITTED", "BAD_INPUT"}, (query, given, result.errors)
    return (result.data or {}).get(name)


@pytest.fixture
async def nobody(db: Pool) -> None:
    """Somebody who is signed in and has no role anywhere."""
    await db.execute("INSERT INTO person (username) VALUES ('nemo')")


@pytest.fixture
async def fed(app_state: AppState, redis: Redis) -> AsyncIterator[AppState]:
    async with app_state.feed.running(redis):
        yield app_state


REFUSALS = {
    "NotPermitted", "NotFound", "Invalid", "InvalidCampaign", "InvalidJobType", "InvalidLoginSetup",
}  # fmt: skip


@pytest.mark.usefixtures("nobody", "fed")
@pytest.mark.parametrize("kind", ROOTS)
@pytest.mark.parametrize("who", ["nemo", "otto"])
async def test_who_has_no_part_in_an_experiment_learns_and_changes_nothing_of_it(
    context: Make, known: dict[str, str], counted: Counted, kind: str, who: str
) -> None:
    before = await counted()
    for name in ROOTS[kind].fields:
        answer = await ask_root_field(await context(who), kind, name, known)
        text = json.dumps(answer, default=str)
        asked = json.dumps(build_question(kind, name, known)[1])
        assert [s for s in SECRETS if f'"{s}' in text and f'"{s}' not in asked] == [], (
            name,
            answer,
        )
        if kind == "mutation":
            assert answer is None or answer["__typename"] in REFUSALS, (name, answer)
    assert await counted() == before


DECIDED_BY_RULES = dict.fromkeys(
    ("approveRequest", "returnRequest", "rejectRequest"), ("WrongRequestState", "NotAskedToDecide")
)
"""Mutations whose rules are the experiment's own: who is not asked by them may not."""


async def test_a_member_in_the_analysis_may_change_nothing_of_production(
    context: Make, known: dict[str, str], counted: Counted
) -> None:
    before = await counted()
    for name, field in ROOTS["mutation"].fields.items():
        given = get_named_type(field.args["input"].type) if "input" in field.args else None
        named = {*field.args, *getattr(given, "fields", ())}
        if "id" in named and name != "cloneCampaign":  # a copy is one's own
            answer = await ask_root_field(await context("alan"), "mutation", name, known)
            refusals = {"NotPermitted", "NotFound", *DECIDED_BY_RULES.get(name, ())}
            assert answer["__typename"] in refusals, (name, answer)
    assert await counted() == before


@pytest.mark.usefixtures("fed")
async def test_a_member_sees_what_strangers_do_not(context: Make, known: dict[str, str]) -> None:
    """Otherwise the walk above would prove nothing."""
    anna, seen = await context("anna"), 0
    for kind in ("query", "subscription"):
        for name in ROOTS[kind].fields:
            answer = await ask_root_field(anna, kind, name, known)
            seen += answer not in (None, {"__typename": "NotFound"})
    assert seen > 15
