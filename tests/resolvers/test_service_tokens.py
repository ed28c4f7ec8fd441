"""Tokens for scripts: shown once, good for their scopes in one experiment, and for no more than their owner may."""

import asyncio
from typing import Any

import pytest

from auth import AuthError, LocalTokens, Viewer, Viewers
from db.people import leaving
from db.pool import Pool
from domain.changes import Actor
from identity.all_tokens import AllTokens
from schema.context import AppState, Context
from tests.resolvers.conftest import SECRET, Ask, ask_with_key, make_cached_schema
from tests.resolvers.test_leaving import set_person_active

CREATE = """
    mutation ($input: CreateServiceTokenInput!, $key: String) {
      result: createServiceToken(input: $input, idempotencyKey: $key) {
        __typename ... on Problem { message } ... on Invalid { field }
        ... on ServiceTokenCreated { token serviceToken { id name scopes lastUsedAt revokedAt owner { username } } }
      }
    }
"""
REVOKE = """
    mutation ($id: ID!, $reason: String!) {
      result: revokeServiceToken(id: $id, reason: $reason) {
        __typename ... on Problem { message } ... on Invalid { field }
        ... on ServiceTokenRevoked { changed serviceToken { revokedAt } }
      }
    }
"""
LIST = """query ($experiment: String!, $first: Int, $after: String) {
    serviceTokens(experiment: $experiment, first: $first, after: $after) {
      nodes { id name lastUsedAt revokedAt } pageInfo { hasNextPage endCursor } } }"""


async def create_token(ask: Ask, as_: str = "anna", **more: Any) -> Any:
    given = {"experiment": "hypot", "name": "nightly", "scopes": ["LAUNCH"], **more}
    return (await ask(CREATE, ask_with_key(given), as_=as_))["result"]


async def revoke_token(ask: Ask, id: str, as_: str, reason: str = "lost") -> Any:
    return (await ask(REVOKE, {"id": id, "reason": reason}, as_=as_))["result"]


async def list_tokens(ask: Ask, as_: str, experiment: str = "hypot", **more: Any) -> Any:
    return (await ask(LIST, {"experiment": experiment, **more}, as_=as_))["serviceTokens"]


@pytest.fixture
def viewers(app_state: AppState) -> Viewers:
    everything = app_state.db.everything
    return Viewers(everything, AllTokens(LocalTokens(SECRET), everything))


async def test_a_token_is_shown_once_kept_as_a_hash_and_notes_when_it_is_used(
    ask: Ask, db: Pool, viewers: Viewers, hypot: int
) -> None:
    made = await create_token(ask, idempotencyKey="k", scopes=["LAUNCH", "READ", "LAUNCH"])
    token, row = made["token"], made["serviceToken"]
    assert row == {
        "id": row["id"], "name": "nightly", "scopes": ["LAUNCH", "READ"], "lastUsedAt": None, "revokedAt": None,
        "owner": {"username": "anna"},
    }  # fmt: skip
    again = await create_token(ask, idempotencyKey="k", scopes=["LAUNCH", "READ", "LAUNCH"])
    assert again == {**made, "token": None}
    found = await db.fetch(
        "SELECT t::text FROM service_token t UNION ALL SELECT i::text FROM idempotency i"
    )
    assert len(found) == 2
    assert not [text for (text,) in found if token in text or token.removeprefix("poms_") in text]
    viewer = await viewers.of(token)
    assert (viewer.username, dict(viewer.roles), viewer.is_admin) == (
        "anna",
        {hypot: "production"},
        False,
    )
    assert (await list_tokens(ask, "anna"))["nodes"][0]["lastUsedAt"]
    kinds = await db.fetch("SELECT kind FROM change_inbox ORDER BY id")
    assert [kind for (kind,) in kinds] == ["service_token.created"]


FIELDS = {
    "MODIFY": 'createDataset(input: {experiment: "hypot", name: "d"}) { __typename }',
    "LAUNCH": 'launchStage(input: {id: "stage:9"}) { __typename }',
    "OPERATE": 'holdSubmission(id: "submission:9", reason: "r") { __typename }',
    "REPORT": 'addFiles(input: {id: "dataset:9", files: []}) { __typename }',
    "MEMBERS": 'setMembership(input: {experiment: "hypot", username: "alan", role: null}) { __typename }',
    "MINE": 'revokeTokens(input: {username: "sue", reason: "r"}) { __typename }',
    "TOKEN": 'createServiceToken(input: {experiment: "hypot", name: "n", scopes: [READ]}) { __typename }',
    "OTHER": 'revokeServiceToken(id: "service_token:1", reason: "r") { __typename }',
}  # fmt: skip
READS = '{ viewer { person { username } memberships { role } } experiment(name: "hypot") { name } }'


async def list_refused(app_state: AppState, viewer: Viewer) -> set[str]:
    """What somebody may not even try."""
    refused = set()
    for name, field in FIELDS.items():
        said = await make_cached_schema().execute(
            f"mutation {{ {field} }}", None, Context(app_state, viewer)
        )
        assert not said.errors, said.errors
        assert said.data
        if next(iter(said.data.values()))["__typename"] == "NotPermitted":
            refused.add(name)
    return refused


