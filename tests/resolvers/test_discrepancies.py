"""Discrepancies through the API: who sees them, who decides, and that nothing is done unasked."""

import pytest

from db.pool import Pool
from tests.resolvers.conftest import Answer, Ask
from tests.resolvers.submission_factory import SubmissionFactory

FILE = """
    INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, experiment_id, jobs, started,
                             details, repair)
    VALUES ($1, 'local', $2, 'poms-0000aaaa-1-1', $3, $4, 2, false, 'because', 'remove') RETURNING id
"""
LIST = """
    query ($filter: DiscrepanciesFilter) {
      discrepancies(filter: $filter) {
        nodes { id kind nativeId jobs started details resolution reason submission { id } resolvedBy { username }
                proposedRepair { repair description nextTryAt doneAt resultMessage } } } }
"""
REPAIR = """
    mutation ($id: ID!, $dryRun: Boolean!, $key: String) {
      repairDiscrepancy(id: $id, dryRun: $dryRun, idempotencyKey: $key) {
        __typename
        ... on Discrepancy { id proposedRepair { nextTryAt } }
        ... on RepairPlanned { discrepancy { proposedRepair { description nextTryAt } } }
        ... on DiscrepancyOver { outcome message } } }
"""
DISMISS = """
    mutation ($id: ID!, $reason: String!) {
      dismissDiscrepancy(id: $id, reason: $reason) {
        __typename
        ... on Discrepancy { resolution reason resolvedBy { username } }
        ... on Invalid { field }
        ... on DiscrepancyOver { outcome } } }
"""


@pytest.fixture
async def duplicate(db: Pool, hypot: int) -> str:
    work = await SubmissionFactory.make(db)
    row = await work.submission(work.reco)
    return f"discrepancy:{await db.fetchval(FILE, 'duplicate_cluster', '12', row.id, hypot)}"


@pytest.fixture
async def orphan(db: Pool, hypot: int) -> str:
    assert hypot
    return f"discrepancy:{await db.fetchval(FILE, 'orphan', '13', None, None)}"


async def list_discrepancies(ask: Ask, as_: str, **given: object) -> list[Answer]:
    data = await ask(LIST, {"filter": given}, as_=as_)
    nodes: list[Answer] = data["discrepancies"]["nodes"]
    return nodes


async def test_members_see_those_of_their_experiment_and_admins_all(
    ask: Ask, duplicate: str, orphan: str
) -> None:
    assert [d["id"] for d in await list_discrepancies(ask, "anna")] == [duplicate]
    assert await list_discrepancies(ask, "otto") == []
    assert [d["id"] for d in await list_discrepancies(ask, "ada")] == [orphan, duplicate]
    assert [d["id"] for d in await list_discrepancies(ask, "ada", kinds=["ORPHAN"])] == [orphan]
    assert await list_discrepancies(ask, "ada", batchSystem="elsewhere") == []
    assert await list_discrepancies(ask, "ada", open=False) == []
    (shown,) = await list_discrepancies(ask, "anna", open=True, experiment="hypot")
    assert (
        shown["proposedRepair"]["description"]
        == "Remove what is left of cluster 12 (2 jobs) from local."
    )
    assert shown["submission"] is not None
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await ask(node, {"id": orphan}, as_="anna"))["node"] is None
    assert (await ask(node, {"id": orphan}, as_="ada"))["node"] == {"id": orphan}


async def request_repair(ask: Ask, id: str, as_: str = "anna", **given: object) -> Answer:
    data = await ask(REPAIR, {"id": id, "dryRun": False} | given, as_=as_)
    answer: Answer = data["repairDiscrepancy"]
    return answer


async def test_a_dry_run_shows_the_repair_and_asks_for_nothing(ask: Ask, duplicate: str) -> None:
    planned = await request_repair(ask, duplicate, dryRun=True)
    assert planned["discrepancy"]["proposedRepair"]["nextTryAt"] is None
    (shown,) = await list_discrepancies(ask, "anna")
    assert shown["proposedRepair"]["nextTryAt"] is None


async def test_a_repair_is_asked_for_once_with_a_key(ask: Ask, duplicate: str, orphan: str) -> None:
    first = await request_repair(ask, duplicate, key="k")
    assert first["proposedRepair"]["nextTryAt"] is not None
    assert await request_repair(ask, duplicate, key="k") == first
    again = await request_repair(ask, orphan, as_="ada", key="k")
    assert again["__typename"] == "Discrepancy"


