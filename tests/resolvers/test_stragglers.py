"""What is overdue, missing or late, as a client sees it, and the button for what is late."""

import pytest

from db.pool import Pool
from tests.resolvers.conftest import SAVE, Ask, campaign, stage
from tests.resolvers.working import Work

SHOWN = """
    query ($id: ID!) {
      submission(id: $id) { overdueSince missing { name isOutput why } late { stageId files names } }
    }
"""
LAUNCH = """
    mutation ($id: ID!, $key: String) {
      launchLate(submissionId: $id, idempotencyKey: $key) {
        __typename
        ... on LateLaunched { submissions { id filesTotal upstream { id } stage { name } createdBy { username } } }
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
async def work(db: Pool, hypot: int) -> Work:
    return await Work.make(db)


@pytest.fixture
async def id(work: Work, db: Pool) -> str:
    """A located submission of `gen`, of which one file came after `merge` was launched."""
    fed = await work.plant.dataset("fed")
    merge = await work.plant.stage("merge", ["true"], dataset_id=fed)
    await work.plant.edge(work.gen, merge, ["*"])
    row = await work.submission(work.gen, "located")
    await db.execute("UPDATE submission SET fired_at = now(), overdue_since = now()")
    await db.execute(LATE, row.id, fed)
    return f"submission:{row.id}"


async def test_what_is_late_is_listed_and_launched_once_by_hand(ask: Ask, id: str) -> None:
    waiting = (await ask(SHOWN, {"id": id}))["submission"]["late"]
    assert [(one["files"], one["names"]) for one in waiting] == [(1, ["late"])]
    first = (await ask(LAUNCH, {"id": id, "key": "k"}, as_="sam"))["launchLate"]
    (made,) = first["submissions"]
    assert made["createdBy"] == {"username": "sam"}
    assert (made["filesTotal"], made["upstream"], made["stage"]) == (1, {"id": id}, {"name": "merge"})  # fmt: skip
    assert (await ask(LAUNCH, {"id": id, "key": "k"}, as_="sam"))["launchLate"] == first
    assert (await ask(LAUNCH, {"id": id}))["launchLate"]["__typename"] == "NothingToLaunch"
    assert (await ask(SHOWN, {"id": id}))["submission"]["late"] == []


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
    with_one = stage("a", dataset="raw", deadlineS=60, deadlineFrom="COMPLETED")
    saved = (await ask(SAVE, {"input": campaign(with_one)}))["saveCampaign"]
    id = saved["campaign"]["stages"][0]["id"]
    shown = await ask("query ($id: ID!) { stage(id: $id) { deadlineS deadlineFrom } }", {"id": id})
    assert shown["stage"] == {"deadlineS": 60, "deadlineFrom": "COMPLETED"}
    wrong = stage("a", dataset="raw", deadlineS=0)
    refused = (await ask(SAVE, {"input": campaign(wrong)}))["saveCampaign"]
    assert [f["path"] for f in refused["findings"]] == ["stages[0].deadlineS"]
