"""The page of submissions as one would write it for nothing else: asyncpg → dict → orjson."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import auth
from settings import Settings

PAGE = """
    SELECT 'submission:' || id AS id, upper(state::text) AS state, state_since AS "stateSince", reason,
           is_test AS "isTest", created_at AS "createdAt", jobs AS "jobsTotal", jobs_running AS "jobsRunning",
           jobs_succeeded AS "jobsSucceeded", jobs_failed AS "jobsFailed", files_done AS "filesDone", cpu_s AS "cpuS"
      FROM submission
     WHERE campaign_id = $1 AND ($2::bigint[] IS NULL OR experiment_id = ANY($2))
     ORDER BY submission.id DESC LIMIT 51
"""


class HandwrittenPage:
    """The endpoint and what it has opened."""

    def __init__(self) -> None:
        self.settings = Settings.from_env()
        self.db: Any = None
        self.viewers: auth.Viewers | None = None

    @asynccontextmanager
    async def open_pool(self, _: Starlette) -> AsyncIterator[None]:
        """Open the pool, as large as ours."""
        async with asyncpg.create_pool(
            self.settings.database_url, min_size=1, max_size=10, server_settings={"timezone": "UTC"}
        ) as self.db:
            self.viewers = auth.Viewers(self.db, auth.LocalTokens(self.settings.secret))
            yield

    async def alive(self, _: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("alive\n")

    async def submissions(self, request: Request) -> Response:
        """One page, for whom the token lets see it."""
        assert self.viewers is not None
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            viewer = await self.viewers.of(token)
        except auth.AuthError as refusal:
            return PlainTextResponse(str(refusal), 401)
        campaign_id = int(request.query_params["campaign"])
        rows = await self.db.fetch(PAGE, campaign_id, viewer.experiments)
        found = {"nodes": [dict(row) for row in rows[:50]], "more": len(rows) > 50}
        return Response(orjson.dumps(found), media_type="application/json")


def create() -> Starlette:
    """Make the application."""
    page = HandwrittenPage()
    routes = [Route("/submissions", page.submissions), Route("/healthz", page.alive)]
    return Starlette(routes=routes, lifespan=page.open_pool)
