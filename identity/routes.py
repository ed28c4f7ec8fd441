"""`/sign-in`, where browsers are sent to an issuer and come back, and `/sign-out`."""

import html
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from auth import AuthError, Viewers
from db.people import identities, leaving
from db.reach import ReachingPool
from domain.changes import Actor
from domain.people.issuers import IssuerFile
from identity.outside_tokens import describe_identity, take_identity
from identity.provider import Provider, SignInUnavailable
from identity.sessions import Sessions
from identity.sign_in_flow import WITHIN, BegunSignIn, build_sign_in_url, finish_sign_in

BEGUN = "poms_sign_in"
LONGEST_SESSION = timedelta(days=8)
"""Longer than any session: for so long it is remembered that one was ended."""
NO_STORE = {"cache-control": "no-store"}
Ring = Callable[[], Awaitable[None]]
log = logging.getLogger("identity")


class SignInRoutes:
    """What browsers ask to sign in and out; the service is open when they do."""

    def __init__(
        self, file: IssuerFile, providers: Sequence[Provider], sessions: Sessions, secret: str
    ) -> None:
        self._providers: Mapping[str, Provider] = {
            each.issuer.name: each for each in providers if each.issuer.client_id
        }
        self._sessions, self._secret = sessions, secret
        self._redirect_uri = f"{file.service_url}/sign-in/callback"
        self._back = f"{urlsplit(file.service_url).path}/"
        self._opened: tuple[ReachingPool, Viewers, Ring] | None = None

    def open(self, db: ReachingPool, viewers: Viewers, ring: Ring) -> None:
        """Begin to answer."""
        self._opened = db, viewers, ring

    @property
    def routes(self) -> list[BaseRoute]:
        """Everything that is answered."""
        return [
            Route("/sign-in", self._guard(self.begin), methods=["GET"]),
            Route("/sign-in/callback", self._guard(self.finish), methods=["GET"]),
            # With a POST browsers say of which page it is, by http, too.
            Route("/sign-in/session", self._guard(self.show), methods=["POST"]),
            Route("/sign-out", self._guard(self.leave), methods=["POST"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Send a browser to the issuer that it names."""
        provider = self._find_provider(request.query_params.get("issuer"))
        begun = BegunSignIn.make(provider.issuer)
        url = await build_sign_in_url(provider, begun, self._redirect_uri)
        response = RedirectResponse(url, 303, NO_STORE)
        sealed = begun.seal(self._secret, await self._viewers.time())
        self._keep_begun(response, sealed, int(WITHIN.total_seconds()))
        return response

    async def finish(self, request: Request) -> Response:
        """Take back who has signed in, and begin their session."""
        now = await self._viewers.time()
        begun = BegunSignIn.open(request.cookies.get(BEGUN, ""), self._secret, now)
        provider = self._find_provider(begun.issuer)
        query, issuer = request.query_params, provider.issuer
        claims = await finish_sign_in(provider, begun, query, self._redirect_uri, now)
        ids = await identities.find_experiment_ids(self._db, issuer.experiments)
        said = describe_identity(issuer, claims, ids, is_whole=True)
        username = await take_identity(self._db, said)
        await self._viewers.reload_person(username)
        response = RedirectResponse(self._back, 303, NO_STORE)
        self._sessions.begin(response, username, now)
        self._keep_begun(response, "", 0)
        log.info("%s has signed in by issuer %s", username, issuer.name)
        return response

    async def show(self, request: Request) -> Response:
        """How one can sign in, and who has: for the page, whose scripts see no cookie."""
        issuers = [
            {"name": p.issuer.name, "title": p.issuer.title} for p in self._providers.values()
        ]
        said = {"issuers": issuers, "username": await self._find_signed_in(request)}
        return JSONResponse(said, headers=NO_STORE)

    async def leave(self, request: Request) -> Response:
        """End a session: what was copied of its cookie is good for nothing either."""
        if not self._sessions.is_ours(request):
            raise AuthError("Only a page of this service signs out.")
        response = JSONResponse({"signedOut": True}, headers=NO_STORE)
        if token := self._sessions.find_token(request):
            await self._end_session(token)
        self._sessions.end(response)
        return response

    async def _end_session(self, token: str) -> None:
        db, viewers, ring = self._require_open()
        with suppress(AuthError):  # it has ended already
            claim = self._sessions.check(token, await viewers.time())
            viewer = await viewers.of_claim(claim)
            assert claim.id is not None  # noqa: S101 - every session has one
            async with db.acquire() as conn, conn.transaction():
                by = Actor(viewer.person_id, "Signed out")
                await leaving.revoke_one(conn, viewer.person_id, claim.id, by, LONGEST_SESSION)
            await viewers.reload_person(viewer.username)
            await ring()

    async def _find_signed_in(self, request: Request) -> str | None:
        token = self._sessions.find_token(request)
        if token is None:
            return None
        try:
            claim = self._sessions.check(token, await self._viewers.time())
            return (await self._viewers.of_claim(claim)).username
        except AuthError:
            return None

    def _guard(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except AuthError as error:
                return _show_refusal(str(error), 403)
            except SignInUnavailable as error:
                return _show_refusal(str(error), 503)

        return guarded

    def _find_provider(self, name: str | None) -> Provider:
        provider = self._providers.get(name or "")
        if provider is None:
            raise AuthError("Nobody signs in by an issuer of this name here.")
        return provider

    def _keep_begun(self, response: Response, sealed: str, seconds: int) -> None:
        # Not `strict`: the issuer's page sends the browser back.
        response.set_cookie(
            BEGUN, sealed, seconds, path="/sign-in", secure=self._sessions.is_secure, httponly=True, samesite="lax"
        )  # fmt: skip

    def _require_open(self) -> tuple[ReachingPool, Viewers, Ring]:
        if self._opened is None:
            raise SignInUnavailable("The service is not open yet: try again.")
        return self._opened

    @property
    def _db(self) -> ReachingPool:
        return self._require_open()[0]

    @property
    def _viewers(self) -> Viewers:
        return self._require_open()[1]


def _show_refusal(why: str, status: int) -> Response:
    page = f"<!doctype html><title>Signing in</title><p>{html.escape(why)}</p><p><a href='/'>Back</a></p>"
    return HTMLResponse(page, status, NO_STORE)
