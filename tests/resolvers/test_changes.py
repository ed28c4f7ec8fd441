"""Watching: history first, then news; nobody hears of what is not theirs."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from strawberry.types import ExecutionResult

from db import changes, submissions
from db.pool import Pool
from domain.submissions import SubmissionState
from schema.context import Context, House
from tests.resolvers.conftest import schema
from tests.resolvers.working import Work

Make = Callable[[str], Awaitable[Context]]
Item = dict[str, Any]

CHANGES = """
    subscription ($filter: ChangesFilter, $after: String) {
      changes(filter: $filter, after: $after) {
        __typename
        ... on Change { cursor kind submissionId experimentId body }
        ... on Heartbeat { cursor }
        ... on CursorExpired { oldest }
        ... on CursorFromAnotherHistory { head }
      }
    }
"""
SUBMISSION = """
    subscription ($id: ID!) {
      submissionChanged(id: $id) {
        __typename
        ... on SubmissionNow { head submission { id state jobsRunning availableActions } }
      }
    }
"""
PROGRESS = """
    subscription ($id: ID!) {
      campaignProgress(id: $id) {
        __typename
        ... on CampaignProgress {
          head stages { name submissionsTotal submissions { state count } jobsTotal jobsIdle filesWaiting }
        }
      }
    }
"""
OUTPUT = """
    subscription ($id: ID!, $after: Int! = -1) {
      launchOutput(submissionId: $id, after: $after) {
        __typename ... on LaunchOutput { sequence attempt text }
      }
    }
