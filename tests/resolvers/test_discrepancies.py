"""Discrepancies through the API: who sees them, who decides, and that nothing is done unasked."""

import pytest

from db.pool import Pool
from tests.resolvers.conftest import Answer, Ask
from tests.resolvers.working import Work

FILE = """
    INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, experiment_id, jobs, started,
                             details, repair)
    VALUES ($1, 'local', $2, 'poms-0000aaaa-1-1', $3, $4, 2, false, 'because', 'remove') RETURNING id
"""
LIST = """
    query ($filter: DiscrepanciesFilter) {
      discrepancies(filter: $filter) {
        nodes { id kind nativeId jobs started details resolution reason submission { id } resolvedBy { username }
                proposedRepair { repair does askedAt doneAt said } } } }
"""
REPAIR = """
    mutation ($id: ID!, $dryRun: Boolean!, $key: String) {
      repairDiscrepancy(id: $id, dryRun: $dryRun, idempotencyKey: $key) {
        __typename
        ... on Discrepancy { id proposedRepair { askedAt } }
        ... on RepairPlanned { discrepancy { proposedRepair { does askedAt } } }
        ... on DiscrepancyOver { how message } } }
"""
DISMISS = """
    mutation ($id: ID!, $reason: String!) {
      dismissDiscrepancy(id: $id, reason: $reason) {
        __typename
        ... on Discrepancy { resolution reason resolvedBy { username } }
        ... on Invalid { field }
        ... on DiscrepancyOver { how } } }
"""


@pytest.fixture
async def twin(db: Pool, hypot: int) -> str:
    work = await Work.make(db)
    row = await work.submission(work.reco)
    return f"discrepancy:{await db.fetchval(FILE, 'twin', '12', row.id, hypot)}"


@pytest.fixture
async def orphan(db: Pool, hypot: int) -> str:
    assert hypot
    return f"discrepancy:{await db.fetchval(FILE, 'orphan', '13', None, None)}"


async def listed(ask: Ask, as_: str, **given: object) -> list[Answer]:
    data = await ask(LIST, {"filter": given}, as_=as_)
    nodes: list[Answer] = data["discrepancies"]["nodes"]
    return nodes


async def test_members_see_those_of_their_experiment_and_admins_all(
    ask: Ask, twin: str, orphan: str
) -> None:
    assert [d["id"] for d in await listed(ask, "anna")] == [twin]
    assert await listed(ask, "otto") == []
    assert [d["id"] for d in await listed(ask, "ada")] == [orphan, twin]
    assert [d["id"] for d in await listed(ask, "ada", kinds=["ORPHAN"])] == [orphan]
    assert await listed(ask, "ada", batchSystem="elsewhere") == []
    assert await listed(ask, "ada", open=False) == []
    (shown,) = await listed(ask, "anna", open=True, experiment="hypot")
    assert (
        shown["proposedRepair"]["does"] == "Remove what is left of cluster 12 (2 jobs) from local."
    )
    assert shown["submission"] is not None
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await ask(node, {"id": orphan}, as_="anna"))["node"] is None
    assert (await ask(node, {"id": orphan}, as_="ada"))["node"] == {"id": orphan}


async def repair(ask: Ask, id: str, as_: str = "anna", **given: object) -> Answer:
    data = await ask(REPAIR, {"id": id, "dryRun": False} | given, as_=as_)
    answer: Answer = data["repairDiscrepancy"]
    return answer


async def test_a_dry_run_shows_the_repair_and_asks_for_nothing(ask: Ask, twin: str) -> None:
    planned = await repair(ask, twin, dryRun=True)
    assert planned["discrepancy"]["proposedRepair"]["askedAt"] is None
    (shown,) = await listed(ask, "anna")
    assert shown["proposedRepair"]["askedAt"] is None


async def test_a_repair_is_asked_for_once_with_a_key(ask: Ask, twin: str, orphan: str) -> None:
    first = await repair(ask, twin, key="k")
    assert first["proposedRepair"]["askedAt"] is not None
    assert await repair(ask, twin, key="k") == first
    again = await repair(ask, orphan, as_="ada", key="k")
    assert again["__typename"] == "Discrepancy"


async def test_who_may_not_operate_decides_nothing(ask: Ask, twin: str, orphan: str) -> None:
    assert (await repair(ask, twin, as_="alan"))["__typename"] == "NotPermitted"
    assert (await repair(ask, twin, as_="otto"))["__typename"] == "NotFound"
    assert (await repair(ask, orphan, as_="sue"))["__typename"] == "NotFound"
    given = {"id": twin, "reason": "no"}
    data = await ask(DISMISS, given, as_="alan")
    assert data["dismissDiscrepancy"]["__typename"] == "NotPermitted"


async def test_one_that_is_dismissed_with_a_reason_is_over(ask: Ask, twin: str) -> None:
    empty = await ask(DISMISS, {"id": twin, "reason": " "})
    assert empty["dismissDiscrepancy"] == {"__typename": "Invalid", "field": "reason"}
    done = await ask(DISMISS, {"id": twin, "reason": "it is mine"})
    assert done["dismissDiscrepancy"] == {
        "__typename": "Discrepancy",
        "resolution": "DISMISSED",
        "reason": "it is mine",
        "resolvedBy": {"username": "anna"},
    }
    again = await ask(DISMISS, {"id": twin, "reason": "again"})
    assert again["dismissDiscrepancy"]["__typename"] == "DiscrepancyOver"
    assert (await repair(ask, twin))["how"] == "DISMISSED"
    assert [d["id"] for d in await listed(ask, "anna", open=False)] == [twin]
