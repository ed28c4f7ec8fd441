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
from redis.exceptions import OutOfMemoryError, RedisError
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
import log_lines
import metrics
from db import changes
from db.outages import find_outage
from db.pool import open_api_pool
from db.reach import ApiPool
from domain.addresses import parse_hosts
from domain.setup.batch_rules import BatchPolicy
from door import Door, NotSignedIn, OutOfService
from door.budgets import Budget
from door.pages import SEAL
from door.request_ids import RequestIds
from feed import ChangeFeed, ChangeFilter, FeedHead
from identity.all_tokens import AllTokens, keep_providers_fresh
from identity.issuer_file import load_issuer_file, read_client_secret
from identity.provider import Provider, SignInUnavailable
from identity.routes import SignInRoutes
from identity.sessions import Sessions
from resolvers.batch.metrics import may_scrape, render_metrics
from resolvers.health import check_readiness
from resolvers.permissions_page import render_permissions_page
from resolvers.roots import ROOTS, make_schema
from resolvers.setup.upload_route import UploadRoute
from schema.context import AppState, Context
from settings import Settings, read_log_settings

HERE = Path(__file__).parent
DIST = HERE / "web" / "dist"
SDL = HERE / "schema" / "schema.graphql"
PERMISSIONS = HERE / "docs" / "permissions.md"
REDIS_S = 0.2
PROVIDER_RETRY_S = 10
MEASURED = frozenset({"/graphql", "/healthz", "/readyz", "/metrics", "/"})
log = logging.getLogger("app")


class ChangeReader:
    """How the feed reads changes."""

    def __init__(self, db: ApiPool) -> None:
        self.db = db

    async def head(self) -> FeedHead:
        """How far the changes go."""
        return FeedHead(*await changes.find_head(self.db.everything))

    async def read(
        self, after: int, upto: int, bound: int, wanted: ChangeFilter
    ) -> tuple[list[changes.Change], int]:
        """The wanted changes in (after, upto]; of the watchers' experiments alone where they have some."""
        db = self.db.of_experiments(lambda: wanted.experiments)
        return await changes.list_after(db, after, upto, bound, **asdict(wanted))

    async def dropped_to(self) -> int:
        """The position up to which changes are not kept any more."""
        return await changes.find_dropped_to(self.db.everything)


def make_operation_budget(settings: Settings) -> Budget:
    """What one person may use of this process."""
    return Budget(
        settings.nodes_per_minute,
        settings.operations_at_once,
        settings.dear_operations_at_once,
        settings.connections,
    )


