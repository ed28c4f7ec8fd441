"""Numbers of monitors as a client sees them: who says which there are, and how they come to be asked for."""

import asyncio
from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import Ask
from tests.resolvers.submission_factory import SubmissionFactory

SET = """
    mutation ($input: SetExperimentSummariesInput!) {
      setExperimentSummaries(input: $input) {
        __typename
        ... on Experiment { summaries { subject title unit source url query path } }
        ... on Problem { message }
        ... on Invalid { field }
      }
    }
"""
SHOWN = """
    query ($submission: ID!) {
      submission(id: $submission) {
        summaries { title unit value askedAt trouble }
        stage { summaries { title } }
        campaign { summaries { title value } }
      }
    }
"""
URL = "https://prometheus.example.org"
WANTED: list[dict[str, Any]] = [
    {
        "subject": "SUBMISSION", "title": "Transferred", "unit": "GB", "source": "PROMETHEUS", "url": URL,
        "query": 'sum(gb{submission="%(submission)s", user="%(user)s"})', "path": "",
    },
    {
        "subject": "CAMPAIGN", "title": "Core hours", "unit": "h", "source": "ELASTICSEARCH",
        "url": "https://gracc.example.org/q/gracc.osg.summary/_search",
        "query": '{"size": 0, "query": {"term": {"ProjectName": "%(campaign_name)s"}}}',
        "path": "aggregations.hours.value",
    },
]  # fmt: skip


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def set_summaries(ask: Ask, wanted: list[dict[str, Any]], as_: str = "sue") -> dict[str, Any]:
    given = {"input": {"experiment": "hypot", "summaries": wanted}}
    found: dict[str, Any] = (await ask(SET, given, as_=as_))["setExperimentSummaries"]
    return found


async def test_many_readers_make_one_question_and_see_the_number_with_its_age(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    assert (await set_summaries(ask, WANTED))["summaries"] == WANTED
    made = await work.submission(work.reco)
    id = {"submission": f"submission:{made.id}"}
    shown = await asyncio.gather(*(ask(SHOWN, id) for _ in range(20)))
    unknown = {"title": "Transferred", "unit": "GB", "value": None, "askedAt": None, "trouble": ""}
    assert [each["submission"]["summaries"] for each in shown] == [[unknown]] * 20
    assert shown[0]["submission"]["stage"]["summaries"] == []
    rows = await db.fetch("SELECT subject, subject_id, query FROM summary ORDER BY subject DESC")
    assert (rows[0]["subject"], rows[0]["subject_id"]) == ("submission", made.id)
    assert rows[0]["query"] == f'sum(gb{{submission="{made.id}", user="anna"}})'
    assert [row["subject"] for row in rows] == ["submission", "campaign"]
    await db.execute(
        "UPDATE summary SET value = 4.5, asked_at = now(), tried_at = now(), next_try_at = NULL"
    )
    found = (await ask(SHOWN, id))["submission"]
    assert (found["summaries"][0]["value"], found["campaign"]["summaries"][0]["value"]) == (
        4.5,
        4.5,
    )
    assert found["summaries"][0]["askedAt"]
    due = "SELECT count(*) FROM summary WHERE next_try_at IS NOT NULL"
    assert await db.fetchval(due) == 0
    await db.execute("UPDATE summary SET tried_at = now() - interval '2 hours'")
    await ask(SHOWN, id)
    assert await db.fetchval(due) == 2
    # Another question: what was answered to the one before is not shown as its answer.
    await set_summaries(ask, [{**WANTED[0], "query": "sum(other)"}])
    assert (await ask(SHOWN, id))["submission"]["summaries"][0]["value"] is None


async def test_only_superusers_say_what_is_asked(ask: Ask, work: SubmissionFactory) -> None:
    assert (await set_summaries(ask, WANTED, as_="anna"))["__typename"] == "NotPermitted"
    assert (await set_summaries(ask, WANTED, as_="otto"))["__typename"] == "NotPermitted"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "http://prometheus.example.org"}, "summaries[0].url"),
        ({"url": "https://127.0.0.1"}, "summaries[0].url"),
        ({"url": "https://user:x@prometheus.example.org"}, "summaries[0].url"),
        ({"query": "%(job)s"}, "summaries[0].query"),
        ({"subject": "JOB", "query": "1"}, "summaries[0].subject"),
    ],
)
async def test_what_can_not_be_asked_is_refused_with_its_place(
    ask: Ask, work: SubmissionFactory, wrong: dict[str, Any], field: str
) -> None:
    found = await set_summaries(ask, [{**WANTED[0], **wrong}])
    assert (found["__typename"], found["field"]) == ("Invalid", field)
