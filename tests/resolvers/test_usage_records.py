"""What a submission has used, for accounting: the same sums as its own counters."""

import json

import pytest

from db.pool import Pool
from tests.resolvers.conftest import Ask
from tests.resolvers.submission_factory import SubmissionFactory

USED = """
    query ($id: ID!) {
      submission(id: $id) { revision cpuS wallS usageRecord xml: usageRecord(format: USAGE_RECORD)
                            stage { name } campaign { name } createdBy { username } }
    }
"""


@pytest.fixture
async def work(db: Pool) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def test_a_submission_that_is_over_has_a_record_with_its_own_sums(
    ask: Ask, work: SubmissionFactory
) -> None:
    going = await work.submission(work.gen, "running")
    assert (await ask(USED, {"id": f"submission:{going.id}"}))["submission"]["usageRecord"] is None
    counters = {"jobs": 5, "jobs_idle": 0, "jobs_succeeded": 3, "jobs_failed": 2}
    made = await work.submission(work.reco, "completed", **counters, cpu_s=7200.5, wall_s=3600.25)
    shown = (await ask(USED, {"id": f"submission:{made.id}"}))["submission"]
    told = json.loads(shown["usageRecord"])
    assert (told["WallDuration"], told["CpuDuration"]) == (shown["wallS"], shown["cpuS"])
    assert (told["Njobs"], told["VOName"]) == (5, "hypot")
    assert told["JobName"] == f"{shown['campaign']['name']}/{shown['stage']['name']}"
    assert told["CommonName"] == shown["createdBy"]["username"]
    assert told["RecordId"] == f"poms:hypot:submission:{made.id}:{shown['revision']}"
    assert told["RecordId"] in shown["xml"]
