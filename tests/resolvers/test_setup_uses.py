"""Who may use which login setup, credential and account: each path by which one comes to be used, by role."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import (
    HOST,
    LOGIN_SETUP,
    SAVE,
    Answer,
    Ask,
    build_campaign_input,
    build_stage_input,
)

OWNERS = {"anna": "PRODUCTION", "sam": "SHIFTER", "alan": "ANALYSIS", "alice": "ANALYSIS"}
CREDENTIAL = """mutation ($input: CreateCredentialInput!) { createCredential(input: $input) {
    __typename ... on Credential { name } ... on Problem { message } } }"""
LAUNCH = """mutation ($stage: ID!) { launchStage(input: {id: $stage}) {
    __typename ... on Problem { message } ... on Submission { id state } } }"""
IMPORT = """mutation ($input: ImportCampaignInput!) { importCampaign(input: $input) { __typename
    ... on CampaignImported { campaign { id draft } effect { findings { message } } }
    ... on CampaignImportPlanned { planned { draft findings { message } } } ... on Problem { message } } }"""
CLONE = """mutation ($input: CloneCampaignInput!) { cloneCampaign(input: $input) {
    __typename ... on Campaign { draft findings { message } } ... on Problem { message } } }"""
SHARE = """mutation ($input: ChangeLoginSetupInput!) { changeLoginSetup(input: $input) {
    __typename ... on LoginSetup { sharedWith } ... on InvalidLoginSetup { findings { path message } } } }"""
FILE = """[campaign]
experiment = hypot
name = {name}
campaign_stage_list = gen
[campaign_defaults]
vo_role = Production
software_version = v1
dataset_or_split_data = None
login_setup = {setup}
job_type = reco
completion_type = located
completion_pct = 95
[campaign_stage gen]
stage_type = generator
"""
ALICE = """
    WITH p AS (INSERT INTO person (username, name) VALUES ('alice', 'Alice') RETURNING id)
    INSERT INTO membership (person_id, experiment_id, role) SELECT id, $1, 'analysis' FROM p
