"""Watching what happens."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import strawberry

from db import changes as rows
from db import listings, progress
from db.listings import Chunk
from domain.submissions import SubmissionState
from door.describe import thing
from door.pages import Connection
from feed import Changes, Head, OtherHistory, Wanted
from resolvers.submissions import experiment_ids
from schema import ids
from schema.campaigns import campaign
from schema.changes import (
    Change,
    ChangesFilter,
    ChangesItem,
    CursorExpired,
    CursorFromAnotherHistory,
    Heartbeat,
    LaunchOutput,
    LaunchOutputItem,
    SubmissionChangedItem,
    SubmissionNow,
    read,
    shown,
)
from schema.context import Info
from schema.fields import reads
from schema.ids import made
from schema.lists import Part, by_key, number
from schema.problems import NotFound
from schema.progress import CampaignProgress, CampaignProgressItem, StageProgress
from schema.submissions import found
from schema.watches import watches

SUBMISSION_EVERY_S, PROGRESS_EVERY_S, OUTPUT_EVERY_S = 0.1, 0.25, 0.5
MOST_KINDS, LONGEST_KIND, MOST_CHUNKS = 20, 100, 100
S = SubmissionState
LAUNCHING = frozenset({S.QUEUED, S.NEW, S.SUBMITTING, S.UNCERTAIN})


async def wanted_of(info: Info, given: ChangesFilter) -> Wanted | None:
    """What a filter means to this viewer; None when it names what is not there for them."""
    kinds = tuple(given.kinds or ())
    visible = await experiment_ids(info, given.experiment)
    if (
        visible == []
        or len(kinds) > MOST_KINDS
        or any(not 0 < len(k) <= LONGEST_KIND for k in kinds)
    ):
        return None
    campaign_id = submission_id = None
    if given.campaign_id is not None:
        campaign_id = ids.number(given.campaign_id, "campaign")
        if campaign_id is None or await campaign(info, campaign_id) is None:
            return None
    if given.submission_id is not None:
        submission_id = ids.number(given.submission_id, "submission")
        if await found(info, submission_id) is None:
            return None
    experiments = None if visible is None else frozenset(visible)
    return Wanted(experiments, campaign_id, submission_id, kinds)


async def start_of(info: Info, after: str | None) -> int | ChangesItem | None:
    """The position to go on from (None: from now), or why that can't be."""
    head = await info.context.feed.now()
    if info.context.resume is not None:
        return info.context.resume
    if after is None:
        return None
    given = read(after)
    if given.history != head.history:
        return CursorFromAnotherHistory(head=shown(head))
    oldest = await rows.oldest(info.context.db) - 1
    if given.position < oldest:
        return CursorExpired(oldest=shown(Head(oldest, head.history)))
    return given.position


def told(info: Info, batch: Changes[rows.Change]) -> list[ChangesItem]:
    """What a client hears of a batch: its changes, or that there were none up to here."""
    history = info.context.feed.head.history
    if batch.items:
        return [Change.of(item, history) for item in batch.items]
    if not batch.live:
        return []
    cursor = shown(Head(batch.position, history))
    return [Heartbeat(cursor=cursor, at=datetime.now(UTC))]


async def states(info: Info, wanted: Wanted, every_s: float) -> AsyncGenerator[Head, None]:
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
                        yield Head(batch.position, feed.head.history)
                        took = time.monotonic() - began
                        await asyncio.sleep(max(every_s, 4 * took))
        except OtherHistory:
            continue


