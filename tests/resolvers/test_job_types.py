"""Job types, login setups, launch hosts and credentials."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import HOST, JOB_TYPE, LOGIN_SETUP, ask_with_key

Ask = Callable[..., Awaitable[dict[str, Any]]]
Counted = Callable[[], Awaitable[dict[str, int]]]
NASTY = "$(rm -rf /) `id`; | & > ' \" \\ %(x)s é"

CHANGE = """
    mutation ($input: ChangeJobTypeInput!, $key: String) {
      changeJobType(input: $input, idempotencyKey: $key) {
        __typename
        ... on JobType { id name version active command }
        ... on Problem { message }
        ... on InvalidJobType { findings { path } }
        ... on NameTaken { field }
        ... on StaleVersion { current }
      }
    }
"""
CHANGE_SETUP = """
    mutation ($input: ChangeLoginSetupInput!, $key: String) {
      changeLoginSetup(input: $input, idempotencyKey: $key) {
        __typename
        ... on LoginSetup { id name version account setup environment { key value isSecret } credential { name } }
        ... on Problem { message }
        ... on InvalidLoginSetup { findings { path } }
        ... on StaleVersion { current }
      }
    }
"""
CREDENTIAL = """
    mutation ($input: CreateCredentialInput!, $key: String) {
      createCredential(input: $input, idempotencyKey: $key) {
        __typename
        ... on Credential { id name path renewal expiresAt owner { username } }
        ... on Problem { message }
        ... on Invalid { field }
        ... on NameTaken { field }
      }
    }
