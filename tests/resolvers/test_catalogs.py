"""Catalogs outside of ours in the API: who records them, what is refused, and datasets that refer to them."""

from typing import Any

import pytest

from db.files import listings
from db.pool import Pool
from domain.addresses import check_outside_url
from tests.resolvers.conftest import Ask

PROBLEM = "... on Problem { message } ... on Invalid { field }"
SAVE = f"""
    mutation ($input: SaveCatalogInput!) {{
      saveCatalog(input: $input) {{
        __typename {PROBLEM}
        ... on Catalog {{ id name kind url settings {{ name value }} credential {{ name }} troubledSince mayChange }}
      }}
    }}
"""
DATASET = """
    __typename ... on Dataset {
      id catalog definition policy filesTotal listedAt unknownSince differences { name kind details }
      listing { state requestedBy { username } decidedBy { username } trouble expectedCount goneCount reason retryAt }
    }
"""
CREATE = f"mutation ($input: CreateDatasetInput!) {{ createDataset(input: $input) {{ {DATASET} {PROBLEM} }} }}"
REFRESH = f"mutation ($id: ID!) {{ refreshDataset(id: $id) {{ {DATASET} {PROBLEM} }} }}"
DECIDE = f"mutation ($input: DecideListingInput!) {{ decideListing(input: $input) {{ {DATASET} {PROBLEM} }} }}"
ADD = f"mutation ($input: AddFilesInput!) {{ addFiles(input: $input) {{ __typename {PROBLEM} }} }}"
LIST = """
    { catalogs(experiment: "hypot", first: 5) { nodes { name trouble troubledSince experiment { name } } } }
"""
CREDENTIAL = """
    INSERT INTO credential (experiment_id, owner_id, name, kind, owning_role)
    SELECT $1, id, 'pass', 'token', 'production' FROM person WHERE username = 'anna' RETURNING id
"""
SAM = {
    "experiment": "hypot",
    "name": "sam",
    "kind": "SAM",
    "url": "https://samweb.example.org:8483/sam/hypot/api/",
    "settings": [{"name": "group", "value": "production"}],
}
DATA = {
    "experiment": "hypot",
    "name": "raw",
    "catalog": "sam",
    "definition": " raw_2026 ",
    "policy": "GROWING",
}


async def save_sam(ask: Ask, as_: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(SAVE, {"input": SAM | more}, as_=as_))["saveCatalog"]
    return found


async def test_superusers_record_catalogs_and_all_of_the_experiment_see_them(
    ask: Ask, hypot: int, db: Pool
) -> None:
    assert (await save_sam(ask, "anna"))["__typename"] == "NotPermitted"
    made = await save_sam(ask, "sue")
    assert (made["url"], made["credential"]) == (SAM["url"].rstrip("/"), None)  # type: ignore[attr-defined]
    assert made["settings"] == SAM["settings"]
    again = await save_sam(ask, "sue", settings=[], url="https://sam.example.org/api")
    assert (again["id"], again["settings"]) == (made["id"], [])
    other = await save_sam(ask, "sue", kind="RUCIO", settings=[])
    assert (other["__typename"], other["field"]) == ("Invalid", "settings.account")
    account = [{"name": "account", "value": "hypotpro"}]
    other = await save_sam(ask, "sue", kind="RUCIO", settings=account)
    assert (other["__typename"], other["field"]) == ("Invalid", "kind")
    (shown,) = (await ask(LIST, as_="alan"))["catalogs"]["nodes"]
    assert shown == {
        "name": "sam",
        "trouble": "",
        "troubledSince": None,
        "experiment": {"name": "hypot"},
    }
    kinds = await db.fetch("SELECT kind FROM change_inbox ORDER BY id")
    assert [row["kind"] for row in kinds] == ["catalog.saved", "catalog.saved"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "embedded"}, "name"),
        ({"url": "http://samweb.example.org/api"}, "url"),
        ({"settings": [{"name": "password", "value": "x"}]}, "settings.password"),
        ({"credential": "none"}, "credential"),
    ],
)
async def test_what_can_be_no_catalog_is_refused(
    ask: Ask, hypot: int, given: dict[str, Any], field: str
) -> None:
    found = await save_sam(ask, "sue", **given)
    assert (found["__typename"], found["field"]) == ("Invalid", field)


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/x", "https://127.0.0.1/x", "https://169.254.169.254/latest", "https://[::1]/",
        "https://metadata.google.internal/", "https://u:p@sam.example.org/", "ftp://sam.example.org/", "sam",
        "https://sam.example.org/?a=b", "https://sam.example.org:99999/", "https://sam example.org/", "https://2130706433/",
        "https://sam.example.org/" + "x" * 500,
    ],
)  # fmt: skip
def test_addresses_that_are_refused(url: str) -> None:
    assert check_outside_url(url, frozenset())


