"""Watching what happens."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import strawberry

from db import changes as rows
from db.submissions import accounts, progress, submission_listings
from db.submissions.submission_listings import OutputChunk
from domain.submissions.submissions import SubmissionState
from door.describe import declare_object_type
from door.pages import Connection, decode_cursor, encode_cursor
from feed import ChangeBatch, ChangeFilter, FeedHead, OtherHistory, PositionExpired
from resolvers.nouns import CAMPAIGN, SUBMISSION, find_seen, find_visible
from resolvers.submissions.submissions import find_experiment_ids
from schema import ids
from schema.campaigns.campaigns import load_campaign
from schema.context import Info
from schema.fields import declare_query
from schema.ids import node_id
from schema.lists import ListPart, page_by_key, parse_number_key
from schema.problems import NotFound
from schema.submissions.accounts import load_campaign_account
from schema.submissions.change_display import show_change
from schema.submissions.changes import (
    ChangesFilter,
    ChangesItem,
    CursorExpired,
    CursorFromAnotherHistory,
    Heartbeat,
    LaunchOutput,
    LaunchOutputItem,
    SubmissionChangedItem,
    SubmissionNow,
    decode_change_cursor,
    encode_change_cursor,
)
from schema.submissions.progress import CampaignProgress, CampaignProgressItem, StageProgress
from schema.submissions.submissions import load_submission
from schema.subscription_fields import declare_subscription

SUBMISSION_EVERY_S, PROGRESS_EVERY_S, OUTPUT_EVERY_S = 0.1, 0.25, 0.5
MOST_CHUNKS = 100
S = SubmissionState
LAUNCHING = frozenset({S.QUEUED, S.NEW, S.SUBMITTING, S.UNCERTAIN})


async def build_filter(info: Info, given: ChangesFilter) -> ChangeFilter | None:
    """What a filter means to this viewer; None when it names what is not there for them."""
    visible = await find_experiment_ids(info, given.experiment)
    if visible == []:
        return None
    campaign_id = submission_id = None
    if given.campaign_id is not None:
        campaign_id = ids.parse_node_id(given.campaign_id, "campaign")
        if campaign_id is None or await load_campaign(info, campaign_id) is None:
            return None
    if given.submission_id is not None:
        submission_id = ids.parse_node_id(given.submission_id, "submission")
        if await load_submission(info, submission_id) is None:
            return None
    experiments = None if visible is None else frozenset(visible)
    return ChangeFilter(experiments, campaign_id, submission_id, frozenset(given.kinds or ()))


async def find_start(info: Info, after: str | None) -> int | ChangesItem | None:
    """The position to go on from (None: from now), or why that can't be."""
    head = await info.context.feed.now()
    if info.context.resume is not None:
        return info.context.resume
    if after is None:
        return None
    given = decode_change_cursor(after)
    if given.history != head.history:
        return CursorFromAnotherHistory(head=encode_change_cursor(head))
    return given.position


def build_items(info: Info, batch: ChangeBatch[rows.Change]) -> list[ChangesItem]:
    """What a client hears of a batch: its changes, or that there were none up to here."""
    history = info.context.feed.head.history
    if batch.items:
        return [_show_change(item, history) for item in batch.items]
    if not batch.live:
        return []
    return [
        Heartbeat(
            cursor=encode_change_cursor(FeedHead(batch.position, history)), at=info.context.now
        )
    ]


def _show_change(row: rows.Change, history: str) -> ChangesItem:
    return cast(ChangesItem, show_change(row, encode_cursor(history, row.position)))


async def iterate_heads(
    info: Info, wanted: ChangeFilter, every_s: float
) -> AsyncGenerator[FeedHead, None]:
    """The head, to be read after: at once, and again after each change that is wanted.

    What takes long to read is read less often: at most a fifth of the time goes into it.
    """
    feed = info.context.feed
    while True:
        first = True
        try:
            async with aclosing(feed.follow(wanted)) as stream:
                async for batch in stream:
                    if first or batch.items:
                        first, began = False, time.monotonic()
                        yield FeedHead(batch.position, feed.head.history)
                        took = time.monotonic() - began
                        await asyncio.sleep(max(every_s, 4 * took))
        except (OtherHistory, PositionExpired):
            continue


