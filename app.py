"""The ASGI application: where the rooms are joined. `uvicorn app:create --factory` serves it."""

import argparse
import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from arq.connections import ArqRedis
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.printer import print_schema

import auth
import doorbell
import metrics
from db import changes
from db.pool import Pool, open_pool
from door import Door, NotSignedIn
from feed import Feed, Head, Wanted
from resolvers.health import readiness
from resolvers.metrics import may_scrape, scrape
from resolvers.roots import make_schema
from schema.context import Context, House
from settings import Settings

HERE = Path(__file__).parent
DIST = HERE / "web" / "dist"
SDL = HERE / "schema" / "schema.graphql"
REDIS_S = 0.2
MEASURED = frozenset({"/graphql", "/healthz", "/readyz", "/metrics", "/"})
log = logging.getLogger("app")


class Reader:
    """How the feed reads changes."""

    def __init__(self, db: Pool) -> None:
        self.db = db

    async def head(self) -> Head:
        """How far the changes go."""
        return Head(*await changes.head(self.db))

    async def read(
        self, after: int, upto: int, bound: int, wanted: Wanted
    ) -> tuple[list[changes.Change], int]:
        """The wanted changes in (after, upto]."""
        return await changes.after(self.db, after, upto, bound, **asdict(wanted))


class App:
    """One process's share of the service: what it has opened, and its routes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.house: House | None = None
        self.redis: ArqRedis | None = None
        playground = DIST / "playground.html"
        self.door: Door[Context] = Door(
            make_schema(), self.sign_in, playground=playground if playground.is_file() else None
        )

    @property
    def routes(self) -> list[BaseRoute]:
        """Everything that is answered."""
        return [
            Route("/graphql", self.door),
            WebSocketRoute("/graphql", self.door),
            Route("/healthz", self.alive),
            Route("/readyz", self.ready),
            Route("/metrics", self.measures),
            Route("/", page),
            Mount("/assets", Assets(directory=DIST / "assets", check_dir=False)),
        ]

    @asynccontextmanager
    async def opened(self, app: Starlette) -> AsyncIterator[None]:
        """Open everything, and close it in the opposite order."""
        async with AsyncExitStack() as stack:
            db = await open_pool(self.settings.database_url)
            stack.push_async_callback(close, db)
            self.redis = ArqRedis(ConnectionPool.from_url(self.settings.redis_url))
            stack.push_async_callback(self.redis.aclose, close_connection_pool=True)
            await stack.enter_async_context(self.joined(db, self.redis))
            yield
            self.door.close_where(lambda _: True, 1001, "Going away: come back")

    @asynccontextmanager
    async def joined(self, db: Pool, redis: ArqRedis) -> AsyncIterator[None]:
        """Put what is open together: one feed, and the people who are signed in."""
        viewers = auth.Viewers(db, auth.LocalTokens(self.settings.secret))
        source: Feed[changes.Change] = Feed(Reader(db))

        def heard(change: changes.Change) -> None:
            if change.kind.startswith(("membership.", "person.")):
                viewers.changed()

        source.listeners.append(heard)
        viewers.listeners.append(self.part_with)
        self.house = House(
            db=db,
            viewers=viewers,
            feed=source,
            store=self.settings.store,
            ring=lambda: doorbell.ring(redis),
            enqueue=lambda *what: doorbell.enqueue(redis, *what),
        )
        fresh = asyncio.create_task(viewers.keep_fresh())
        try:
            async with source.running(redis):
                yield
        finally:
            fresh.cancel()
            with suppress(asyncio.CancelledError):
                await fresh

    def part_with(self, person_id: int) -> None:
        """Close what somebody has open whose roles are others now: they come back with the new ones."""
        self.door.close_where(lambda context: context.viewer.person_id == person_id)

    async def sign_in(self, connection: HTTPConnection, token: str | None) -> Context:
        """Who stands behind a connection; everybody has to say."""
        if token is None or self.house is None:
            raise NotSignedIn("Sign in: send `Authorization: Bearer TOKEN`.")
        try:
            viewer = await self.house.viewers.of(token)
        except auth.Refused as refusal:
            raise NotSignedIn(str(refusal)) from refusal
        return Context(self.house, viewer)

    async def alive(self, _: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("alive\n")

    async def ready(self, _: Request) -> Response:
        """The process can do its work; otherwise 503 with the reasons."""
        if self.house is None or self.redis is None:
            return JSONResponse({"ready": False, "faults": ["not open yet"]}, 503)
        ready, said = await readiness(self.house.db, await seen(self.redis))
        return JSONResponse(said, 200 if ready else 503, {"cache-control": "no-store"})

    async def measures(self, request: Request) -> Response:
        """What Prometheus scrapes."""
        if not may_scrape(request, self.settings.metrics_token):
            return PlainTextResponse("This is not for you: see docs/operations.md.\n", 403)
        if self.house is None or self.redis is None:
            return PlainTextResponse("not open yet\n", 503)
        text = await scrape(self.house.db, await seen(self.redis))
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def close(db: Pool) -> None:
    """Close the pool; statements that are still running get five seconds."""
    try:
        await asyncio.wait_for(db.close(), 5)
    except TimeoutError:
        db.terminate()


async def seen(redis: ArqRedis) -> str:
    """Whether Redis answers."""
    try:
        await asyncio.wait_for(redis.ping(), REDIS_S)
    except (RedisError, OSError, TimeoutError) as error:
        return f"away: {type(error).__name__}"
    return "here"


async def page(_: Request) -> Response:
    """The dashboard."""
    index = DIST / "index.html"
    if not index.is_file():
        return PlainTextResponse("The web pages are not built: run `make playground`.\n", 404)
    return FileResponse(index, headers={"cache-control": "no-cache"})


class Assets(StaticFiles):
    """What the pages are made of: the names change with the contents, so that they keep for ever."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Say so."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


POLICY = (
    "default-src 'self'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Guarded:
    """Every answer tells browsers what its page may do: talk to us, and to nobody else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
            await send(message)

        await self.app(scope, receive, guarded if scope["type"] == "http" else send)


def create(settings: Settings | None = None) -> Starlette:
    """Make the application; nothing is opened until it starts."""
    app = App(settings or Settings.from_env())
    measured = Middleware(metrics.Measured, routes=MEASURED)
    return Starlette(
        routes=app.routes, lifespan=app.opened, middleware=[measured, Middleware(Guarded)]
    )


def main(arguments: list[str] | None = None) -> int:
    """`python -m app schema [--check]`: write the schema as SDL, or compare what is there."""
    parser = argparse.ArgumentParser(prog="python -m app")
    commands = parser.add_subparsers(dest="command", required=True)
    schema = commands.add_parser("schema", help="write schema/schema.graphql")
    schema.add_argument("--check", action="store_true", help="only compare; fails when it is old")
    given = parser.parse_args(arguments)
    sdl = print_schema(make_schema()) + "\n"
    if not given.check:
        SDL.write_text(sdl)
    elif not SDL.is_file() or SDL.read_text() != sdl:
        print(f"{SDL.name} is old: run `python -m app schema`.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