def test_a_host_that_the_deployment_trusts_may_be_anywhere() -> None:
    trusted = frozenset(["127.0.0.1:8080"])
    assert check_outside_url("http://127.0.0.1:8080/sam/x/api", trusted) is None
    assert check_outside_url("http://127.0.0.1:8081/sam/x/api", trusted)
    assert check_outside_url("https://samweb.example.org:8483/sam/x/api", frozenset()) is None


async def test_a_credential_is_shown_only_to_hosts_that_somebody_vouches_for(
    ask: Ask, hypot: int, db: Pool
) -> None:
    assert await db.fetchval(CREDENTIAL, hypot)
    assert (await save_sam(ask, "sue", credential="pass"))["__typename"] == "NotPermitted"
    assert (await save_sam(ask, "ada", credential="pass"))["credential"] == {"name": "pass"}
    # Whoever may not show it there can't lead it elsewhere either.
    assert (await save_sam(ask, "sue", credential="pass", url="https://mine.example.org"))[
        "__typename"
    ] == "NotPermitted"


async def test_a_dataset_refers_to_what_a_catalog_has(ask: Ask, hypot: int, db: Pool) -> None:
    unknown = (await ask(CREATE, {"input": DATA}, as_="anna"))["createDataset"]
    assert (unknown["__typename"], unknown["field"]) == ("Invalid", "catalog")
    await save_sam(ask, "sue")
    for wrong, field in (({"definition": " "}, "definition"), ({"catalog": None}, "catalog")):
        refused = (await ask(CREATE, {"input": DATA | wrong}, as_="anna"))["createDataset"]
        assert (refused["__typename"], refused["field"]) == ("Invalid", field)
    made = (await ask(CREATE, {"input": DATA}, as_="anna"))["createDataset"]
    assert (made["catalog"], made["definition"], made["policy"]) == ("sam", "raw_2026", "GROWING")
    assert (made["listing"], made["listedAt"]) == (None, None)
    file = {"name": "f", "size": 1, "location": "/x/f"}
    added = (await ask(ADD, {"input": {"id": made["id"], "files": [file]}}, as_="anna"))["addFiles"]
    assert (added["__typename"], added["field"]) == ("Invalid", "id")
    await listings.ask_due_listings(db)
    assert await db.fetchval("SELECT count(*) FROM dataset_listing") == 1


async def test_listings_are_asked_for_and_decided_by_who_may_change_the_dataset(
    ask: Ask, hypot: int, db: Pool
) -> None:
    await save_sam(ask, "sue")
    id_ = (await ask(CREATE, {"input": DATA}, as_="anna"))["createDataset"]["id"]
    assert (await ask(REFRESH, {"id": id_}, as_="alan"))["refreshDataset"][
        "__typename"
    ] == "NotPermitted"
    shown = (await ask(REFRESH, {"id": id_}, as_="anna"))["refreshDataset"]
    assert (shown["listing"]["state"], shown["listing"]["requestedBy"]) == (
        "REQUESTED",
        {"username": "anna"},
    )
    given = {"id": id_, "accept": True, "reason": "cleaned up"}
    none = (await ask(DECIDE, {"input": given}, as_="anna"))["decideListing"]
    assert (none["__typename"], none["field"]) == ("Invalid", "id")
    await db.execute("UPDATE dataset_listing SET state = 'waiting', gone = 3, told_after = 7")
    silent = (await ask(DECIDE, {"input": given | {"reason": " "}}, as_="anna"))["decideListing"]
    assert silent["field"] == "reason"
    decided = (await ask(DECIDE, {"input": given}, as_="anna"))["decideListing"]["listing"]
    assert (decided["state"], decided["goneCount"], decided["reason"]) == (
        "PUBLISHING",
        3,
        "cleaned up",
    )
    assert (decided["decidedBy"], decided["expectedCount"]) == ({"username": "anna"}, 7)
    ours = await ask(CREATE, {"input": {"experiment": "hypot", "name": "own"}}, as_="anna")
    refused = (await ask(REFRESH, {"id": ours["createDataset"]["id"]}, as_="anna"))[
        "refreshDataset"
    ]
    assert (refused["__typename"], refused["field"]) == ("Invalid", "id")
