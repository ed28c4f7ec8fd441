"""Watching: history first, then news; nobody hears of what is not theirs."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from strawberry.types import ExecutionResult

from db import changes
from db.pool import Pool
from db.submissions import submissions
from domain.submissions.submissions import SubmissionState
from feed import FeedHead
from schema.context import AppState, Context
from schema.submissions.changes import encode_change_cursor
from tests.forced_states import force_state
from tests.resolvers.conftest import make_cached_schema
from tests.resolvers.submission_factory import SubmissionFactory
from tests.workers.aged import retain_parts, tell_old_changes

Make = Callable[[str], Awaitable[Context]]
Item = dict[str, Any]

CHANGES = """
    subscription ($filter: ChangesFilter, $after: String) {
      changes(filter: $filter, after: $after) {
        __typename
        ... on Change { cursor kind submissionId experimentId subjectId reason part actor { username } }
        ... on SubmissionChange { state jobsIdle stageId }
        ... on OtherChange { name }
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
    subscription ($id: ID!, $after: String) {
      launchOutput(id: $id, after: $after) {
        __typename ... on LaunchOutput { cursor attempt text }
      }
    }
"""


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


@pytest.fixture
async def fed(app_state: AppState, redis: Redis) -> AsyncIterator[AppState]:
    """A house whose feed runs."""
    async with app_state.feed.running(redis):
        await app_state.feed.now()
        yield app_state


async def wait_until_read(app_state: AppState) -> None:
    """Wait until the feed has read all that there is."""
    app_state.feed.look()
    async with asyncio.timeout(20):
        while app_state.feed.head.position < (await changes.find_head(app_state.db.everything))[0]:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def watch_items(
    make: Make, query: str, as_: str = "anna", **variables: Any
) -> AsyncIterator[AsyncGenerator[Item, None]]:
    """The items of a subscription, one by one."""
    stream = await make_cached_schema().stream(query, variables, await make(as_))

    async def items() -> AsyncGenerator[Item, None]:
        async for result in stream:
            assert isinstance(result, ExecutionResult)
            assert not result.errors, result.errors
            assert result.data
            yield next(iter(result.data.values()))

    async with asyncio.timeout(30), aclosing(stream), aclosing(items()) as found:
        yield found


async def move_submission(
    work: SubmissionFactory, id: int, old: SubmissionState, new: SubmissionState
) -> None:
    await submissions.move_state(work.plant.db, id, [old], new)
    await work.tell()


S = SubmissionState


async def test_changes_come_as_history_and_then_live(
    fed: AppState, context: Make, work: SubmissionFactory
) -> None:
    async with watch_items(context, CHANGES) as items:
        beat = await anext(items)
        assert beat["__typename"] == "Heartbeat"
        row = await work.submission(work.reco)
        fed.feed.look()
        first = await anext(items)
        assert (first["kind"], first["submissionId"]) == ("SUBMISSION_NEW", f"submission:{row.id}")
        assert (first["state"], first["jobsIdle"]) == ("NEW", 4)
        assert (first["actor"], first["part"]) == ({"username": "anna"}, None)
        assert (first["subjectId"], first["stageId"]) == (
            first["submissionId"],
            f"stage:{work.reco}",
        )
        await move_submission(work, row.id, S.NEW, S.SUBMITTING)
        fed.feed.look()
        assert (await anext(items))["kind"] == "SUBMISSION_SUBMITTING"
    async with watch_items(context, CHANGES, after=first["cursor"]) as items:
        assert (await anext(items))["kind"] == "SUBMISSION_SUBMITTING"
        assert (await anext(items))["__typename"] == "Heartbeat"
    async with watch_items(context, CHANGES, after=beat["cursor"]) as items:
        assert (await anext(items)) == first


async def test_what_a_filter_leaves_out_does_not_come(
    fed: AppState, context: Make, work: SubmissionFactory
) -> None:
    start = (await fetch_first_item(context, CHANGES))["cursor"]
    one, two = await work.submission(work.reco), await work.submission(work.gen)
    await wait_until_read(fed)
    for given in (
        {"submissionId": f"submission:{two.id}"},
        {"kinds": ["SUBMISSION_NEW"], "submissionId": f"submission:{two.id}"},
    ):
        async with watch_items(context, CHANGES, filter=given, after=start) as items:
            assert (await anext(items))["submissionId"] == f"submission:{two.id}"
    async with watch_items(context, CHANGES, filter={"experiment": "hypot"}, after=start) as items:
        assert (await anext(items))["submissionId"] == f"submission:{one.id}"


async def fetch_first_item(make: Make, query: str, as_: str = "anna", **variables: Any) -> Item:
    """The first item."""
    async with watch_items(make, query, as_, **variables) as items:
        return await anext(items)


async def test_who_is_of_another_experiment_hears_nothing(
    fed: AppState, context: Make, work: SubmissionFactory
) -> None:
    start = (await fetch_first_item(context, CHANGES))["cursor"]
    row = await work.submission(work.reco)
    await wait_until_read(fed)
    id = f"submission:{row.id}"
    campaign = f"campaign:{work.plant.campaign_id}"
    assert (await fetch_first_item(context, CHANGES, "otto", after=start))[
        "__typename"
    ] == "Heartbeat"
    for given in ({"experiment": "hypot"}, {"campaignId": campaign}, {"submissionId": id}):
        found = await fetch_first_item(context, CHANGES, "otto", filter=given, after=start)
        assert found == {"__typename": "NotFound"}
    assert await fetch_first_item(context, SUBMISSION, "otto", id=id) == {"__typename": "NotFound"}
    assert await fetch_first_item(context, SUBMISSION, id="submission:999") == {
        "__typename": "NotFound"
    }
    assert await fetch_first_item(context, PROGRESS, "otto", id=campaign) == {
        "__typename": "NotFound"
    }
    assert await fetch_first_item(context, OUTPUT, "otto", id=id) == {"__typename": "NotFound"}


async def test_a_cursor_is_only_good_in_its_own_history(
    fed: AppState, context: Make, work: SubmissionFactory, db: Pool
) -> None:
    start = (await fetch_first_item(context, CHANGES))["cursor"]
    await work.submission(work.reco)
    await db.execute("UPDATE change SET position = position + 100")
    await db.execute("UPDATE change_head SET position = position + 100, dropped_to = 100")
    assert (await fetch_first_item(context, CHANGES, after=start))["__typename"] == "CursorExpired"
    before = fed.feed.head.history
    await db.execute("UPDATE change_head SET history_id = gen_random_uuid()")
    fed.feed.look()
    while fed.feed.head.history == before:
        await asyncio.sleep(0.01)
    found = await fetch_first_item(context, CHANGES, after=start)
    assert found["__typename"] == "CursorFromAnotherHistory"


async def test_after_a_retention_an_old_cursor_has_expired_and_the_kept_changes_come(
    fed: AppState, context: Make, hypot: int, db: Pool, worker_db: Pool, tmp_path: Path
) -> None:
    await tell_old_changes(db, None)
    await db.execute("UPDATE change SET experiment_id = $1", hypot)
    await wait_until_read(fed)
    old = encode_change_cursor(FeedHead(1, fed.feed.head.history))
    assert (await fetch_first_item(context, CHANGES, after=old))["name"] == "test.old"
    assert await retain_parts(worker_db, tmp_path / "archive", tmp_path, changes_days=30)
    expired = await fetch_first_item(context, CHANGES, after=old)
    assert expired["__typename"] == "CursorExpired"
    assert (await fetch_first_item(context, CHANGES, after=expired["oldest"]))[
        "name"
    ] == "test.today"


async def test_a_watched_submission_comes_whole_after_each_change(
    fed: AppState, context: Make, work: SubmissionFactory
) -> None:
    row = await work.submission(work.reco)
    async with watch_items(context, SUBMISSION, id=f"submission:{row.id}") as items:
        assert (await anext(items))["submission"]["state"] == "NEW"
        await move_submission(work, row.id, S.NEW, S.SUBMITTING)
        fed.feed.look()
        while (now := await anext(items))["submission"]["state"] != "SUBMITTING":
            pass
        assert now["submission"]["availableActions"] == ["CANCEL"]
    async with watch_items(context, CHANGES, after=now["head"]) as items:
        assert (await anext(items))["__typename"] == "Heartbeat"


async def test_the_progress_of_a_campaign_sums_its_submissions(
    fed: AppState, context: Make, work: SubmissionFactory
) -> None:
    async with watch_items(context, PROGRESS, id=f"campaign:{work.plant.campaign_id}") as items:
        assert [s["submissionsTotal"] for s in (await anext(items))["stages"]] == [0, 0]
        await work.submission(work.reco)
        await work.submission(work.reco)
        fed.feed.look()
        while (reco := (await anext(items))["stages"][1])["submissionsTotal"] < 2:
            pass
        assert reco["submissions"] == [{"state": "NEW", "count": 2}]
        assert (reco["jobsTotal"], reco["jobsIdle"], reco["filesWaiting"]) == (8, 8, 8)


async def test_what_a_launch_says_comes_until_it_is_launched(
    fed: AppState, context: Make, work: SubmissionFactory, db: Pool
) -> None:
    row = await work.submission(work.reco)
    say = "INSERT INTO launch_output VALUES ($1, $2, 1, $3)"
    await db.execute(say, row.id, 1, "one")
    async with watch_items(context, OUTPUT, id=f"submission:{row.id}") as items:
        one = await anext(items)
        assert one["text"] == "one"
        await db.execute(say, row.id, 2, "two")
        await force_state(db, "idle")
        assert (await anext(items))["text"] == "two"
        assert [item async for item in items] == []
    async with watch_items(
        context, OUTPUT, id=f"submission:{row.id}", after=one["cursor"]
    ) as items:
        assert [item["text"] async for item in items] == ["two"]


KEPT = """
    query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      launchOutput(id: $id, first: $first, after: $after, last: $last, before: $before) {
        nodes { cursor attempt text }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
"""


async def test_what_a_launch_has_said_is_read_page_by_page_from_both_ends(
    context: Make, work: SubmissionFactory, db: Pool
) -> None:
    row = await work.submission(work.reco, "idle")
    say = "INSERT INTO launch_output VALUES ($1, $2, 1, $3)"
    await db.executemany(say, [(row.id, n, f"piece {n}") for n in range(1, 6)])

    async def page(as_: str = "anna", **given: Any) -> Any:
        told = {"id": f"submission:{row.id}", **given}
        result = await make_cached_schema().execute(KEPT, told, await context(as_))
        assert result.data, result.errors
        return result.data["launchOutput"]

    def pieces(page: Any) -> list[int]:
        return [int(node["text"][-1]) for node in page["nodes"]]

    one = await page(first=2)
    two = await page(first=2, after=one["pageInfo"]["endCursor"])
    three = await page(first=2, after=two["pageInfo"]["endCursor"])
    assert [pieces(one), pieces(two), pieces(three)] == [[1, 2], [3, 4], [5]]
    assert one["nodes"][0] == {
        "cursor": one["pageInfo"]["startCursor"], "attempt": 1, "text": "piece 1",
    }  # fmt: skip
    assert (two["pageInfo"]["hasNextPage"], three["pageInfo"]["hasNextPage"]) == (True, False)
    assert pieces(end := await page(last=2)) == [4, 5]
    assert pieces(await page(last=2, before=end["pageInfo"]["startCursor"])) == [2, 3]
    assert await page(as_="otto") is None
    assert await page(id="submission:999") is None