@pytest.mark.parametrize(
    "scopes", [["READ"], ["LAUNCH"], ["OPERATE"], ["REPORT"], ["LAUNCH", "REPORT"]]
)
async def test_a_token_is_good_for_its_scopes_alone(
    ask: Ask, db: Pool, app_state: AppState, viewers: Viewers, scopes: list[str]
) -> None:
    """Of a superuser who runs the service, too."""
    await db.execute("UPDATE person SET is_admin = true WHERE username = 'sue'")
    token = (await create_token(ask, "sue", scopes=scopes))["token"]
    viewer = await viewers.of(token)
    assert await list_refused(app_state, viewer) == set(FIELDS) - set(scopes)
    said = await make_cached_schema().execute(READS, None, Context(app_state, viewer))
    assert said.data
    assert (said.data["viewer"]["person"], said.data["experiment"]) == (
        {"username": "sue"},
        {"name": "hypot"},
    )


async def test_a_token_is_good_in_its_experiment_and_for_what_its_owner_may_there(
    ask: Ask, db: Pool, viewers: Viewers, hypot: int
) -> None:
    await db.execute(
        "INSERT INTO membership SELECT p.id, e.id, 'superuser' FROM person p, experiment e"
        " WHERE p.username = 'anna' AND e.name = 'other'"
    )
    token = (await create_token(ask))["token"]
    assert dict((await viewers.of(token)).roles) == {hypot: "production"}
    await db.execute("UPDATE membership SET role = 'analysis' WHERE experiment_id = $1", hypot)
    viewers._known.clear()
    assert dict((await viewers.of(token)).roles) == {hypot: "analysis"}
    await db.execute("DELETE FROM membership WHERE experiment_id = $1", hypot)
    viewers._known.clear()
    assert dict((await viewers.of(token)).roles) == {}


@pytest.mark.parametrize("how", ["revoked", "by its superuser", "all", "person", "expired"])
async def test_a_token_ends_and_what_was_opened_with_it(
    ask: Ask, db: Pool, viewers: Viewers, hypot: int, how: str
) -> None:
    made = await create_token(ask)
    token, id = made["token"], made["serviceToken"]["id"]
    viewer, lost = await viewers.of(token), list[int]()
    viewers.listeners.append(lost.append)
    fresh = asyncio.create_task(viewers.keep_fresh())
    if how == "expired":
        await db.execute(
            "UPDATE service_token SET created_at = now() - interval '2 d', expires_at = now() - interval '1 s'"
        )
    elif how == "person":
        await set_person_active(ask, "anna", active=False)
    elif how == "all":
        async with db.acquire() as conn:
            await leaving.revoke_all(conn, viewer.person_id, Actor(viewer.person_id, "all"))
        assert (await list_tokens(ask, "sue"))["nodes"][0]["revokedAt"]
    else:
        answer = await revoke_token(ask, id, "anna" if how == "revoked" else "sue")
        assert (answer["changed"], bool(answer["serviceToken"]["revokedAt"])) == (True, True)
        assert not (await revoke_token(ask, id, "sue"))["changed"]
    viewers.reload_viewers()
    async with asyncio.timeout(60):
        while how != "expired" and not lost:
            await asyncio.sleep(0.01)
    assert lost == ([] if how == "expired" else [viewer.person_id])
    assert how == "expired" or not viewers.now(viewer).roles
    with pytest.raises(AuthError):
        await viewers.of(token)
    fresh.cancel()


@pytest.mark.usefixtures("hypot")
async def test_tokens_are_seen_by_their_owners_and_superusers_page_by_page(ask: Ask) -> None:
    ids = [
        (await create_token(ask, who, name=f"of {who}"))["serviceToken"]["id"]
        for who in ("anna", "alan", "anna")
    ]
    assert [each["id"] for each in (await list_tokens(ask, "anna"))["nodes"]] == [ids[2], ids[0]]
    first = await list_tokens(ask, "sue", first=2)
    rest = await list_tokens(ask, "sue", first=2, after=first["pageInfo"]["endCursor"])
    assert [each["id"] for each in first["nodes"] + rest["nodes"]] == ids[::-1]
    assert await list_tokens(ask, "otto") is None
    for who in ("alan", "otto"):
        assert (await revoke_token(ask, ids[0], who))["__typename"] == "NotFound"
    assert (await revoke_token(ask, ids[0], "anna", " "))["field"] == "reason"


@pytest.mark.usefixtures("hypot")
@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": " "}),
        ("scopes", {"scopes": []}),
        ("days", {"days": 0}),
        ("days", {"days": 367}),
    ],
)
async def test_what_can_be_no_token_is_none(ask: Ask, db: Pool, field: str, given: Any) -> None:
    assert (await create_token(ask, **given))["field"] == field
    assert (await create_token(ask, as_="ada"))["field"] == "experiment"
    assert (await create_token(ask, as_="otto"))["__typename"] == "NotFound"
    assert await db.fetchval("SELECT count(*) FROM service_token") == 0
