"""The same two subscriptions by stock Strawberry: its own ASGI application, schema and completion.

The feed, the rows and the pace are ours, so that only the way to the clients differs.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import strawberry
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from app import ChangeReader
from db import changes
from db.pool import open_api_pool
from db.reach import ApiPool
from db.submissions import submissions
from domain.submissions.submissions import SubmissionState
from feed import ChangeFeed, ChangeFilter
from settings import Settings

EVERY_S = 0.1
State = strawberry.enum(SubmissionState)


@dataclass
class OpenResources:
    """What the process has opened."""

    db: "ApiPool | None" = None
    feed: "ChangeFeed[changes.Change] | None" = None


HOUSE = OpenResources()


@strawberry.type
class SubmissionChange:
    """One fact."""

    cursor: str
    kind: str
    at: datetime
    submission_id: strawberry.ID | None
    reason: str
    revision: int
    state: State  # type: ignore[valid-type]  # made by a call
    jobs_total: int
    jobs_idle: int
    jobs_running: int
    jobs_succeeded: int
    jobs_failed: int


@strawberry.type
class Heartbeat:
    """Nothing new."""

    at: datetime


@strawberry.type
class Submission:
    """As many fields as are asked for."""

    id: strawberry.ID
    state: State  # type: ignore[valid-type]  # made by a call
    state_since: datetime
    reason: str
    jobs_total: int
    jobs_running: int
    jobs_succeeded: int
    jobs_failed: int


@strawberry.type
class SubmissionNow:
    """A whole submission."""

    head: str
    submission: Submission


ChangesItem = Annotated[SubmissionChange | Heartbeat, strawberry.union("ChangesItem")]
SubmissionChangedItem = Annotated[
    SubmissionNow | Heartbeat, strawberry.union("SubmissionChangedItem")
]


@strawberry.input
class ChangesFilter:
    """Which changes are wanted."""

    campaign_id: strawberry.ID


def encode_cursor(*keys: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(keys)).rstrip(b"=").decode()


def build_change(row: changes.Change, history: str) -> SubmissionChange:
    said = row.body
    return SubmissionChange(
        cursor=encode_cursor(history, row.position),
        kind=row.kind,
        at=row.at,
        submission_id=strawberry.ID(f"submission:{row.submission_id}"),
        reason=row.reason or "",
        revision=said["revision"],
        state=SubmissionState(said["state"]),
        jobs_total=said["jobs"],
        jobs_idle=said["idle"],
        jobs_running=said["running"],
        jobs_succeeded=said["succeeded"],
        jobs_failed=said["failed"],
    )


def build_submission(row: submissions.Submission) -> Submission:
    return Submission(
        id=strawberry.ID(f"submission:{row.id}"),
        state=row.state,
        state_since=row.state_since,
        reason=row.reason,
        jobs_total=row.jobs,
        jobs_running=row.jobs_running,
        jobs_succeeded=row.jobs_succeeded,
        jobs_failed=row.jobs_failed,
    )


@strawberry.type
class Subscription:
    """What is watched."""

    @strawberry.subscription
    async def changes(self, filter: ChangesFilter) -> AsyncGenerator[ChangesItem, None]:  # noqa: A002
        feed = HOUSE.feed
        assert feed is not None
        wanted = ChangeFilter(campaign_id=int(filter.campaign_id.partition(":")[2]))
        async with aclosing(feed.follow(wanted)) as stream:
            async for batch in stream:
                for row in batch.items:
                    yield build_change(row, feed.head.history)
                if not batch.items:
                    yield Heartbeat(at=datetime.now(UTC))

    @strawberry.subscription
    async def submission_changed(
        self, id: strawberry.ID
    ) -> AsyncGenerator[SubmissionChangedItem, None]:
        feed, db, number = HOUSE.feed, HOUSE.db, int(id.partition(":")[2])
        assert feed is not None
        assert db is not None
        first = True
        async with aclosing(feed.follow(ChangeFilter(submission_id=number))) as stream:
            async for batch in stream:
                if not first and not batch.items:
                    continue
                first, row = False, await submissions.find_by_id(db.everything, number)
                assert row is not None
                head = encode_cursor(feed.head.history, batch.position)
                yield SubmissionNow(head=head, submission=build_submission(row))
                await asyncio.sleep(EVERY_S)


@strawberry.type
class Query:
    """A schema needs one."""

    here: bool = True


async def answer_alive(_: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("alive\n")


@asynccontextmanager
async def open_lifespan(_: Starlette) -> AsyncIterator[None]:
    """Open what ours opens."""
    settings = Settings.from_env()
    HOUSE.db = await open_api_pool(settings.database_url)
    try:
        HOUSE.feed = ChangeFeed(ChangeReader(HOUSE.db))
        async with Redis.from_url(settings.redis_url) as redis, HOUSE.feed.running(redis):
            yield
    finally:
        await HOUSE.db.close()


def create() -> Starlette:
    """Make the application."""
    schema = strawberry.Schema(Query, subscription=Subscription, config=StrawberryConfig())
    served: GraphQL[None, None] = GraphQL(schema)
    routes = [Route("/healthz", answer_alive), Mount("/graphql", served)]
    return Starlette(routes=routes, lifespan=open_lifespan)