class HouseApp:
    """One process's share of the service: what it has opened, and its routes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.batch_policy = BatchPolicy.of(settings.htcondor_attributes, settings.containers)
        self.app_state: AppState | None = None
        self.redis: ArqRedis | None = None
        secrets = settings.secret, settings.secret_before or settings.secret
        self.tokens = auth.LocalTokens(*secrets)
        SEAL.use_secrets(*secrets)
        file = load_issuer_file(settings.issuers)
        self.providers = [
            Provider(issuer, file.trusted_hosts, read_client_secret(issuer))
            for issuer in file.issuers
        ]
        self.sessions = Sessions(self.tokens, file.service_url, file.session_hours)
        self.sign_in_routes = SignInRoutes(file, self.providers, self.sessions, settings.secret)
        playground = DIST / "playground.html"
        self.door: Door[Context] = Door(
            make_schema(budget=make_operation_budget(settings)),
            self.sign_in,
            playground=playground if playground.is_file() else None,
        )

        self.uploads = UploadRoute(self.door.identify)

    @property
    def routes(self) -> list[BaseRoute]:
        """Everything that is answered."""
        return [
            Route("/graphql", self.door),
            WebSocketRoute("/graphql", self.door),
            Route("/uploads/{experiment}/{name}", self.uploads.answer, methods=["PUT"]),
            *self.sign_in_routes.routes,
            Route("/healthz", self.alive),
            Route("/readyz", self.ready),
            Route("/metrics", self.measures),
            Route("/", serve_dashboard),
            Mount("/assets", StaticAssets(directory=DIST / "assets", check_dir=False)),
        ]

    @asynccontextmanager
    async def open_resources(self, app: Starlette) -> AsyncIterator[None]:
        """Open everything, and close it in the opposite order."""
        async with AsyncExitStack() as stack:
            db = await open_api_pool(self.settings.database_url)
            stack.push_async_callback(close_pool, db)
            self.redis = doorbell.open_queue(self.settings.redis_url)
            stack.push_async_callback(self.redis.aclose, close_connection_pool=True)
            await stack.enter_async_context(self.join_feed(db, self.redis))
            yield
            self.door.close_where(lambda _: True, 1001, "Going away: come back")

    @asynccontextmanager
    async def join_feed(self, db: ApiPool, redis: ArqRedis) -> AsyncIterator[None]:
        """Put what is open together: one feed, and the people who are signed in."""
        tokens = AllTokens(self.tokens, db.everything, self.providers)
        viewers = auth.Viewers(db.everything, tokens)
        source: ChangeFeed[changes.Change] = ChangeFeed(ChangeReader(db))

        def heard(change: changes.Change) -> None:
            if change.kind.startswith(("membership.", "person.", "service_token.")):
                viewers.reload_viewers()

        source.listeners.append(heard)
        viewers.listeners.append(self.disconnect_person)
        self.app_state = AppState(
            db=db,
            viewers=viewers,
            feed=source,
            store=self.settings.store,
            batch_policy=self.batch_policy,
            upload_folder=self.settings.uploads,
            upload_quota=self.settings.uploads_mb * 1_000_000,
            catalog_hosts=parse_hosts(self.settings.catalog_hosts),
            ring=lambda: doorbell.ring_bell(redis),
            enqueue=lambda *what: doorbell.enqueue_job(redis, *what),
        )
        self.sign_in_routes.open(db.everything, viewers, self.app_state.ring)
        fresh = asyncio.create_task(viewers.keep_fresh())
        try:
            async with source.running(redis), keep_providers_fresh(self.providers):
                yield
        finally:
            fresh.cancel()
            with suppress(asyncio.CancelledError):
                await fresh

    def disconnect_person(self, person_id: int) -> None:
        """Close what somebody has open whose roles are others now: they come back with the new ones."""
        self.door.close_where(lambda context: context.viewer.person_id == person_id)

    async def sign_in(self, connection: HTTPConnection, token: str | None) -> Context:
        """Who stands behind a connection; everybody has to say."""
        session = self.sessions.find_token(connection) if token is None else None
        if self.app_state is None or (token or session) is None:
            raise NotSignedIn("Sign in: send `Authorization: Bearer TOKEN`.")
        try:
            viewer = await self.find_viewer(self.app_state.viewers, token, session)
        except auth.AuthError as refusal:
            raise NotSignedIn(str(refusal)) from refusal
        except SignInUnavailable as error:
            raise OutOfService(str(error), PROVIDER_RETRY_S) from error
        except Exception as error:
            if (outage := find_outage(error)) is None:
                raise
            raise OutOfService(outage.message, outage.retry_after_s) from error
        return Context(self.app_state, viewer, log_lines.find_request_id())

    async def find_viewer(
        self, viewers: auth.Viewers, token: str | None, session: str | None
    ) -> auth.Viewer:
        """Who shows a token, or has a session in their browser's cookie."""
        if token is not None or session is None:
            return await viewers.of(token or "")
        return await viewers.of_claim(self.sessions.check(session, await viewers.time()))

    async def alive(self, _: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("alive\n")

    async def ready(self, _: Request) -> Response:
        """The process can do its work; otherwise 503 with the reasons."""
        if self.app_state is None or self.redis is None:
            return JSONResponse({"ready": False, "faults": ["not open yet"]}, 503)
        ready, said = await check_readiness(
            self.app_state.db.everything,
            await check_redis(self.redis),
            self.app_state.viewers.clock.offset_s,
            {each.issuer.name: each.state for each in self.providers},
        )
        return JSONResponse(said, 200 if ready else 503, {"cache-control": "no-store"})

    async def measures(self, request: Request) -> Response:
        """What Prometheus scrapes."""
        if not may_scrape(request, self.settings.metrics_token):
            return PlainTextResponse(
                "Send the token of POMS_METRICS_TOKEN: see docs/operations.md.\n", 403
            )
        if self.app_state is None or self.redis is None:
            return PlainTextResponse("not open yet\n", 503)
        text = await render_metrics(self.app_state.db.everything, await check_redis(self.redis))
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def close_pool(db: ApiPool) -> None:
    """Close the pool; statements that are still running get five seconds."""
    try:
        await asyncio.wait_for(db.close(), 5)
    except TimeoutError:
        db.terminate()


async def check_redis(redis: ArqRedis) -> str:
    """Whether Redis answers, and takes what it is given."""
    try:
        await asyncio.wait_for(redis.set("poms:probe", b"", ex=60), REDIS_S)
    except OutOfMemoryError:
        return "full: it takes nothing more, launches begin a second later"
    except (RedisError, OSError, TimeoutError) as error:
        return f"away: {type(error).__name__}"
    return "here"


async def serve_dashboard(_: Request) -> Response:
    """The dashboard."""
    index = DIST / "index.html"
    if not index.is_file():
        return PlainTextResponse("The web pages are not built: run `make playground`.\n", 404)
    return FileResponse(index, headers={"cache-control": "no-cache"})


class StaticAssets(StaticFiles):
    """What the pages are made of: the names change with the contents, so that they keep for ever."""

    async def check_config(self) -> None:
        """Find nothing where the pages are not built; Starlette would fail."""

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


class SecurityHeaders:
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
    """Make the application; nothing is opened until it starts. Without settings the process is ours, and its log."""
    if settings is None:
        log_lines.configure_logs(*read_log_settings())
    app = HouseApp(settings or Settings.from_env())
    measured = Middleware(metrics.RequestMetrics, routes=MEASURED)
    named = Middleware(RequestIds)
    made = Starlette(
        routes=app.routes,
        lifespan=app.open_resources,
        middleware=[named, measured, Middleware(SecurityHeaders)],
    )
    made.router.redirect_slashes = False  # it would lead to whatever host the request names
    return made


def main(arguments: list[str] | None = None) -> int:
    """`python -m app schema [--check]`: write the schema as SDL and who may what, or compare what is there."""
    parser = argparse.ArgumentParser(prog="python -m app")
    commands = parser.add_subparsers(dest="command", required=True)
    schema = commands.add_parser(
        "schema", help="write schema/schema.graphql and docs/permissions.md"
    )
    schema.add_argument("--check", action="store_true", help="only compare; fails when it is old")
    given = parser.parse_args(arguments)
    written = {SDL: print_schema(make_schema()) + "\n", PERMISSIONS: render_permissions_page(ROOTS)}
    old = [file for file, text in written.items() if not file.is_file() or file.read_text() != text]
    for file in old:
        if given.check:
            print(f"{file.name} is old: run `python -m app schema`.", file=sys.stderr)  # noqa: T201
        else:
            file.write_text(written[file])
    return 1 if given.check and old else 0


if __name__ == "__main__":
    raise SystemExit(main())
