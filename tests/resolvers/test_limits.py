"""Limits of stage, campaign and experiment, held by everybody who launches at the same time."""

import asyncio
from typing import Any

import pytest

from db import endings, housekeeping, queue, recoveries, submissions
from db.pool import Pool
from db.recoveries import Ready
from domain.recovery import Entry
from domain.submissions import SubmissionState as S
from tests.resolvers.conftest import Ask
from tests.resolvers.working import Work
from workers import dependents

LAUNCH = """
    mutation ($id: ID!) { launchStage(stageId: $id) { __typename ... on Problem { message } } }
"""
LIMIT = """
    mutation ($input: LaunchLimitsInput!) {
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
async def work(db: Pool, hypot: int) -> Work:
    return await Work.make(db)


async def limit(ask: Ask, id: str, as_: str = "sue", **given: int | None) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(LIMIT, {"input": {"id": id, **given}}, as_))[
        "setLaunchLimits"
    ]
    return found


async def test_limits_are_set_by_who_may(ask: Ask, work: Work, hypot: int) -> None:
    campaign, experiment = f"campaign:{work.plant.campaign_id}", f"experiment:{hypot}"
    assert await limit(ask, campaign, "anna", mostUnfinished=3) == {
        "__typename": "Campaign", "mostUnfinished": 3, "mostJobs": None
    }  # fmt: skip
    assert await limit(ask, experiment, mostJobs=50) == {
        "__typename": "Experiment", "mostUnfinished": None, "mostJobs": 50
    }  # fmt: skip
    assert (await limit(ask, campaign, "sam", mostJobs=1))["__typename"] == "NotPermitted"
    assert (await limit(ask, experiment, "anna", mostJobs=1))["__typename"] == "NotPermitted"
    assert (await limit(ask, experiment, "otto", mostJobs=1))["__typename"] == "NotFound"
    assert (await limit(ask, campaign, mostJobs=0))["field"] == "mostJobs"


async def test_a_launch_larger_than_a_limit_waits_and_says_so(
    ask: Ask, work: Work, hypot: int, db: Pool
) -> None:
    await limit(ask, f"experiment:{hypot}", mostJobs=2)
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


async def over(work: Work, state: S) -> submissions.Submission:
    """A submission of the generator whose batch work is over."""
    made = await work.submission(work.gen)
    db = work.plant.db
    async with db.acquire() as conn, conn.transaction():
        await endings.discard(conn, made.id, [S.NEW], state, "")
    found = await submissions.by_id(db, made.id)
    assert found is not None
    return found


async def fire(db: Pool, origin: submissions.Submission) -> None:
    async with db.acquire() as conn, conn.transaction():
        await submissions.by_ids(conn, [origin.id])
        await dependents.fire(conn, origin, [origin.id])


async def recover(work: Work, origin: submissions.Submission) -> None:
    ready = await recoveries.prepare(work.plant.db, [origin], Entry("all"))
    assert isinstance(ready, Ready)
    await recoveries.launch(work.plant.db, ready, None, work.plant.person_id)


async def begin_all(db: Pool) -> None:
    """What a sweep does."""
    free = await queue.free_stages(db)
    while free:
        async with db.acquire() as conn, conn.transaction():
            first = await queue.next_of(conn, free)
            begun = await queue.begin(conn, first) if first else None
        if first is None:
            return
        if begun is None:
            free.remove(first.stage_id)


async def end_some(db: Pool) -> int:
    """End what has begun, in bulk as watchers do."""
    ids = [
        row["id"]
        for row in await db.fetch("SELECT id FROM submission WHERE counted ORDER BY id LIMIT 3")
    ]
    async with db.acquire() as conn, conn.transaction():
        for id in ids:
            await endings.discard(conn, id, [S.NEW], S.CANCELLED, "")
    return len(ids)


async def test_fifty_launches_with_dependents_and_recoveries_never_pass_a_limit(
    ask: Ask, work: Work, hypot: int, db: Pool
) -> None:
    """Stage 4, campaign 7 and 16 jobs, experiment 9: of launches, dependents, recoveries and two sweeps at once."""
    raw = await db.fetchval("SELECT dataset_id FROM stage WHERE id = $1", work.reco)
    await work.plant.rows(raw, 70)
    other = await Work.make_other(db)
    located = [await over(work, S.LOCATED) for _ in range(3)]
    failed = [await over(work, S.FAILED) for _ in range(4)]
    await db.execute("UPDATE stage SET most_unfinished = 4 WHERE id = $1", work.gen)
    await limit(ask, f"campaign:{work.plant.campaign_id}", mostUnfinished=7, mostJobs=16)
    await limit(ask, f"experiment:{hypot}", mostUnfinished=9)
    stages = [work.gen, work.reco, other]
    launches = [ask(LAUNCH, {"id": f"stage:{stages[n % 3]}"}) for n in range(50)]
    found = await asyncio.gather(
        *launches,
        *(fire(db, origin) for origin in located),
        *(recover(work, origin) for origin in failed),
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
        assert await housekeeping.drift(db) == []
        ended, *_ = await asyncio.gather(end_some(db), begin_all(db), begin_all(db))
        rounds += 1
        if not ended:
            break
    assert rounds > made / 9
    assert await db.fetchval("SELECT count(*) FROM submission WHERE state = 'queued'") == 0
    assert await db.fetchval("SELECT sum(unfinished) FROM stage") == 0