"""


@pytest.fixture
async def work(db: Pool, hypot: int) -> Work:
    return await Work.make(db)


@pytest.fixture
async def fed(house: House, redis: Redis) -> AsyncIterator[House]:
    """A house whose feed runs."""
    async with house.feed.running(redis):
        await house.feed.now()
        yield house


async def caught_up(house: House) -> None:
    """Wait until the feed has read all that there is."""
    house.feed.look()
    async with asyncio.timeout(20):
        while house.feed.head.position < (await changes.head(house.db))[0]:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def watching(
    make: Make, query: str, as_: str = "anna", **variables: Any
) -> AsyncIterator[AsyncGenerator[Item, None]]:
    """The items of a subscription, one by one."""
    stream = await schema().stream(query, variables, await make(as_))

    async def items() -> AsyncGenerator[Item, None]:
        async for result in stream:
            assert isinstance(result, ExecutionResult)
            assert not result.errors, result.errors
            assert result.data
            yield next(iter(result.data.values()))

    async with asyncio.timeout(30), aclosing(stream), aclosing(items()) as found:
        yield found


async def move(work: Work, id: int, old: SubmissionState, new: SubmissionState) -> None:
    await submissions.move(work.plant.db, id, [old], new)
    await work.tell()


S = SubmissionState


async def test_changes_come_as_history_and_then_live(fed: House, context: Make, work: Work) -> None:
    async with watching(context, CHANGES) as items:
        beat = await anext(items)
        assert beat["__typename"] == "Heartbeat"
        row = await work.submission(work.reco)
        fed.feed.look()
        first = await anext(items)
        assert (first["kind"], first["submissionId"]) == ("submission.new", f"submission:{row.id}")
        assert first["body"]["state"] == "new"
        await move(work, row.id, S.NEW, S.SUBMITTING)
        fed.feed.look()
        assert (await anext(items))["kind"] == "submission.submitting"
    async with watching(context, CHANGES, after=first["cursor"]) as items:
        assert (await anext(items))["kind"] == "submission.submitting"
        assert (await anext(items))["__typename"] == "Heartbeat"
    async with watching(context, CHANGES, after=beat["cursor"]) as items:
        assert (await anext(items)) == first


async def test_what_a_filter_leaves_out_does_not_come(
    fed: House, context: Make, work: Work
) -> None:
    start = (await anext_of(context, CHANGES))["cursor"]
    one, two = await work.submission(work.reco), await work.submission(work.gen)
    await caught_up(fed)
    for given in (
        {"submissionId": f"submission:{two.id}"},
        {"kinds": ["submission.n"], "submissionId": f"submission:{two.id}"},
    ):
        async with watching(context, CHANGES, filter=given, after=start) as items:
            assert (await anext(items))["submissionId"] == f"submission:{two.id}"
    async with watching(context, CHANGES, filter={"experiment": "hypot"}, after=start) as items:
        assert (await anext(items))["submissionId"] == f"submission:{one.id}"


async def anext_of(make: Make, query: str, as_: str = "anna", **variables: Any) -> Item:
    """The first item."""
    async with watching(make, query, as_, **variables) as items:
        return await anext(items)


async def test_who_is_of_another_experiment_hears_nothing(
    fed: House, context: Make, work: Work
) -> None:
    start = (await anext_of(context, CHANGES))["cursor"]
    row = await work.submission(work.reco)
    await caught_up(fed)
    id = f"submission:{row.id}"
    campaign = f"campaign:{work.plant.campaign_id}"
    assert (await anext_of(context, CHANGES, "otto", after=start))["__typename"] == "Heartbeat"
    for given in ({"experiment": "hypot"}, {"campaignId": campaign}, {"submissionId": id}):
        found = await anext_of(context, CHANGES, "otto", filter=given, after=start)
        assert found == {"__typename": "NotFound"}
    assert await anext_of(context, SUBMISSION, "otto", id=id) == {"__typename": "NotFound"}
    assert await anext_of(context, SUBMISSION, id="submission:999") == {"__typename": "NotFound"}
    assert await anext_of(context, PROGRESS, "otto", id=campaign) == {"__typename": "NotFound"}
    assert await anext_of(context, OUTPUT, "otto", id=id) == {"__typename": "NotFound"}


async def test_a_cursor_is_only_good_in_its_own_history(
    fed: House, context: Make, work: Work, db: Pool
) -> None:
    start = (await anext_of(context, CHANGES))["cursor"]
    await work.submission(work.reco)
    await db.execute("UPDATE change SET position = position + 100")
    await db.execute("UPDATE change_head SET position = position + 100")
    assert (await anext_of(context, CHANGES, after=start))["__typename"] == "CursorExpired"
    before = fed.feed.head.history
    await db.execute("UPDATE change_head SET history_id = gen_random_uuid()")
    fed.feed.look()
    while fed.feed.head.history == before:
        await asyncio.sleep(0.01)
    found = await anext_of(context, CHANGES, after=start)
    assert found["__typename"] == "CursorFromAnotherHistory"


async def test_a_watched_submission_comes_whole_after_each_change(
    fed: House, context: Make, work: Work
) -> None:
    row = await work.submission(work.reco)
    async with watching(context, SUBMISSION, id=f"submission:{row.id}") as items:
        assert (await anext(items))["submission"]["state"] == "NEW"
        await move(work, row.id, S.NEW, S.SUBMITTING)
        fed.feed.look()
        while (now := await anext(items))["submission"]["state"] != "SUBMITTING":
            pass
        assert now["submission"]["availableActions"] == ["CANCEL"]
    async with watching(context, CHANGES, after=now["head"]) as items:
        assert (await anext(items))["__typename"] == "Heartbeat"


async def test_the_progress_of_a_campaign_sums_its_submissions(
    fed: House, context: Make, work: Work
) -> None:
    async with watching(context, PROGRESS, id=f"campaign:{work.plant.campaign_id}") as items:
        assert [s["submissionsTotal"] for s in (await anext(items))["stages"]] == [0, 0]
        await work.submission(work.reco)
        await work.submission(work.reco)
        fed.feed.look()
        while (reco := (await anext(items))["stages"][1])["submissionsTotal"] < 2:
            pass
        assert reco["submissions"] == [{"state": "NEW", "count": 2}]
        assert (reco["jobsTotal"], reco["jobsIdle"], reco["filesWaiting"]) == (8, 8, 8)


async def test_what_a_launch_says_comes_until_it_is_launched(
    fed: House, context: Make, work: Work, db: Pool
) -> None:
    row = await work.submission(work.reco)
    say = "INSERT INTO launch_output VALUES ($1, $2, 1, $3)"
    await db.execute(say, row.id, 1, "one")
    async with watching(context, OUTPUT, id=f"submission:{row.id}") as items:
        assert (await anext(items))["text"] == "one"
        await db.execute(say, row.id, 2, "two")
        await db.execute("UPDATE submission SET state = 'idle'")
        assert (await anext(items))["text"] == "two"
        assert [item async for item in items] == []
    async with watching(context, OUTPUT, id=f"submission:{row.id}", after=1) as items:
        assert [item["text"] async for item in items] == ["two"]


KEPT = """
    query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      launchOutput(submissionId: $id, first: $first, after: $after, last: $last, before: $before) {
        nodes { sequence attempt text }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
"""


async def test_what_a_launch_has_said_is_read_page_by_page_from_both_ends(
    context: Make, work: Work, db: Pool
) -> None:
    row = await work.submission(work.reco, "idle")
    say = "INSERT INTO launch_output VALUES ($1, $2, 1, $3)"
    await db.executemany(say, [(row.id, n, f"piece {n}") for n in range(1, 6)])

    async def page(as_: str = "anna", **given: Any) -> Any:
        told = {"id": f"submission:{row.id}", **given}
        result = await schema().execute(KEPT, told, await context(as_))
        assert result.data, result.errors
        return result.data["launchOutput"]

    def pieces(page: Any) -> list[int]:
        return [node["sequence"] for node in page["nodes"]]

    one = await page(first=2)
    two = await page(first=2, after=one["pageInfo"]["endCursor"])
    three = await page(first=2, after=two["pageInfo"]["endCursor"])
    assert [pieces(one), pieces(two), pieces(three)] == [[1, 2], [3, 4], [5]]
    assert one["nodes"][0] == {"sequence": 1, "attempt": 1, "text": "piece 1"}
    assert (two["pageInfo"]["hasNextPage"], three["pageInfo"]["hasNextPage"]) == (True, False)
    assert pieces(end := await page(last=2)) == [4, 5]
    assert pieces(await page(last=2, before=end["pageInfo"]["startCursor"])) == [2, 3]
    assert await page(as_="otto") is None
    assert await page(id="submission:999") is None
