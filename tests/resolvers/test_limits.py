"""Limits of stage, campaign and experiment, held by everybody who launches at the same time."""

import asyncio
from typing import Any

import pytest

from db import housekeeping
from db.pool import Pool
from db.recovery import recoveries
from db.recovery.recoveries import PreparedRecovery
from db.submissions import job_driven_transitions, submissions
from domain.changes import ServicePart, make_service_actor
from domain.setup.recovery_rules import RecoveryRule
from domain.submissions.submissions import SubmissionState as S
from tests.forced_states import force_state
from tests.resolvers.conftest import Ask
from tests.resolvers.submission_factory import SubmissionFactory
from tests.worker_tools import make_worker_tools
from workers import dependents, sweep

LAUNCH = """
    mutation ($id: ID!) { launchStage(input: {id: $id}) { __typename ... on Problem { message } } }
"""
LIMIT = """
    mutation ($input: SetLaunchLimitsInput!) {
      setLaunchLimits(input: $input) {
        __typename
        ... on Campaign { mostUnfinished mostJobs }
        ... on Experiment { mostUnfinished mostJobs }
        ... on Problem { message }
        ... on Invalid { field }
      }
    }
"""
USED = """
    SELECT count(*), coalesce(sum(jobs_idle), 0), count(*) FILTER (WHERE stage_id = $1),
           count(*) FILTER (WHERE campaign_id = $2), coalesce(sum(jobs_idle) FILTER (WHERE campaign_id = $2), 0)
      FROM submission WHERE counted
"""


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def set_limit(ask: Ask, id: str, as_: str = "sue", **given: int | None) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(LIMIT, {"input": {"id": id, **given}}, as_))[
        "setLaunchLimits"
    ]
    return found


async def test_limits_are_set_by_who_may(ask: Ask, work: SubmissionFactory, hypot: int) -> None:
    campaign, experiment = f"campaign:{work.plant.campaign_id}", f"experiment:{hypot}"
    assert await set_limit(ask, campaign, "anna", mostUnfinished=3) == {
        "__typename": "Campaign", "mostUnfinished": 3, "mostJobs": None
    }  # fmt: skip
    assert await set_limit(ask, experiment, mostJobs=50) == {
        "__typename": "Experiment", "mostUnfinished": None, "mostJobs": 50
    }  # fmt: skip
    assert (await set_limit(ask, campaign, "sam", mostJobs=1))["__typename"] == "NotPermitted"
    assert (await set_limit(ask, experiment, "anna", mostJobs=1))["__typename"] == "NotPermitted"
    assert (await set_limit(ask, experiment, "otto", mostJobs=1))["__typename"] == "NotFound"
    assert (await set_limit(ask, campaign, mostJobs=0))["field"] == "mostJobs"


async def test_a_launch_larger_than_a_limit_waits_and_says_so(
    ask: Ask, work: SubmissionFactory, hypot: int, db: Pool
) -> None:
    await set_limit(ask, f"experiment:{hypot}", mostJobs=2)
    query = (
        "{ launchQueue { nodes { waiting { kind reason limits { scope counts most used } } } } }"
    )
    await ask(LAUNCH, {"id": f"stage:{work.gen}"})
    (waits,) = (await ask(query))["launchQueue"]["nodes"]
    assert waits["waiting"] == {
        "kind": "LIMIT",
        "reason": "experiment hypot has 0 of at most 2 jobs that are not over, and this needs 3.",
        "limits": [{"scope": "EXPERIMENT", "counts": "JOBS", "most": 2, "used": 0}],
    }


async def make_ended(work: SubmissionFactory, state: S) -> submissions.Submission:
    """A submission of the generator whose batch work is over."""
    db = work.plant.db
    made = await work.submission(work.gen, S.RUNNING)
    async with db.acquire() as conn, conn.transaction():
        end = S.COMPLETED if state is S.LOCATED else state
        await job_driven_transitions.discard_launch(
            conn, made.id, [S.RUNNING], end, make_service_actor(ServicePart.ACT)
        )
    if state is S.LOCATED:
        await force_state(db, state, "id = $1", made.id)
    found = await submissions.find_by_id(db, made.id)
    assert found is not None
    return found


async def fire_dependents(db: Pool, origin: submissions.Submission) -> None:
    async with db.acquire() as conn, conn.transaction():
        await submissions.find_by_ids(conn, [origin.id])
        await dependents.launch_dependents(conn, origin, [origin.id])


async def launch_recovery(work: SubmissionFactory, origin: submissions.Submission) -> None:
    ready = await recoveries.prepare_recovery(work.plant.db, [origin], RecoveryRule("all"))
    assert isinstance(ready, PreparedRecovery)
    await recoveries.launch_recovery(work.plant.db, ready, None, work.plant.person_id)


async def begin_all(db: Pool) -> None:
    """What a sweep does."""
    await sweep.promote_launches(make_worker_tools(db))


async def end_some(db: Pool) -> int:
    """End what has begun, in bulk as watchers do."""
    ids = [
        row["id"]
        for row in await db.fetch("SELECT id FROM submission WHERE counted ORDER BY id LIMIT 3")
    ]
    async with db.acquire() as conn, conn.transaction():
        for id in ids:
            await job_driven_transitions.discard_launch(
                conn, id, [S.NEW], S.CANCELLED, make_service_actor(ServicePart.ACT)
            )
    return len(ids)


async def test_fifty_launches_with_dependents_and_recoveries_never_pass_a_limit(
    ask: Ask, work: SubmissionFactory, hypot: int, db: Pool
) -> None:
    """Stage 4, campaign 7 and 16 jobs, experiment 9: of launches, dependents, recoveries and two sweeps at once."""
    raw = await db.fetchval("SELECT dataset_id FROM stage WHERE id = $1", work.reco)
    await work.plant.rows(raw, 70)
    other = await SubmissionFactory.make_other(db)
    located = [await make_ended(work, S.LOCATED) for _ in range(3)]
    failed = [await make_ended(work, S.FAILED) for _ in range(4)]
    await db.execute("UPDATE stage SET most_unfinished = 4 WHERE id = $1", work.gen)
    await set_limit(ask, f"campaign:{work.plant.campaign_id}", mostUnfinished=7, mostJobs=16)
    await set_limit(ask, f"experiment:{hypot}", mostUnfinished=9)
    stages = [work.gen, work.reco, other]
    launches = [ask(LAUNCH, {"id": f"stage:{stages[n % 3]}"}) for n in range(50)]
    found = await asyncio.gather(
        *launches,
        *(fire_dependents(db, origin) for origin in located),
        *(launch_recovery(work, origin) for origin in failed),
        begin_all(db),
    )
    names = {answer["launchStage"]["__typename"] for answer in found if answer}
    assert names <= {"Submission", "NothingToLaunch"}
    made, rounds = await db.fetchval("SELECT count(*) FROM submission WHERE state = 'queued'"), 0
    assert made > 40
    while True:
        row = await db.fetchrow(USED, work.gen, work.plant.campaign_id)
        assert row is not None
        assert all(have <= most for have, most in zip(row, (9, 10**6, 4, 7, 16), strict=True)), row
        assert await housekeeping.find_drift(db) == []
        ended, *_ = await asyncio.gather(end_some(db), begin_all(db), begin_all(db))
        rounds += 1
        if not ended:
            break
    assert rounds > made / 9
    assert await db.fetchval("SELECT count(*) FROM submission WHERE state = 'queued'") == 0
    assert await db.fetchval("SELECT sum(unfinished) FROM stage") == 0
