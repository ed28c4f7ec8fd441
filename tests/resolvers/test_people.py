"""Who people are, and who may make them something."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import auth
from db.pool import Pool
from schema.context import AppState, Context
from tests.resolvers.conftest import SECRET, ask_with_key

Ask = Callable[..., Awaitable[dict[str, Any]]]
Counted = Callable[[], Awaitable[dict[str, int]]]

SET = """
    mutation ($input: SetMembershipInput!, $key: String) {
      setMembership(input: $input, idempotencyKey: $key) {
        __typename
        ... on MembershipSet { changed membership { role person { username } experiment { name } } }
        ... on Problem { message }
      }
    }
"""
ADD = """
    mutation ($input: AddPersonInput!, $key: String) {
      addPerson(input: $input, idempotencyKey: $key) {
        __typename ... on Person { id username isAdmin } ... on Problem { message }
        ... on Invalid { field } ... on NameTaken { field }
      }
    }
"""
CREATE = """
    mutation ($input: CreateExperimentInput!, $key: String) {
      createExperiment(input: $input, idempotencyKey: $key) {
        __typename ... on Experiment { id name role } ... on Problem { message }
        ... on Invalid { field } ... on NameTaken { field }
      }
    }
"""


async def test_everybody_sees_who_they_are(ask: Ask) -> None:
    query = "{ viewer { isAdmin person { username } memberships { role experiment { name } } } }"
    found = (await ask(query, as_="sam"))["viewer"]
    assert found == {
        "isAdmin": False,
        "person": {"username": "sam"},
        "memberships": [{"role": "SHIFTER", "experiment": {"name": "hypot"}}],
    }


async def test_people_see_their_own_experiments_only(ask: Ask) -> None:
    query = """{ experiments(first: 10) { nodes { name role } pageInfo { hasNextPage } }
                 experiment(name: "other") { id } }"""
    found = await ask(query, as_="anna")
    assert found["experiments"]["nodes"] == [{"name": "hypot", "role": "PRODUCTION"}]
    assert found["experiment"] is None
    everything = (await ask(query, as_="ada"))["experiments"]["nodes"]
    assert [node["name"] for node in everything] == ["hypot", "other"]


async def test_members_are_listed_by_username_in_pages(ask: Ask) -> None:
    query = """query ($after: String) { experiment(name: "hypot") { members(first: 3, after: $after) {
                 nodes { role person { username } } pageInfo { hasNextPage endCursor } } } }"""
    page = (await ask(query))["experiment"]["members"]
    assert [node["person"]["username"] for node in page["nodes"]] == ["alan", "anna", "sam"]
    assert page["pageInfo"]["hasNextPage"]
    rest = await ask(query, {"after": page["pageInfo"]["endCursor"]})
    assert [n["person"]["username"] for n in rest["experiment"]["members"]["nodes"]] == ["sue"]


@pytest.mark.parametrize("as_", ["sue", "ada"])
async def test_superusers_and_admins_make_and_unmake_members(ask: Ask, as_: str) -> None:
    wanted = {"experiment": "hypot", "username": "otto", "role": "ANALYSIS"}
    made = (await ask(SET, {"input": wanted}, as_=as_))["setMembership"]
    assert made["changed"]
    assert made["membership"]["role"] == "ANALYSIS"
    again = (await ask(SET, {"input": wanted}, as_=as_))["setMembership"]
    assert not again["changed"]
    gone = (await ask(SET, {"input": {**wanted, "role": None}}, as_=as_))["setMembership"]
    assert gone == {"__typename": "MembershipSet", "changed": True, "membership": None}


@pytest.mark.parametrize("change", [{}, {"reason": "r" * 1001}, {"reason": "\u0001"}])
async def test_to_end_what_is_not_there_tells_nothing_of_strangers(
    ask: Ask, change: dict[str, str]
) -> None:
    said = []
    for username in ("otto", "nobody"):
        wanted = {"experiment": "hypot", "username": username, "role": None, **change}
        answer = (await ask(SET, {"input": wanted}, as_="sue"))["setMembership"]
        said.append(str(answer).replace(username, "?"))
    assert said[0] == said[1]


async def test_a_change_of_membership_is_told(ask: Ask, db: Pool, hypot: int) -> None:
    wanted = {"experiment": "hypot", "username": "otto", "role": "SHIFTER"}
    await ask(SET, {"input": wanted}, as_="sue")
    told = await db.fetch("SELECT experiment_id, kind, body ->> 'role' AS role FROM change_inbox")
    assert [tuple(row) for row in told] == [(hypot, "membership.changed", "shifter")]


@pytest.mark.parametrize(
    ("as_", "change", "problem"),
    [
        ("anna", {}, "NotPermitted"),
        ("otto", {}, "NotPermitted"),
        ("sue", {"experiment": "other"}, "NotFound"),
        ("sue", {"experiment": "nowhere"}, "NotFound"),
        ("sue", {"username": "nobody"}, "NotFound"),
        ("sue", {"username": "$(reboot); \u0001"}, "NotFound"),
    ],
)
async def test_a_membership_that_may_not_be_set_stays(
    ask: Ask, counted: Counted, hypot: int, as_: str, change: dict[str, str], problem: str
) -> None:
    before = await counted()
    wanted = {"experiment": "hypot", "username": "otto", "role": "SUPERUSER", **change}
    found = (await ask(SET, {"input": wanted}, as_=as_))["setMembership"]
    assert found["__typename"] == problem
    assert await counted() == before


async def test_admins_add_people_once(ask: Ask, counted: Counted, hypot: int) -> None:
    wanted = {"username": "new.one", "name": "New `One`; rm -rf /", "idempotencyKey": "k1"}
    made = (await ask(ADD, ask_with_key(wanted), as_="ada"))["addPerson"]
    assert made["username"] == "new.one"
    before = await counted()
    assert (await ask(ADD, ask_with_key(wanted), as_="ada"))["addPerson"] == made
    reused = ask_with_key({**wanted, "username": "another"})
    found = (await ask(ADD, reused, as_="ada"))["addPerson"]
    assert found["__typename"] == "IdempotencyKeyReused"
    taken = {"input": {"username": "anna"}}
    assert (await ask(ADD, taken, as_="ada"))["addPerson"]["field"] == "username"
    bad = {"input": {"username": "Not A Name"}}
    assert (await ask(ADD, bad, as_="ada"))["addPerson"]["field"] == "username"
    assert (await ask(ADD, taken, as_="sue"))["addPerson"]["__typename"] == "NotPermitted"
    assert await counted() == before


async def test_admins_create_experiments(ask: Ask, counted: Counted, hypot: int) -> None:
    made = (await ask(CREATE, {"input": {"name": "third"}}, as_="ada"))["createExperiment"]
    assert (made["name"], made["role"]) == ("third", None)
    before = await counted()
    for name, problem in (("third", "NameTaken"), ("Not this", "Invalid")):
        found = (await ask(CREATE, {"input": {"name": name}}, as_="ada"))["createExperiment"]
        assert (found["__typename"], found["field"]) == (problem, "name")
    found = (await ask(CREATE, {"input": {"name": "mine"}}, as_="sue"))["createExperiment"]
    assert found["__typename"] == "NotPermitted"
    assert await counted() == before


async def test_a_person_is_a_node_for_those_who_share_an_experiment(ask: Ask, db: Pool) -> None:
    sam = await db.fetchval("SELECT id FROM person WHERE username = 'sam'")
    query = "query ($id: ID!) { node(id: $id) { id ... on Person { username } } }"
    variables = {"id": f"person:{sam}"}
    assert (await ask(query, variables, as_="alan"))["node"]["username"] == "sam"
    assert (await ask(query, variables, as_="otto"))["node"] is None
    for id_ in ("person:999", "person:x", "nothing:1", "person:99999999999999999999", "", ":"):
        assert (await ask(query, {"id": id_}))["node"] is None


async def test_what_a_long_socket_reaches_changes_with_memberships(
    app_state: AppState, hypot: int, db: Pool
) -> None:
    viewers = app_state.viewers
    token = auth.LocalTokens(SECRET).issue("anna", timedelta(hours=1), datetime.now(UTC))
    anna = Context(app_state, await viewers.of(token))
    load, asked = anna.load, "SELECT array_agg(name) FROM experiment"
    assert await anna.db.fetchval(asked) == ["hypot"]
    assert await load.experiment.load(hypot) is not None
    await db.execute("DELETE FROM membership WHERE experiment_id = $1", hypot)
    changed = asyncio.Event()
    viewers.listeners.append(lambda _: changed.set())
    fresh = asyncio.create_task(viewers.keep_fresh())
    viewers.reload_viewers()
    await changed.wait()
    fresh.cancel()
    await asyncio.gather(fresh, return_exceptions=True)
    assert await anna.db.fetchval(asked) is None
    assert await load.experiment.load(hypot) is None