async def test_who_may_not_operate_decides_nothing(ask: Ask, duplicate: str, orphan: str) -> None:
    assert (await request_repair(ask, duplicate, as_="alan"))["__typename"] == "NotPermitted"
    assert (await request_repair(ask, duplicate, as_="otto"))["__typename"] == "NotFound"
    assert (await request_repair(ask, orphan, as_="sue"))["__typename"] == "NotFound"
    given = {"id": duplicate, "reason": "no"}
    data = await ask(DISMISS, given, as_="alan")
    assert data["dismissDiscrepancy"]["__typename"] == "NotPermitted"


async def test_one_that_is_dismissed_with_a_reason_is_over(ask: Ask, duplicate: str) -> None:
    empty = await ask(DISMISS, {"id": duplicate, "reason": " "})
    assert empty["dismissDiscrepancy"] == {"__typename": "Invalid", "field": "reason"}
    done = await ask(DISMISS, {"id": duplicate, "reason": "it is mine"})
    assert done["dismissDiscrepancy"] == {
        "__typename": "Discrepancy",
        "resolution": "DISMISSED",
        "reason": "it is mine",
        "resolvedBy": {"username": "anna"},
    }
    again = await ask(DISMISS, {"id": duplicate, "reason": "again"})
    assert again["dismissDiscrepancy"]["__typename"] == "DiscrepancyOver"
    assert (await request_repair(ask, duplicate))["outcome"] == "DISMISSED"
    assert [d["id"] for d in await list_discrepancies(ask, "anna", open=False)] == [duplicate]


MANY = """
    mutation ($filter: DiscrepanciesFilter!, $reason: String!, $dryRun: Boolean!, $repair: Boolean!) {
      repairDiscrepancies(filter: $filter, dryRun: $dryRun) @include(if: $repair) { ...result }
      dismissDiscrepancies(input: {filter: $filter, reason: $reason, dryRun: $dryRun}) @skip(if: $repair) {
        ...result
      }
    }
    fragment result on DecideDiscrepanciesResult {
      ... on DiscrepanciesDecision { decided refused more }
      ... on Invalid { field }
    }
"""


async def decide_all(
    ask: Ask, as_: str, *kinds: str, repair: bool, dry_run: bool = False
) -> Answer:
    given = {"filter": {"kinds": list(kinds)}, "reason": "known", "dryRun": dry_run}
    data = await ask(MANY, given | {"repair": repair}, as_=as_)
    (answer,) = data.values()
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("repair", [True, False])
async def test_all_of_a_kind_are_decided_at_once_by_who_may_decide_each(
    ask: Ask, db: Pool, hypot: int, duplicate: str, orphan: str, repair: bool
) -> None:
    """Duplicate clusters: one of a submission, that its operators may decide about, and one that only admins see."""
    await db.execute(FILE, "duplicate_cluster", "14", None, None)
    changed = (
        "SELECT count(*) FROM discrepancy WHERE repair_at IS NOT NULL OR resolved_at IS NOT NULL"
    )
    assert await decide_all(ask, "ada", repair=repair) == {"field": "kinds"}
    planned = await decide_all(ask, "ada", "DUPLICATE_CLUSTER", repair=repair, dry_run=True)
    assert planned == {"decided": 2, "refused": 0, "more": False}
    assert await decide_all(ask, "alan", "DUPLICATE_CLUSTER", repair=repair) == {
        "decided": 0, "refused": 1, "more": False,
    }  # fmt: skip
    assert (await decide_all(ask, "otto", "DUPLICATE_CLUSTER", repair=repair))["refused"] == 0
    assert await db.fetchval(changed) == 0
    assert (await decide_all(ask, "anna", "DUPLICATE_CLUSTER", repair=repair))["decided"] == 1
    assert await db.fetchval(changed) == 1
    assert (await decide_all(ask, "ada", "DUPLICATE_CLUSTER", "ORPHAN", repair=repair))[
        "decided"
    ] == 2
    assert (await decide_all(ask, "ada", "DUPLICATE_CLUSTER", "ORPHAN", repair=repair))[
        "decided"
    ] == 0
    assert await db.fetchval(changed) == 3


async def test_what_is_decided_at_once_is_bounded(ask: Ask, db: Pool, hypot: int) -> None:
    many = "SELECT 'orphan', 'local', n, 'm', 0, true, '', 'remove' FROM generate_series(1, 1001) n"
    await db.execute(
        "INSERT INTO discrepancy (kind, batch_system, native_id, mark, jobs, started, details, repair) "
        + many.replace("'orphan'", "'orphan'::discrepancy_kind").replace(
            "'remove'", "'remove'::repair"
        )
    )
    first = await decide_all(ask, "ada", "ORPHAN", repair=True)
    assert first == {"decided": 1000, "refused": 0, "more": True}
    second = await decide_all(ask, "ada", "ORPHAN", repair=True)
    assert (second["decided"], second["more"]) == (1, False)
