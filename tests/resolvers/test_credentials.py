"""Credentials in the API: who may record, change and remove them, and what is shown of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.pool import Pool
from db.setup import credentials
from db.setup.credentials import CredentialInspection
from tests.resolvers.conftest import LOGIN_SETUP, Ask

Counted = Callable[[], Awaitable[dict[str, int]]]
Answer = dict[str, Any]

FIELDS = "id name path renewal coversJobs expiresAt problem expiring renewalOutput mayChange"
CREATE = f"""
    mutation ($input: CreateCredentialInput!) {{
      createCredential(input: $input) {{
        __typename ... on Credential {{ {FIELDS} }}
        ... on Problem {{ message }} ... on Invalid {{ field }} ... on NotPermitted {{ action }}
      }}
    }}
"""
CHANGE = f"""
    mutation ($input: ChangeCredentialInput!) {{
      changeCredential(input: $input) {{
        __typename ... on Credential {{ {FIELDS} }}
        ... on Problem {{ message }} ... on Invalid {{ field }} ... on NotPermitted {{ action }}
      }}
    }}
"""
REMOVE = """
    mutation ($id: ID!) {
      removeCredential(id: $id) {
        __typename
        ... on CredentialRemoved { id } ... on CredentialInUse { loginSetups } ... on Problem { message }
      }
    }