"""


def build_job_type_input(**more: Any) -> dict[str, Any]:
    """The input of a job type."""
    return {"experiment": "hypot", "name": "sim", "command": ["run.sh", NASTY], **more}


async def create_job_type(ask: Ask, given: dict[str, Any], as_: str = "anna") -> dict[str, Any]:
    """Create a job type."""
    found: dict[str, Any] = (await ask(JOB_TYPE, ask_with_key(given), as_=as_))["createJobType"]
    return found


async def test_a_job_type_is_kept_as_it_was_written(ask: Ask, configured: dict[str, str]) -> None:
    given = build_job_type_input(
        parameters=[{"key": "-n ", "value": NASTY}, {"key": "-n ", "value": "2"}],
        outputCheck=["test", "-s", NASTY],
        patterns=["*.root", "[a-c]?.fcl", "$(x)*"],
        recoveries=[
            {
                "type": "consumed_status",
                "overrides": [{"key": "--memory=", "value": "4000"}],
                "rounds": 2,
            }
        ],
        resources={"cpus": 2, "memoryMb": 4000},
    )
    made = await create_job_type(ask, given)
    query = """query ($id: ID!) { node(id: $id) { ... on JobType { name command parameters { key value }
        outputCheck patterns recoveries { type overrides { key value } rounds }
        resources { cpus memoryMb diskMb } owner { username } owningRole experiment { name } mayChange } } }"""
    found = (await ask(query, {"id": made["id"]}))["node"]
    for part in ("name", "command", "parameters", "outputCheck", "patterns", "recoveries"):
        assert found[part] == given[part]
    assert found["resources"] == {"cpus": 2, "memoryMb": 4000, "diskMb": None}
    assert (found["owner"], found["owningRole"]) == ({"username": "anna"}, "PRODUCTION")
    assert found["mayChange"]
    assert not (await ask(query, {"id": made["id"]}, as_="alan"))["node"]["mayChange"]
    assert (await ask(query, {"id": made["id"]}, as_="otto"))["node"] is None


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"name": " a"}, {"name"}),
        ({"command": []}, {"command"}),
        ({"command": [" "], "outputCheck": ["a\0"]}, {"command", "outputCheck"}),
        ({"command": ["x"] * 501}, {"command"}),
        ({"parameters": [{"key": "", "value": ""}]}, {"parameters[0]"}),
        ({"parameters": [{"key": "a", "value": "b"}] * 201}, {"parameters"}),
        ({"patterns": ["", "a/b", "[a"]}, {"patterns[0]", "patterns[1]", "patterns[2]"}),
        ({"recoveries": [{"type": "consumed_status", "rounds": 0}]}, {"recoveries"}),
        ({"resources": {"cpus": 0, "diskMb": -1}}, {"resources.cpus", "resources.diskMb"}),
    ],
)
async def test_a_bad_job_type_is_refused_with_all_that_is_wrong(
    ask: Ask, counted: Counted, hypot: int, change: dict[str, Any], paths: set[str]
) -> None:
    before = await counted()
    found = await create_job_type(ask, build_job_type_input(**change))
    assert found["__typename"] == "InvalidJobType"
    assert {finding["path"] for finding in found["findings"]} == paths
    assert await counted() == before


async def test_names_are_taken_once_in_an_experiment(
    ask: Ask, counted: Counted, configured: dict[str, str]
) -> None:
    before = await counted()
    found = await create_job_type(ask, build_job_type_input(name="reco"))
    assert (found["__typename"], found["field"]) == ("NameTaken", "name")
    assert await counted() == before
    other = await create_job_type(
        ask, build_job_type_input(name="reco", experiment="other"), as_="otto"
    )
    assert other["__typename"] == "JobType"


@pytest.mark.parametrize("experiment", ["hypot", "nowhere", "a\0b"])
async def test_strangers_create_nothing(
    ask: Ask, counted: Counted, hypot: int, experiment: str
) -> None:
    before = await counted()
    found = await create_job_type(ask, build_job_type_input(experiment=experiment), as_="otto")
    assert found["__typename"] == "NotFound"
    assert await counted() == before


async def test_the_same_key_creates_once(ask: Ask, counted: Counted, hypot: int) -> None:
    made = await create_job_type(ask, build_job_type_input(idempotencyKey="k"))
    before = await counted()
    assert await create_job_type(ask, build_job_type_input(idempotencyKey="k")) == made
    other = await create_job_type(ask, build_job_type_input(name="other", idempotencyKey="k"))
    assert other["__typename"] == "IdempotencyKeyReused"
    assert await counted() == before
    assert (
        await create_job_type(ask, build_job_type_input(name="b", idempotencyKey="k"), as_="alan")
    )["name"] == "b"


async def test_each_change_is_a_version_and_is_told(
    ask: Ask, configured: dict[str, str], db: Pool
) -> None:
    await db.execute("DELETE FROM change_inbox")
    given = {"id": configured["job_type"], "name": "reco2", "command": ["b"], "expectedVersion": 1}
    found = (await ask(CHANGE, {"input": given}))["changeJobType"]
    assert (found["name"], found["version"], found["command"]) == ("reco2", 2, ["b"])
    stale = (await ask(CHANGE, {"input": given}))["changeJobType"]
    assert (stale["__typename"], stale["current"]) == ("StaleVersion", 2)
    off = {"id": configured["job_type"], "name": "reco2", "command": ["b"], "active": False}
    assert (await ask(CHANGE, {"input": off}))["changeJobType"]["active"] is False
    told = await db.fetch("SELECT kind, body ->> 'version' FROM change_inbox ORDER BY id")
    assert [tuple(row) for row in told] == [("job_type.saved", "2"), ("job_type.saved", "3")]


async def test_changes_that_may_not_be_change_nothing(
    ask: Ask, configured: dict[str, str], db: Pool
) -> None:
    await create_job_type(ask, build_job_type_input())
    before = await db.fetch("SELECT * FROM job_type ORDER BY id")
    good = {"id": configured["job_type"], "name": "reco", "command": ["b"]}
    for change, as_, problem in (
        ({"name": "sim"}, "anna", "NameTaken"),
        ({"command": []}, "anna", "InvalidJobType"),
        ({"id": "job_type:99"}, "anna", "NotFound"),
        ({"id": configured["dataset"]}, "anna", "NotFound"),
        ({}, "otto", "NotFound"),
        ({}, "alan", "NotPermitted"),
        ({}, "sam", "NotPermitted"),
    ):
        found = (await ask(CHANGE, {"input": {**good, **change}}, as_=as_))["changeJobType"]
        assert found["__typename"] == problem
    assert await db.fetch("SELECT * FROM job_type ORDER BY id") == before


async def test_job_types_are_listed_by_name(ask: Ask, configured: dict[str, str]) -> None:
    for name in ("a", "b", "z"):
        await create_job_type(ask, build_job_type_input(name=name))
    query = """query ($after: String) { jobTypes(experiment: "hypot", first: 3, after: $after) {
        nodes { name } pageInfo { hasNextPage endCursor } } }"""
    page = (await ask(query))["jobTypes"]
    assert [node["name"] for node in page["nodes"]] == ["a", "b", "reco"]
    rest = (await ask(query, {"after": page["pageInfo"]["endCursor"]}))["jobTypes"]
    assert [node["name"] for node in rest["nodes"]] == ["z"]
    assert (await ask(query, as_="otto"))["jobTypes"]["nodes"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"kind": "SSH"}, "address"),
        ({"kind": "SSH", "address": "-oProxyCommand=reboot"}, "address"),
        ({"kind": "SSH", "address": "a b"}, "address"),
        ({"address": "example.org"}, "address"),
    ],
)
async def test_launch_hosts_that_can_not_be(
    ask: Ask, counted: Counted, hypot: int, change: dict[str, str], field: str
) -> None:
    before = await counted()
    wanted = {"experiment": "hypot", "name": "far", **change}
    found = (await ask(HOST, {"input": wanted}, as_="ada"))["createLaunchHost"]
    assert (found["__typename"], found["field"]) == ("Invalid", field)
    assert await counted() == before


async def test_superusers_add_launch_hosts(ask: Ask, hypot: int) -> None:
    wanted = {
        "experiment": "hypot",
        "name": "far",
        "kind": "SSH",
        "address": "login.example.org:2222",
    }
    assert (await ask(HOST, {"input": wanted}))["createLaunchHost"]["__typename"] == "NotPermitted"
    made = (await ask(HOST, {"input": wanted}, as_="sue"))["createLaunchHost"]
    query = '{ launchHosts(experiment: "hypot") { nodes { id kind address } } }'
    (found,) = (await ask(query, as_="sam"))["launchHosts"]["nodes"]
    assert found == {"id": made["id"], "kind": "SSH", "address": "login.example.org:2222"}


async def test_credentials_are_records_of_their_owners(
    ask: Ask, counted: Counted, hypot: int
) -> None:
    wanted = {
        "experiment": "hypot",
        "name": "mine",
        "kind": "TOKEN",
        "path": "tokens/anna",
        "renewal": [],
        "expiresAt": "2030-01-31T12:00:00+00:00",
    }
    made = (await ask(CREDENTIAL, {"input": wanted}))["createCredential"]
    assert (made["path"], made["renewal"]) == (wanted["path"], wanted["renewal"])
    assert (made["expiresAt"], made["owner"]["username"]) == (wanted["expiresAt"], "anna")
    before = await counted()
    for change, problem, field in (
        ({}, "NameTaken", "name"),
        ({"name": "b", "path": "/run/tokens"}, "Invalid", "path"),
        ({"name": "b", "path": "a/../b"}, "Invalid", "path"),
    ):
        found = (await ask(CREDENTIAL, {"input": {**wanted, **change}}))["createCredential"]
        assert (found["__typename"], found["field"]) == (problem, field)
    assert await counted() == before
    query = '{ credentials(experiment: "hypot") { nodes { name kind owner { username } } } }'
    (found,) = (await ask(query, as_="alan"))["credentials"]["nodes"]
    assert found == {"name": "mine", "kind": "TOKEN", "owner": {"username": "anna"}}


async def test_a_login_setup_says_where_and_how(ask: Ask, configured: dict[str, str]) -> None:
    query = 'query { loginSetups(experiment: "hypot") { nodes { id name account launchHost { name } } } }'
    (found,) = (await ask(query))["loginSetups"]["nodes"]
    assert found["launchHost"] == {"name": "here"}
    changed = {
        "id": found["id"],
        "name": "here",
        "launchHost": "here",
        "setup": [f"source /setup.sh {NASTY}"],
        "environment": [{"key": "X509_USER_PROXY", "value": NASTY, "isSecret": False}],
    }
    made = (await ask(CHANGE_SETUP, {"input": changed}))["changeLoginSetup"]
    assert (made["version"], made["account"]) == (2, "")
    assert (made["setup"], made["environment"]) == (changed["setup"], changed["environment"])
    stale = {"input": {**changed, "expectedVersion": 1}}
    assert (await ask(CHANGE_SETUP, stale))["changeLoginSetup"]["current"] == 2
    other = (await ask(CHANGE_SETUP, {"input": changed}, as_="alan"))["changeLoginSetup"]
    assert other["__typename"] == "NotPermitted"


async def test_a_bad_login_setup_is_refused_with_all_that_is_wrong(
    ask: Ask, configured: dict[str, str], counted: Counted
) -> None:
    before = await counted()
    wanted = {
        "experiment": "hypot",
        "name": "x\n",
        "launchHost": "none",
        "credential": "none",
        "account": "-oProxyCommand=x",
        "environment": [{"key": "A B", "value": ""}, {"key": "C", "value": "1\0"}],
    }
    found = (await ask(LOGIN_SETUP, {"input": wanted}))["createLoginSetup"]
    assert found["__typename"] == "InvalidLoginSetup"
    assert {finding["path"] for finding in found["findings"]} == {
        "name",
        "launchHost",
        "credential",
        "account",
        "environment[0].key",
        "environment[1]",
    }
    assert await counted() == before


async def test_analysis_uses_its_own_credentials_only(ask: Ask, configured: dict[str, str]) -> None:
    for name, as_ in (("annas", "anna"), ("alans", "alan")):
        wanted = {"experiment": "hypot", "name": name, "kind": "PROXY", "path": f"{as_}/{name}"}
        await ask(CREDENTIAL, {"input": wanted}, as_=as_)

    async def setup(credential: str, as_: str) -> str:
        wanted = {
            "experiment": "hypot",
            "name": f"{credential} by {as_}",
            "launchHost": "here",
            "credential": credential,
        }
        found = await ask(LOGIN_SETUP, {"input": wanted}, as_=as_)
        kind: str = found["createLoginSetup"]["__typename"]
        return kind

    assert await setup("alans", "alan") == "LoginSetup"
    assert await setup("annas", "alan") == "InvalidLoginSetup"
    assert await setup("annas", "anna") == "LoginSetup"
