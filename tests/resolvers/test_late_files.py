"""What is overdue, missing or late, as a client sees it, and the button for what is late."""

import pytest

from db.pool import Pool
from tests.resolvers.conftest import SAVE, Ask, build_campaign_input, build_stage_input
from tests.resolvers.submission_factory import SubmissionFactory

SHOWN = """
    query ($id: ID!) {
      submission(id: $id) { overdueSince missing { name isOutput why } lateFiles { stageId files names } }
    }
"""
LAUNCH = """
    mutation ($id: ID!, $key: String) {
      launchLate(id: $id, idempotencyKey: $key) {
        __typename
        ... on LateFilesLaunched { submissions { id filesTotal upstream { id } stage { name } createdBy { username } } }
        ... on Problem { message }
      }
    }
"""
LATE = """
    WITH made AS (
        INSERT INTO file (experiment_id, name, size, location) SELECT experiment_id, 'late', 0, '' FROM submission
         WHERE id = $1 RETURNING id
    ), put AS (
        INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, state, file_id)
        SELECT $1, 1, 1, 'late', '', 0, '', 'located', id FROM made
    ), grown AS (
        UPDATE dataset SET head = head + 1 WHERE id = $2 RETURNING old.head AS ordinal
    )
    INSERT INTO dataset_file (dataset_id, ordinal, file_id) SELECT $2, ordinal, id FROM made, grown
"""


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


@pytest.fixture
async def id(work: SubmissionFactory, db: Pool) -> str:
    """A located submission of `gen`, of which one file came after `merge` was launched."""
    fed = await work.plant.dataset("fed")
    merge = await work.plant.stage("merge", ["true"], dataset_id=fed)
    await work.plant.edge(work.gen, merge, ["*"])
    row = await work.submission(work.gen, "located")
    await db.execute("UPDATE submission SET fired_at = now(), overdue_since = now()")
    await db.execute(LATE, row.id, fed)
    return f"submission:{row.id}"


async def test_what_is_late_is_listed_and_launched_once_by_hand(ask: Ask, id: str) -> None:
    waiting = (await ask(SHOWN, {"id": id}))["submission"]["lateFiles"]
    assert [(one["files"], one["names"]) for one in waiting] == [(1, ["late"])]
    first = (await ask(LAUNCH, {"id": id, "key": "k"}, as_="sam"))["launchLate"]
    (made,) = first["submissions"]
    assert made["createdBy"] == {"username": "sam"}
    assert (made["filesTotal"], made["upstream"], made["stage"]) == (1, {"id": id}, {"name": "merge"})  # fmt: skip
    assert (await ask(LAUNCH, {"id": id, "key": "k"}, as_="sam"))["launchLate"] == first
    assert (await ask(LAUNCH, {"id": id}))["launchLate"]["__typename"] == "NothingToLaunch"
    assert (await ask(SHOWN, {"id": id}))["submission"]["lateFiles"] == []


JOINED = """
    WITH edge AS (UPDATE dependency SET trigger = 'join' RETURNING id, downstream_id),
         stage AS (UPDATE stage g SET split = 'joined(order)', cursor = '1' FROM edge WHERE g.id = edge.downstream_id),
         come AS (INSERT INTO join_arrival (stage_id, is_test, dependency_id, origin_id, key, turn)
                  SELECT downstream_id, false, edge.id, $1, '', 0 FROM edge)
    INSERT INTO joined (stage_id, is_test, place, key, turn) SELECT downstream_id, false, 0, '', 0 FROM edge
"""


async def test_what_is_late_for_a_join_is_listed_and_launched_in_the_same_way(
    ask: Ask, id: str, db: Pool
) -> None:
    await db.execute(JOINED, int(id.rpartition(":")[2]))
    (waiting,) = (await ask(SHOWN, {"id": id}))["submission"]["lateFiles"]
    assert (waiting["files"], waiting["names"]) == (1, ["late"])
    (made,) = (await ask(LAUNCH, {"id": id}))["launchLate"]["submissions"]
    assert (made["filesTotal"], made["stage"]) == (1, {"name": "merge"})
    assert (await ask(LAUNCH, {"id": id}))["launchLate"]["__typename"] == "NothingToLaunch"
    assert (await ask(SHOWN, {"id": id}))["submission"]["lateFiles"] == []


async def test_what_is_done_and_lacks_a_result_is_missing(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    row = await work.submission(work.reco, "completed")
    await db.execute("UPDATE input_file SET outcome = 'done', delivery = 'consumed'")
    await work.plant.edge(work.reco, await work.plant.stage("next", ["true"]), ["%.root", "*.log"])
    found = (await ask(SHOWN, {"id": f"submission:{row.id}"}))["submission"]["missing"]
    assert found[:2] == [
        {"name": "f000000", "isOutput": False, "why": f"no located output matches {pattern}"}
        for pattern in ("%.root", "*.log")
    ]


async def test_what_is_missing_is_shown_by_name(ask: Ask, id: str) -> None:
    found = (await ask(SHOWN, {"id": id}))["submission"]
    assert found["overdueSince"]
    assert found["missing"] == [
        {"name": f"unit {n}", "isOutput": False, "why": "idle"} for n in range(3)
    ]


async def test_who_may_not_launch_launches_nothing_late(ask: Ask, id: str) -> None:
    assert (await ask(LAUNCH, {"id": id}, as_="alan"))["launchLate"]["__typename"] == "NotPermitted"
    assert (await ask(LAUNCH, {"id": id}, as_="otto"))["launchLate"]["__typename"] == "NotFound"


@pytest.mark.usefixtures("configured")
async def test_a_deadline_is_saved_with_its_stage(ask: Ask, hypot: int) -> None:
    with_one = build_stage_input("a", dataset="raw", deadlineS=60, deadlineFrom="COMPLETED")
    saved = (await ask(SAVE, {"input": build_campaign_input(with_one)}))["saveCampaign"]
    id = saved["campaign"]["stages"][0]["id"]
    shown = await ask("query ($id: ID!) { stage(id: $id) { deadlineS deadlineFrom } }", {"id": id})
    assert shown["stage"] == {"deadlineS": 60, "deadlineFrom": "COMPLETED"}
    wrong = build_stage_input("a", dataset="raw", deadlineS=0)
    refused = (await ask(SAVE, {"input": build_campaign_input(wrong)}))["saveCampaign"]
    assert [f["path"] for f in refused["findings"]] == ["stages[0].deadlineS"]