@thing
class ChangeSubscriptions:
    """Watching."""

    @watches("log")
    async def changes(
        self,
        info: Info,
        filter: ChangesFilter | None = None,  # noqa: A002 - the argument's name in GraphQL
        after: str | None = None,
    ) -> AsyncGenerator[ChangesItem, None]:
        """What happens, after a cursor or from now on: nothing is missed, nothing comes twice."""
        wanted = await wanted_of(info, filter or ChangesFilter())
        if wanted is None:
            yield NotFound(message="The filter names something that is not there.")
            return
        start = await start_of(info, after)
        if not isinstance(start, int | None):
            yield start
            return
        context = info.context
        try:
            async with aclosing(context.feed.follow(wanted, start)) as stream:
                async for batch in stream:
                    items = told(info, batch)
                    at = [row.position for row in batch.items] or [batch.position]
                    if batch.live:
                        context.live = True
                    for position, item in zip(at, items, strict=False):
                        context.position = position
                        yield item
                    context.position = batch.position
        except OtherHistory:
            yield CursorFromAnotherHistory(head=shown(await context.feed.now()))

    @watches("state")
    async def submission_changed(
        self, info: Info, id: strawberry.ID
    ) -> AsyncGenerator[SubmissionChangedItem, None]:
        """A whole submission: now, and after every change. What comes fast is taken together."""
        submission_id = ids.number(id, "submission")
        if submission_id is None or await found(info, submission_id) is None:
            yield NotFound(message=f"There is no submission {id[:50]!r}.")
            return
        wanted = Wanted(submission_id=submission_id)
        async with aclosing(states(info, wanted, SUBMISSION_EVERY_S)) as heads:
            async for head in heads:
                submission = await found(info, submission_id)
                if submission is None:
                    yield NotFound(message=f"There is no submission {id[:50]!r} any more.")
                    return
                yield SubmissionNow(head=shown(head), submission=submission)

    @watches("state")
    async def campaign_progress(
        self, info: Info, id: strawberry.ID
    ) -> AsyncGenerator[CampaignProgressItem, None]:
        """How far a campaign is: now, and after changes, at most four times a second."""
        campaign_id = ids.number(id, "campaign")
        if campaign_id is None or await campaign(info, campaign_id) is None:
            yield NotFound(message=f"There is no campaign {id[:50]!r}.")
            return
        wanted = Wanted(campaign_id=campaign_id)
        async with aclosing(states(info, wanted, PROGRESS_EVERY_S)) as heads:
            async for head in heads:
                yield await progress_of(info, campaign_id, shown(head))

    @watches("log")
    async def launch_output(
        self, info: Info, submission_id: strawberry.ID, after: int = -1
    ) -> AsyncGenerator[LaunchOutputItem, None]:
        """What a launch says, from its beginning, until it is launched or has failed."""
        id = ids.number(submission_id, "submission")
        if id is None or await found(info, id) is None:
            yield NotFound(message=f"There is no submission {submission_id[:50]!r}.")
            return
        context = info.context
        context.position = after if context.resume is None else context.resume
        while True:
            submission = await found(info, id)
            async for chunk in chunks(info, id):
                yield chunk
            if submission is None or submission.state not in LAUNCHING:
                return
            context.live = True
            await asyncio.sleep(OUTPUT_EVERY_S)


async def chunks(info: Info, submission_id: int) -> AsyncGenerator[LaunchOutput, None]:
    """What is there after the context's position, which moves along."""
    context = info.context
    while True:
        after = -1 if context.position is None else context.position
        found = await listings.launch_output(context.db, submission_id, after, MOST_CHUNKS)
        for row in found:
            context.position = row.sequence
            yield LaunchOutput.of(row)
        if len(found) < MOST_CHUNKS:
            return


async def progress_of(info: Info, campaign_id: int, head: str) -> CampaignProgress:
    """The sums of a campaign's stages."""
    stages = await progress.of_campaign(info.context.db, campaign_id)
    shown_stages = [StageProgress.of(row) for row in stages]
    return CampaignProgress(
        head=head, campaign_id=made("campaign", campaign_id), stages=shown_stages
    )


@thing
class ChangeQueries:
    """What is watched, read once."""

    @reads()
    async def campaign_progress(
        self, info: Info, campaign_id: strawberry.ID
    ) -> CampaignProgress | None:
        """How far a campaign is now; null when there is none, or it is not yours to see."""
        id = ids.number(campaign_id, "campaign")
        if id is None or await campaign(info, id) is None:
            return None
        head = await info.context.feed.now()
        return await progress_of(info, id, shown(head))

    @reads()
    async def launch_output(
        self,
        info: Info,
        submission_id: strawberry.ID,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LaunchOutput] | None:
        """What a launch has said so far, in its order; null when there is none, or it is not yours to see."""
        id = ids.number(submission_id, "submission")
        if id is None or await found(info, id) is None:
            return None

        async def fetch(start: list[Any] | None, backwards: bool, limit: int) -> list[Chunk]:  # noqa: FBT001 - the page's contract
            at = number(start[0]) if start else None
            if backwards:
                return await listings.launch_output_before(info.context.db, id, at, limit)
            behind = -1 if at is None else at
            return await listings.launch_output(info.context.db, id, behind, limit)

        part = Part(first, after, last, before)
        return await by_key(part, fetch, LaunchOutput.of, lambda row: (row.sequence,), 1)

    @reads()
    async def head(self, info: Info) -> str:
        """The cursor of where changes are now."""
        return shown(await info.context.feed.now())