"""


@pytest.fixture
async def owned(ask: Ask, db: Pool, hypot: int, configured: dict[str, str]) -> dict[str, str]:
    """A login setup of each owner, with a credential of theirs; their ids by who owns them."""
    await db.execute(ALICE, hypot)
    made = {}
    for who in OWNERS:
        wanted = {"experiment": "hypot", "name": who, "kind": "TOKEN", "path": f"{who}/token"}
        assert (await ask(CREDENTIAL, {"input": wanted}, as_=who))["createCredential"][
            "name"
        ] == who
        setup = {
            "experiment": "hypot",
            "name": f"of {who}",
            "launchHost": "here",
            "credential": who,
        }
        made[who] = (await ask(LOGIN_SETUP, {"input": setup}, as_=who))["createLoginSetup"]["id"]
    return made


def build_generating_campaign(setup: str, name: str) -> Answer:
    return build_campaign_input(
        build_stage_input("gen", kind="GENERATOR", loginSetup=setup), name=name
    )


async def save_as(ask: Ask, who: str, setup: str, **more: Any) -> str:
    found = await ask(
        SAVE, {"input": build_generating_campaign(setup, f"by {who}") | more}, as_=who
    )
    kind: str = found["saveCampaign"]["__typename"]
    return kind


async def save_dry(ask: Ask, who: str, setup: str) -> str:
    return await save_as(ask, who, setup, dryRun=True)


async def import_campaign(ask: Ask, who: str, setup: str) -> str:
    text = FILE.format(name=f"of {who}", setup=setup)
    given = {"experiment": "hypot", "text": text, "fileName": "a.ini"}
    found = (await ask(IMPORT, {"input": given}, as_=who))["importCampaign"]
    assert found["__typename"] == "CampaignImported", found
    return "draft" if found["campaign"]["draft"] else "CampaignImported"


async def plan_import(ask: Ask, who: str, setup: str) -> str:
    text = FILE.format(name=f"of {who}", setup=setup)
    given = {"experiment": "hypot", "text": text, "fileName": "a.ini", "dryRun": True}
    found = (await ask(IMPORT, {"input": given}, as_=who))["importCampaign"]
    return "draft" if found["planned"]["draft"] else "CampaignImportPlanned"


async def attach_credential(ask: Ask, who: str, setup: str) -> str:
    """A login setup with the credential that belongs to the owner of that setup."""
    given = {"experiment": "hypot", "name": f"new of {who}", "launchHost": "here"}
    given["credential"] = setup.removeprefix("of ")
    found = (await ask(LOGIN_SETUP, {"input": given}, as_=who))["createLoginSetup"]
    kind: str = found["__typename"]
    return kind


Path = Callable[[Ask, str, str], Awaitable[str]]
PATHS: dict[Path, set[str]] = {
    save_as: {"CampaignSaved"},
    save_dry: {"CampaignPlanned"},
    import_campaign: {"CampaignImported"},
    plan_import: {"CampaignImportPlanned"},
    attach_credential: {"LoginSetup"},
}
REFUSALS = {"InvalidCampaign", "InvalidLoginSetup", "draft"}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_who_may_use_what_on_each_path(ask: Ask, owned: dict[str, str], path: Path) -> None:
    for who in OWNERS:
        for whose in (*OWNERS, "nobody"):
            came = await path(ask, who, f"of {whose}")
            wanted = PATHS[path] if who == whose else REFUSALS
            assert came in wanted, (who, whose, came)


async def test_a_superuser_makes_no_campaign_of_analysis_use_what_production_has(
    ask: Ask, owned: dict[str, str]
) -> None:
    assert await save_as(ask, "alan", "of alan") == "CampaignSaved"
    theirs = build_generating_campaign("of anna", "by alan")
    found = (await ask(SAVE, {"input": theirs}, as_="sue"))["saveCampaign"]
    assert found["__typename"] == "InvalidCampaign"
    assert "not shared with analysis" in found["findings"][0]["message"]


async def test_a_copy_of_what_uses_another_ones_setup_is_a_draft_that_says_so(
    ask: Ask, owned: dict[str, str]
) -> None:
    first = (await ask(SAVE, {"input": build_generating_campaign("of anna", "first")}))[
        "saveCampaign"
    ]
    for who in ("anna", "sam", "alan"):
        given = {"id": first["campaign"]["id"], "name": f"copy of {who}"}
        copy = (await ask(CLONE, {"input": given}, as_=who))["cloneCampaign"]
        assert copy["draft"] == (who != "anna"), copy
        said = [each["message"] for each in copy["findings"]]
        assert (who == "anna") or any("is not shared with" in each for each in said), said


async def set_shared_roles(ask: Ask, id: str, roles: list[str], **more: Any) -> Answer:
    given = {"id": id, "name": "of anna", "launchHost": "here", "sharedWith": roles, **more}
    found: Answer = (await ask(SHARE, {"input": given}))["changeLoginSetup"]
    return found


async def test_what_is_shared_with_a_role_is_that_roles_too_but_no_credential_is_analysis_s(
    ask: Ask, owned: dict[str, str]
) -> None:
    assert await save_as(ask, "sam", "of anna") == "InvalidCampaign"
    done = await set_shared_roles(ask, owned["anna"], ["SHIFTER", "ANALYSIS"], credential="anna")
    assert done["sharedWith"] == ["SHIFTER", "ANALYSIS"]
    assert await save_as(ask, "sam", "of anna") == "CampaignSaved"
    assert await save_as(ask, "alan", "of anna") == "InvalidCampaign"
    await set_shared_roles(ask, owned["anna"], ["ANALYSIS"])
    assert await save_as(ask, "alan", "of anna") == "CampaignSaved"


@pytest.mark.parametrize("who", ["anna", "sue", "ada"])
async def test_a_launch_asks_again_whoever_launches(
    ask: Ask, db: Pool, owned: dict[str, str], who: str
) -> None:
    saved = (await ask(SAVE, {"input": build_generating_campaign("of anna", "mc")}))["saveCampaign"]
    id = saved["campaign"]["stages"][0]["id"]
    await db.execute("UPDATE campaign SET owning_role = 'shifter'")  # as if handed over
    refused = (await ask(LAUNCH, {"stage": id}, as_="sue" if who == "anna" else who))["launchStage"]
    assert refused["__typename"] == "NotLaunchable"
    assert "not shared with shifter" in refused["message"]
    await db.execute("UPDATE campaign SET owning_role = 'production'")
    await db.execute("UPDATE credential SET owning_role = 'analysis'")
    refused = (await ask(LAUNCH, {"stage": id}, as_=who))["launchStage"]
    assert "credential anna belongs to analysis" in refused["message"]
    await db.execute("UPDATE credential SET owning_role = 'production'")
    assert (await ask(LAUNCH, {"stage": id}, as_=who))["launchStage"]["__typename"] == "Submission"


CHANGE_HOST = """mutation ($input: ChangeLaunchHostInput!) { changeLaunchHost(input: $input) {
    __typename ... on LaunchHost { account accounts } ... on Problem { message } ... on Invalid { field } } }"""
ALLOW = """mutation ($input: AllowAccountsInput!) { allowAccounts(input: $input) {
    __typename ... on LaunchHost { allowedAccounts { role accounts } } ... on Problem { message }
    ... on Invalid { field } } }"""


async def test_local_hosts_are_service_admins(ask: Ask, hypot: int) -> None:
    wanted = {"experiment": "hypot", "name": "local"}
    for who in ("alan", "anna", "sue"):
        assert (await ask(HOST, {"input": wanted}, as_=who))["createLaunchHost"][
            "__typename"
        ] == "NotPermitted"
    made = (await ask(HOST, {"input": wanted}, as_="ada"))["createLaunchHost"]
    for who in ("anna", "sue"):
        given = {"id": made["id"], "account": "x"}
        refused = (await ask(CHANGE_HOST, {"input": given}, as_=who))["changeLaunchHost"]
        assert refused["__typename"] == "NotPermitted"
    for account, field in (("root", "account"), ("-x", "account"), ("a b", "account")):
        given = {"id": made["id"], "account": account}
        answer = (await ask(CHANGE_HOST, {"input": given}, as_="ada"))["changeLaunchHost"]
        assert answer["field"] == field
    given = {"id": made["id"], "account": "hypotpro"}
    answer = (await ask(CHANGE_HOST, {"input": given}, as_="ada"))["changeLaunchHost"]
    assert answer["account"] == "hypotpro"


async def test_an_account_by_ssh_is_allowed_by_an_admin_and_for_the_role(
    ask: Ask, hypot: int
) -> None:
    wanted = {"experiment": "hypot", "name": "far", "kind": "SSH", "address": "login.example.org"}
    host = (await ask(HOST, {"input": wanted}, as_="sue"))["createLaunchHost"]["id"]

    async def setup(account: str, who: str, *shared: str) -> list[str]:
        given = {
            "experiment": "hypot",
            "name": f"{who} {account} {len(shared)}",
            "launchHost": "far",
        }
        more = {"account": account, "sharedWith": list(shared)}
        found = (await ask(LOGIN_SETUP, {"input": given | more}, as_=who))["createLoginSetup"]
        return [each["message"] for each in found.get("findings", [])]

    assert "No service admin" in (await setup("hypotpro", "anna"))[0]
    given: dict[str, Any] = {"id": host, "role": "PRODUCTION", "accounts": ["*"]}
    assert (await ask(ALLOW, {"input": given}, as_="sue"))["allowAccounts"][
        "__typename"
    ] == "LaunchHost"
    assert "No service admin" in (await setup("hypotpro", "anna"))[0]
    bounds = {"id": host, "accounts": ["hypot*", "al*"]}
    assert (await ask(CHANGE_HOST, {"input": bounds}, as_="ada"))["changeLaunchHost"]["accounts"]
    assert await setup("hypotpro", "anna") == []
    assert "No service admin" in (await setup("root", "anna"))[0]
    assert "No superuser" in (await setup("hypotpro", "sam"))[0]
    assert "No superuser" in (await setup("hypotpro", "anna", "SHIFTER"))[0]
    assert "Say the account" in (await setup("", "anna"))[0]
    given = {"id": host, "role": "ANALYSIS", "accounts": ["%(experimenter)s"]}
    await ask(ALLOW, {"input": given}, as_="sue")
    assert await setup("alan", "alan") == []
    assert "No superuser" in (await setup("alice", "alan"))[0]
    assert "No superuser" in (await setup("hypotpro", "alan"))[0]