@declare_object_type
class ChangeSubscriptions:
    """Watching."""

    @declare_subscription("log")
    async def changes(
        self,
        info: Info,
        filter: ChangesFilter | None = None,  # noqa: A002 - the argument's name in GraphQL
        after: str | None = None,
    ) -> AsyncGenerator[ChangesItem, None]:
        """What happens, after a cursor or from now on: nothing is missed, nothing comes twice."""
        wanted = await build_filter(info, filter or ChangesFilter())
        if wanted is None:
            yield NotFound(message="The filter names something that is not there.")
            return
        start = await find_start(info, after)
        if not isinstance(start, int | None):
            yield start
            return
        context = info.context
        try:
            async with aclosing(context.feed.follow(wanted, start)) as stream:
                async for batch in stream:
                    items = build_items(info, batch)
                    at = [row.position for row in batch.items] or [batch.position]
                    if batch.live:
                        context.live = True
                    for position, item in zip(at, items, strict=False):
                        context.position = position
                        yield item
                    context.position = batch.position
        except OtherHistory:
            yield CursorFromAnotherHistory(head=encode_change_cursor(await context.feed.now()))
        except PositionExpired as expired:
            oldest = FeedHead(expired.dropped_to, context.feed.head.history)
            yield CursorExpired(oldest=encode_change_cursor(oldest))

    @declare_subscription("state")
    async def submission_changed(
        self, info: Info, id: strawberry.ID
    ) -> AsyncGenerator[SubmissionChangedItem, None]:
        """A whole submission: now, and after every change. What comes fast is taken together."""
        row = await find_visible(info, SUBMISSION, id)
        if isinstance(row, NotFound):
            yield row
            return
        wanted = ChangeFilter(submission_id=row.id)
        async with aclosing(iterate_heads(info, wanted, SUBMISSION_EVERY_S)) as heads:
            async for head in heads:
                submission = await load_submission(info, row.id)
                if submission is None:
                    yield NotFound(message=f"There is no submission {id[:50]!r} any more.")
                    return
                yield SubmissionNow(head=encode_change_cursor(head), submission=submission)

    @declare_subscription("state")
    async def campaign_progress(
        self,
        info: Info,
        id: strawberry.ID,
        is_test: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
    ) -> AsyncGenerator[CampaignProgressItem, None]:
        """How far a campaign is (or its tests): now, and after changes, at most four times a second."""
        row = await find_visible(info, CAMPAIGN, id)
        if isinstance(row, NotFound):
            yield row
            return
        wanted = ChangeFilter(campaign_id=row.id)
        async with aclosing(iterate_heads(info, wanted, PROGRESS_EVERY_S)) as heads:
            async for head in heads:
                cursor = encode_change_cursor(head)
                yield await read_campaign_progress(info, row.id, cursor, is_test=is_test)

    @declare_subscription("log")
    async def launch_output(
        self, info: Info, id: strawberry.ID, after: str | None = None
    ) -> AsyncGenerator[LaunchOutputItem, None]:
        """What a launch says, from its beginning or after a cursor, until it is launched or has failed."""
        row = await find_visible(info, SUBMISSION, id)
        if isinstance(row, NotFound):
            yield row
            return
        context = info.context
        begin = -1 if after is None else parse_number_key(decode_cursor(after, 1)[0])
        context.position = begin if context.resume is None else context.resume
        while True:
            submission = await load_submission(info, row.id)
            async for chunk in iterate_output(info, row.id):
                yield chunk
            if submission is None or submission.state not in LAUNCHING:
                return
            context.live = True
            await asyncio.sleep(OUTPUT_EVERY_S)


async def iterate_output(info: Info, submission_id: int) -> AsyncGenerator[LaunchOutput, None]:
    """What is there after the context's position, which moves along."""
    context = info.context
    while True:
        after = -1 if context.position is None else context.position
        found = await submission_listings.launch_output(
            context.db, submission_id, after, MOST_CHUNKS
        )
        for row in found:
            context.position = row.sequence
            yield LaunchOutput.of(row)
        if len(found) < MOST_CHUNKS:
            return


async def read_campaign_progress(
    info: Info, campaign_id: int, head: str, *, is_test: bool
) -> CampaignProgress:
    """The sums of a campaign's stages: of tests, or of all else."""
    db = info.context.db
    stages = await progress.list_by_campaign(db, campaign_id, is_test=is_test)
    found = await accounts.list_by_stages(db, [row.stage_id for row in stages], is_test)
    account_of = {account.id: account for account in found}
    return CampaignProgress(
        head=head,
        campaign_id=node_id("campaign", campaign_id),
        account=await load_campaign_account(info, campaign_id, is_test=is_test),
        stages=[StageProgress.of(row, account_of[row.stage_id]) for row in stages],
    )


@declare_object_type
class ChangeQueries:
    """What is watched, read once."""

    @declare_query(weight=50)
    async def campaign_progress(
        self,
        info: Info,
        id: strawberry.ID,
        is_test: bool = False,  # noqa: FBT001, FBT002 - an argument in GraphQL
    ) -> CampaignProgress | None:
        """How far a campaign is now (or its tests are); null when there is none, or it is not yours to see."""
        row = await find_seen(info, CAMPAIGN, id)
        if row is None:
            return None
        head = await info.context.feed.now()
        cursor = encode_change_cursor(head)
        return await read_campaign_progress(info, row.id, cursor, is_test=is_test)

    @declare_query()
    async def launch_output(
        self,
        info: Info,
        id: strawberry.ID,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LaunchOutput] | None:
        """What a launch has said so far, in its order; null when there is none, or it is not yours to see."""
        submission = await find_seen(info, SUBMISSION, id)
        if submission is None:
            return None

        async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[OutputChunk]:  # noqa: FBT001 - the page's contract
            at = parse_number_key(start[0]) if start else None
            if backwards:
                return await submission_listings.launch_output_before(
                    info.context.db, submission.id, at, limit
                )
            behind = -1 if at is None else at
            return await submission_listings.launch_output(
                info.context.db, submission.id, behind, limit
            )

        part = ListPart(first, after, last, before)
        return await page_by_key(part, fetch, LaunchOutput.of, lambda row: (row.sequence,), 1)

    @declare_query()
    async def head(self, info: Info) -> str:
        """The cursor of where changes are now."""
        return encode_change_cursor(await info.context.feed.now())
