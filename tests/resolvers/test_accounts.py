"""The account of what is done: the same numbers wherever it is asked for; and waiving what nobody wants any more."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from db.pool import Pool
from schema.context import AppState
from tests.resolvers.conftest import Ask
from tests.resolvers.submission_factory import SubmissionFactory

PARTS = """{ verdict given notLaunched done { count percent } inWork { count } waiting { count } owed { count }
             lost { count percent } waived { count } launches launchesLocated { count } }"""
EVERYWHERE = f"""query ($submission: ID!, $stage: ID!, $campaign: ID!) {{
    submission(id: $submission) {{ account {PARTS} }}
    stage(id: $stage) {{ account {PARTS} tests: account(isTest: true) {PARTS}
                         dataset {{ accounts {{ stage {{ id }} account {PARTS} }} }} }}
    campaign(id: $campaign) {{ account {PARTS} }}
    campaignProgress(id: $campaign) {{ account {PARTS} stages {{ name account {PARTS} }} }}
}}"""
WAIVE = f"""mutation ($input: WaiveInputsInput!) {{ waiveInputs(input: $input) {{ __typename
    ... on InputsWaived {{ waivedCount account {PARTS} }}
    ... on Problem {{ message }} ... on Invalid {{ field }} }} }}"""
# One of four files is done, one has failed, two were never begun.
OUTCOMES = """
    UPDATE input_file SET outcome = CASE WHEN file_id = 1 THEN 'done' ELSE 'failed' END::outcome WHERE file_id < 3
"""


@pytest.fixture
async def work(
    db: Pool, hypot: int, app_state: AppState, redis: Redis
) -> AsyncIterator[SubmissionFactory]:
    async with app_state.feed.running(redis):
        yield await SubmissionFactory.make(db)


async def ask_everywhere(ask: Ask, work: SubmissionFactory, id: int) -> dict[str, Any]:
    """The one account, which all places tell alike."""
    found = await ask(
        EVERYWHERE,
        {
            "submission": f"submission:{id}",
            "stage": f"stage:{work.reco}",
            "campaign": f"campaign:{work.plant.campaign_id}",
        },
    )
    stage, progress = found["stage"], found["campaignProgress"]
    account: dict[str, Any] = stage["account"]
    assert account.pop("notLaunched") == 6
    others = [
        found["submission"]["account"], found["campaign"]["account"], progress["account"],
        progress["stages"][1]["account"], stage["dataset"]["accounts"][0]["account"],
    ]  # fmt: skip
    assert [{**other, "notLaunched": None} for other in others] == [
        {**account, "notLaunched": None}
    ] * 5
    assert progress["stages"][0]["account"]["verdict"] == "NOTHING"
    assert (stage["tests"]["given"], stage["tests"]["verdict"]) == (0, "NOTHING")
    return account


async def make_undone(work: SubmissionFactory, db: Pool) -> int:
    """A located submission with losses."""
    row = await work.submission(
        work.reco, "located", files_done=1, files_failed=1, files_waiting=2, holds_files=False
    )
    await db.execute(OUTCOMES)
    await db.execute("UPDATE submission SET advanced_at = now()")
    return row.id


async def test_the_account_is_the_same_everywhere(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    row = await work.submission(work.reco)
    found = await ask_everywhere(ask, work, row.id)
    assert (found["verdict"], found["given"], found["waiting"]) == ("UNDER_WAY", 4, {"count": 4})
    assert found["done"] == {"count": 0, "percent": 0}


async def test_located_with_losses_is_no_success_until_they_are_waived(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    id = await make_undone(work, db)
    found = await ask_everywhere(ask, work, id)
    assert (found["verdict"], found["launchesLocated"]) == ("LOSSES", {"count": 1})
    assert (found["done"], found["lost"]) == (
        {"count": 1, "percent": 25}, {"count": 3, "percent": 75},
    )  # fmt: skip

    async def waive(**given: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (await ask(WAIVE, {"input": given}))["waiveInputs"]
        return answer

    one = await waive(id=f"submission:{id}", fileIds=["file:1", "file:2"], reason="broken")
    assert (one["waivedCount"], one["account"]["lost"]["count"]) == (1, 2)
    all_ = await waive(id=f"stage:{work.reco}", reason="not needed")
    assert (all_["waivedCount"], all_["account"]["verdict"]) == (2, "DONE")
    assert (await waive(id=f"stage:{work.reco}", reason="again"))["waivedCount"] == 0
    found = await ask_everywhere(ask, work, id)
    assert (found["verdict"], found["waived"]) == ("DONE", {"count": 3})
    told = "SELECT reason, (body ->> 'waived')::int FROM change_inbox WHERE kind = 'inputs.waived' ORDER BY id"
    assert [tuple(row) for row in await db.fetch(told)] == [("broken", 1), ("not needed", 2)]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"id": "submission:1", "reason": " "}, "reason"),
        ({"id": "submission:1", "reason": "x", "fileIds": []}, "fileIds"),
        ({"id": "submission:1", "reason": "x", "fileIds": ["file:1", "job:1.1"]}, "fileIds[1]"),
    ],
)  # fmt: skip
async def test_what_can_not_be_waived_so_is_told_where(
    ask: Ask, work: SubmissionFactory, db: Pool, given: dict[str, Any], field: str
) -> None:
    await make_undone(work, db)
    found = (await ask(WAIVE, {"input": given}))["waiveInputs"]
    assert (found["__typename"], found["field"]) == ("Invalid", field)
    assert await db.fetchval("SELECT count(*) FROM waived_input") == 0