"""


@pytest.fixture
def create(ask: Ask, hypot: int) -> Callable[..., Awaitable[Answer]]:
    async def made(as_: str, **more: Any) -> Answer:
        given = {
            "experiment": "hypot",
            "name": "pass",
            "kind": "TOKEN",
            "path": "pass.token",
            **more,
        }
        found: Answer = (await ask(CREATE, {"input": given}, as_=as_))["createCredential"]
        return found

    return made


Create = Callable[..., Awaitable[Answer]]


@pytest.mark.parametrize(
    ("who", "path", "kind"),
    [
        ("anna", "pass.token", "Credential"),
        ("sue", "shared/pass.token", "Credential"),
        ("alan", "alan/pass.token", "Credential"),
        ("alan", "pass.token", "Invalid"),
        ("alan", "anna/pass.token", "Invalid"),
        ("sam", "sam/pass.token", "Credential"),
        ("sam", "pass.token", "Invalid"),
        ("otto", "otto/pass.token", "NotFound"),
    ],
)
async def test_who_owns_nothing_of_production_names_only_files_of_their_own(
    create: Create, who: str, path: str, kind: str
) -> None:
    assert (await create(who, path=path))["__typename"] == kind


@pytest.mark.parametrize("who", ["anna", "alan", "sue"])
async def test_only_service_admins_set_a_command_that_runs_on_the_server(
    ask: Ask, create: Create, who: str, counted: Counted
) -> None:
    before = await counted()
    refused = await create(who, path=f"{who}/pass.token", renewal=["id"])
    assert (refused["__typename"], refused["action"]) == ("NotPermitted", "admin")
    assert await counted() == before
    made = await create(who, path=f"{who}/pass.token")
    given = {"id": made["id"], "name": "pass", "kind": "TOKEN", "path": f"{who}/pass.token"}
    changed = await ask(CHANGE, {"input": {**given, "renewal": ["id"]}}, as_=who)
    assert changed["changeCredential"]["__typename"] == "NotPermitted"
    by_admin = await ask(CHANGE, {"input": {**given, "renewal": ["id"]}}, as_="ada")
    assert by_admin["changeCredential"]["renewal"] == ["id"]
    kept = await ask(CHANGE, {"input": {**given, "renewal": ["id"], "purpose": "x"}}, as_=who)
    assert kept["changeCredential"]["renewal"] == ["id"]
    other = await ask(CHANGE, {"input": {**given, "renewal": ["id", "-u"]}}, as_=who)
    assert other["changeCredential"]["__typename"] == "NotPermitted"


@pytest.mark.parametrize(
    ("who", "kind"),
    [("anna", "Credential"), ("sue", "Credential"), ("ada", "Credential"),
     ("alan", "NotPermitted"), ("sam", "NotPermitted"), ("otto", "NotFound")],
)  # fmt: skip
async def test_its_owner_and_the_experiments_superusers_change_it_and_nobody_else(
    ask: Ask, create: Create, who: str, kind: str
) -> None:
    made = await create("anna", expiresAt="2030-01-31T12:00:00+00:00")
    given = {
        "id": made["id"],
        "name": "other",
        "kind": "PROXY",
        "path": "other.pem",
        "coversJobs": True,
    }
    found = (await ask(CHANGE, {"input": given}, as_=who))["changeCredential"]
    assert found["__typename"] == kind
    if kind == "Credential":
        assert (found["name"], found["coversJobs"], found["expiresAt"]) == ("other", True, None)
        assert found["problem"] == "It was not looked at yet."
        # Only catalogs are asked with a password: it would reach launches under a name that they have.
        found = (await ask(CHANGE, {"input": given | {"kind": "PASSWORD"}}, as_=who))[
            "changeCredential"
        ]
        assert (found["__typename"], found["field"]) == ("Invalid", "kind")
    kinds = {"Credential": "CredentialRemoved"}
    removed = (await ask(REMOVE, {"id": made["id"]}, as_=who))["removeCredential"]
    assert removed["__typename"] == kinds.get(kind, kind)


async def test_one_that_login_setups_use_stays_until_they_have_another(
    ask: Ask, create: Create, configured: dict[str, str], counted: Counted
) -> None:
    made = await create("anna")
    setup = {"experiment": "hypot", "name": "there", "launchHost": "here", "credential": "pass"}
    await ask(LOGIN_SETUP, {"input": setup})
    before = await counted()
    refused = (await ask(REMOVE, {"id": made["id"]}))["removeCredential"]
    assert (refused["__typename"], refused["loginSetups"]) == ("CredentialInUse", ["there"])
    assert await counted() == before


async def test_a_password_is_for_catalogs_and_lets_no_launch_in(
    ask: Ask, create: Create, configured: dict[str, str]
) -> None:
    made = await create("anna", name="word", kind="PASSWORD", path="word")
    assert made["__typename"] == "Credential"
    setup = {"experiment": "hypot", "name": "there", "launchHost": "here", "credential": "word"}
    refused = (await ask(LOGIN_SETUP, {"input": setup}))["createLoginSetup"]
    assert refused["findings"] == [
        {"path": "credential", "message": "A password is for catalogs: launches are let in by a token or a proxy."}
    ]  # fmt: skip


async def test_what_needs_somebody_is_listed_for_those_who_see_it(
    db: Pool, ask: Ask, create: Create
) -> None:
    await create("anna")
    query = "{ credentialsInNeed { name problem expiring mayChange } }"
    assert (await ask(query))["credentialsInNeed"] == []
    row = await credentials.claim_inspection(db, 0)
    assert row
    assert (
        await credentials.record_inspection(
            db, row, CredentialInspection(None, "There is no file.", False, None)
        )
        is False
    )
    seen = {"name": "pass", "problem": "There is no file.", "expiring": False}
    assert (await ask(query))["credentialsInNeed"] == [{**seen, "mayChange": True}]
    assert (await ask(query, as_="sam"))["credentialsInNeed"] == [{**seen, "mayChange": False}]
    assert (await ask(query, as_="otto"))["credentialsInNeed"] == []


async def test_a_look_that_came_too_late_changes_nothing(db: Pool, create: Create) -> None:
    await create("anna")
    first, second = (
        await credentials.claim_inspection(db, 0),
        await credentials.claim_inspection(db, 0),
    )
    assert first
    assert second
    assert not await credentials.record_inspection(
        db, first, CredentialInspection(None, "late", True, None)
    )
    assert await db.fetchval("SELECT problem FROM credential") != "late"
