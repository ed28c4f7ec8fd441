"""Links of an experiment's things: who says which there are, and what they lead to."""

from typing import Any

import pytest

from db.pool import Pool
from tests.resolvers.conftest import Ask
from tests.resolvers.submission_factory import SubmissionFactory

SET = """
    mutation ($input: SetExperimentLinksInput!) {
      setExperimentLinks(input: $input) {
        __typename
        ... on Experiment { links { subject title template } }
        ... on Problem { message }
        ... on Invalid { field }
      }
    }
"""
SHOWN = """
    query ($submission: ID!, $dataset: ID!) {
      submission(id: $submission) {
        links { title url }
        stage { links { url } }
        campaign { links { url } }
        jobs(first: 1) { nodes { links { url } } }
      }
      dataset(id: $dataset) { links { url } }
    }
"""
HOST = "https://monitor.example.org"
LINKS = [
    {"subject": "SUBMISSION", "title": "Cluster", "template": HOST + "/c/{cluster}"},
    {"subject": "SUBMISSION", "title": "Person", "template": HOST + "/{experiment}/{user}?to={to}"},
    {"subject": "STAGE", "title": "Stage", "template": HOST + "/{stage_name}/{campaign_name}"},
    {"subject": "CAMPAIGN", "title": "Campaign", "template": HOST + "/{campaign}"},
    {"subject": "JOB", "title": "Job", "template": HOST + "/{submission}.{job}"},
    {"subject": "DATASET", "title": "Files", "template": HOST + "/{dataset_name}"},
]


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def set_links(ask: Ask, links: list[dict[str, str]], as_: str = "sue") -> dict[str, Any]:
    wanted = {"input": {"experiment": "hypot", "links": links}}
    found: dict[str, Any] = (await ask(SET, wanted, as_=as_))["setExperimentLinks"]
    return found


async def test_what_is_shown_has_the_links_that_superusers_have_set(
    ask: Ask, work: SubmissionFactory, db: Pool
) -> None:
    assert (await set_links(ask, LINKS))["links"] == LINKS
    made = await work.submission(work.reco)
    dataset = await db.fetchval("SELECT 'dataset:' || id FROM dataset WHERE name = 'raw'")
    found = await ask(SHOWN, {"submission": f"submission:{made.id}", "dataset": dataset})
    shown = found["submission"]
    # Nothing is known of a cluster yet.
    assert shown["links"] == [{"title": "Person", "url": HOST + "/hypot/anna?to=now"}]
    assert shown["stage"]["links"] == [{"url": HOST + "/reco/toy"}]
    assert shown["campaign"]["links"] == [{"url": f"{HOST}/{work.plant.campaign_id}"}]
    assert shown["jobs"]["nodes"][0]["links"] == [{"url": f"{HOST}/{made.id}.1"}]
    assert found["dataset"]["links"] == [{"url": HOST + "/raw"}]
    told = await db.fetchval("SELECT body FROM change WHERE kind = 'experiment.links'")
    assert told["links"][3] == f"campaign Campaign {HOST}/{{campaign}}"


async def test_only_superusers_set_links_and_a_bad_one_changes_nothing(
    ask: Ask, hypot: int, db: Pool
) -> None:
    for person in ("anna", "sam", "alan", "otto"):
        found = await set_links(ask, LINKS, as_=person)
        assert found["__typename"] in ("NotPermitted", "NotFound"), person
    bad = [*LINKS, {"subject": "JOB", "title": "x", "template": "javascript:alert(1)"}]
    assert (await set_links(ask, bad))["field"] == "links[6].template"
    assert await db.fetchval("SELECT links FROM experiment WHERE id = $1", hypot) == []
