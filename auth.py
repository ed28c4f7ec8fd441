"""Who is asking, and what they may do: a token becomes a viewer, and `may_act` looks into `domain.permissions`."""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID, uuid4

import jwt

from db.clock import DatabaseClock, read_time
from db.people import viewers
from db.pool import Database, open_api_pool
from domain.people.token_bounds import TokenBounds
from domain.permissions import GRANTS, Role, check_grants
from log_lines import configure_logs
from settings import SettingError, Settings, read_log_settings

ISSUER, ALGORITHM = "poms", "HS256"
SHORTEST_SECRET = 32
LONGEST = timedelta(days=366)
FRESH_S = 5.0
KEPT_S = 86_400.0
MOST_KEPT, EARLY = 10_000, timedelta(minutes=1)

MALFORMED = (
    jwt.InvalidTokenError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    OSError,
)

log = logging.getLogger("auth")


class AuthError(Exception):
    """Nobody that we know stands behind the token; the text says why."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person with their role in each experiment."""

    person_id: int
    username: str
    is_admin: bool = False
    roles: Mapping[int, Role] = field(default_factory=lambda: MappingProxyType({}))
    expires_at: datetime | None = None
    claim: "TokenClaim | None" = field(default=None, compare=False)
    bounds: TokenBounds | None = None
    """Of the token that they show; None: they may all that their roles say."""

    def sees(self, experiment_id: int) -> bool:
        """Whether the experiment's objects are there for this person at all."""
        return self.is_admin or experiment_id in self.roles

    @property
    def anybody(self) -> "Viewer":
        """Whoever has the same roles; ownership counts for analysis only, where it stays the person."""
        if self.bounds or (Role.ANALYSIS in self.roles.values() and not self.is_admin):
            return self
        return replace(self, person_id=0, username="")

    @property
    def experiments(self) -> list[int] | None:
        """The experiments that this person sees; None means every one."""
        return None if self.is_admin else sorted(self.roles)


SIGN_IN = "sign_in"
"""What everybody who is signed in may do, roles or none: ask who they are."""
MANAGE_TOKENS = "manage_tokens"
"""The same of making their tokens good for nothing, and others; no token that has bounds may."""
ANYBODYS = frozenset({SIGN_IN, MANAGE_TOKENS})


def may_act(
    viewer: Viewer,
    action: str,
    experiment_id: int | None,
    owner_id: int | None = None,
    owning_role: Role | None = None,
) -> bool:
    """Whether the viewer may do this to an item with that owner and owning role.

    To create, leave the owner out: it will be the viewer. The rule is `domain.permissions`.
    """
    if not is_within_bounds(viewer, action):
        return False
    if viewer.is_admin:
        return action in GRANTS or action in ANYBODYS
    role = viewer.roles.get(experiment_id) if experiment_id is not None else None
    owns = owner_id == viewer.person_id or (action == "create" and owner_id is None)
    allows_it = check_grants(action, role, owning_role, owns=owns)
    if viewer.bounds is None or not allows_it:
        return allows_it
    return viewer.bounds.allows_in(action, experiment_id, owning_role, owns=owns)


def is_within_bounds(viewer: Viewer, action: str) -> bool:
    """Whether the token that they show is good for this."""
    if viewer.bounds is None:
        return True
    return action != MANAGE_TOKENS and viewer.bounds.allows(action)


def may_at_all(viewer: Viewer, action: str) -> bool:
    """Whether there is any experiment in which the viewer could do this to something."""
    if not is_within_bounds(viewer, action):
        return False
    if viewer.is_admin or action in ANYBODYS:
        return action in GRANTS or action in ANYBODYS
    granted = {grant.role for grant in GRANTS.get(action, ())}
    said = dict(viewer.bounds.said) if viewer.bounds else {}
    return any(
        {role, said.get(experiment, role)} <= granted for experiment, role in viewer.roles.items()
    )


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """What a valid token says; old ones have no id."""

    username: str
    made_at: datetime
    expires_at: datetime
    id: UUID | None = None
    bounds: TokenBounds | None = None
    """What it is good for at most; None: for all that its person may."""

    def is_revoked(self, person: viewers.ViewerRow) -> bool:
        """Whether the person's tokens, or this one, were revoked after it was made."""
        too_old = person.tokens_since is not None and self.made_at < person.tokens_since
        return too_old or self.id in person.revoked_tokens


class TokenUse(StrEnum):
    """For what a local token is made."""

    BEARER = "bearer"
    SESSION = "session"
    """It lives in a cookie, of a browser that an issuer has signed in."""


class SignIn(Protocol):
    """A way to tell who stands behind a token: ours, or one of an issuer outside (`identity/`)."""

    async def claim(self, token: str, now: datetime) -> TokenClaim:
        """Check a token, at this time by the database's clock; raises `AuthError`."""


def derive_key_id(secret: str) -> str:
    """What names a secret in the tokens that it signs, without telling of it."""
    return sha256(b"poms key " + secret.encode()).hexdigest()[:12]


class LocalTokens:
    """Tokens that we sign ourselves; those of a second secret, such as the one before, are good, too."""

    def __init__(self, secret: str, before: str = "") -> None:
        self._secrets = {derive_key_id(each): each for each in (secret, before or secret)}
        if min(map(len, self._secrets.values())) < SHORTEST_SECRET:
            raise ValueError(
                f"POMS_SECRET, and POMS_SECRET_BEFORE if it is set, must have at least {SHORTEST_SECRET} characters."
            )
        self._key_id = derive_key_id(secret)

    def issue(
        self, username: str, valid: timedelta, now: datetime, use: TokenUse = TokenUse.BEARER
    ) -> str:
        """Make a token for a person."""
        times = {"iat": now.timestamp(), "exp": now + valid}  # with fractions: see `tokens_since`
        claims = {"sub": username, **times, "iss": ISSUER, "jti": str(uuid4())}
        claims |= {"use": use.value} if use is TokenUse.SESSION else {}
        key = self._secrets[self._key_id]
        return jwt.encode(claims, key, ALGORITHM, headers={"kid": self._key_id})

    async def claim(self, token: str, now: datetime) -> TokenClaim:
        """Check signature, issuer and times of a token that was sent as one."""
        return self.check_token(token, now, TokenUse.BEARER)

    def check_token(self, token: str, now: datetime, use: TokenUse) -> TokenClaim:
        """The same of one for this use; raises AuthError. Sessions are no bearer tokens, and the other way round."""
        try:
            found = self._read(token)
            if found.get("use", TokenUse.BEARER) != use:
                raise ValueError(use)
            made_at, until = (datetime.fromtimestamp(found[name], UTC) for name in ("iat", "exp"))
            id = UUID(found["jti"]) if "jti" in found else None
        except MALFORMED as error:
            raise AuthError("The token is not valid here.") from error
        if until <= now:
            raise AuthError("The token has expired: get a new one.")
        if made_at > now + EARLY:  # the clock of who makes tokens may be a little ahead
            raise AuthError("The token is not valid yet.")
        return TokenClaim(str(found["sub"]), made_at, until, id)

    def _read(self, token: str) -> dict[str, Any]:
        named = jwt.get_unverified_header(token).get("kid")  # tokens of older versions name none
        *others, last = [self._secrets[named]] if named else self._secrets.values()
        for secret in others:
            with suppress(jwt.InvalidSignatureError):
                return decode_token(token, secret)
        return decode_token(token, last)


def decode_token(token: str, secret: str) -> dict[str, Any]:
    """What a token says; raises where it isn't signed by the secret."""
    return jwt.decode(
        token,
        secret,
        [ALGORITHM],
        issuer=ISSUER,
        options={
            "require": ["sub", "iat", "exp", "iss"],
            "verify_exp": False,  # by our host's clock
            "verify_iat": False,
        },
    )


@dataclass(slots=True)
class CachedPerson:
    """What was read of a person, and when; `person` is None once they may not sign in any more."""

    person: viewers.ViewerRow | None
    read_at: float
    used_at: float


class Viewers:
    """The people who are signed in, never older than five seconds while `keep_fresh` runs."""

    def __init__(self, db: Database, sign_in: SignIn) -> None:
        self._db, self._sign_in = db, sign_in
        self._known: dict[str, CachedPerson] = {}
        self._changed = asyncio.Event()
        self.clock = DatabaseClock()  # kept right by `keep_fresh`
        self.listeners: list[Callable[[int], object]] = []
        """Called with the id of each person whose roles are others than before."""

    async def of(self, token: str) -> Viewer:
        """The viewer behind a token; raises `AuthError`."""
        return await self.of_claim(await self._sign_in.claim(token, await self.time()))

    async def time(self) -> datetime:
        """The time by the database's clock."""
        return await self.clock.time(self._db)

    async def of_claim(self, claim: TokenClaim) -> Viewer:
        """The viewer behind what a valid token says; raises `AuthError`."""
        known = self._known.get(claim.username)
        if known is None or time.monotonic() - known.read_at > FRESH_S:
            await self._read([claim.username])
            known = self._known[claim.username]
        if known.person is None:
            raise AuthError(f"There is no active person {claim.username[:64]!r} here.")
        if claim.is_revoked(known.person):
            raise AuthError("The token was revoked: get a new one.")
        known.used_at = time.monotonic()
        return build_viewer(known.person, claim)

    def now(self, viewer: Viewer) -> Viewer:
        """The same viewer with the roles of now: without any once the person is gone or the token revoked."""
        known = self._known.get(viewer.username)
        if known is None:
            return viewer
        known.used_at = time.monotonic()
        if known.person is None or (viewer.claim and viewer.claim.is_revoked(known.person)):
            return Viewer(
                viewer.person_id,
                viewer.username,
                expires_at=viewer.expires_at,
                bounds=viewer.bounds,
            )
        return build_viewer(known.person, viewer.claim)

    async def reload_person(self, username: str) -> None:
        """Read somebody anew before anything else is decided of them here."""
        await self._read([username])

    def reload_viewers(self) -> None:
        """Read everybody anew: a membership has changed."""
        self._changed.set()

    async def keep_fresh(self) -> None:
        """Read those who are here again, every few seconds and after each change; runs for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(FRESH_S / 2):
                    await self._changed.wait()
            self._changed.clear()
            self._drop_old()
            try:
                await self.clock.sync(self._db)
                await self._read(list(self._known))
            except Exception as error:
                log.warning("people can't be read: %r", error)

    def _drop_old(self) -> None:
        by_use = sorted(self._known.items(), key=lambda item: item[1].used_at, reverse=True)
        oldest = time.monotonic() - KEPT_S
        self._known = {name: k for name, k in by_use[:MOST_KEPT] if k.used_at > oldest}

    async def _read(self, usernames: list[str]) -> None:
        if not usernames:
            return
        now = time.monotonic()
        found = {p.username: p for p in await viewers.find_by_usernames(self._db, usernames)}
        for name in usernames:
            old = self._known.get(name)
            if old and old.person and old.person != found.get(name):
                for listener in self.listeners:
                    listener(old.person.id)
            self._known[name] = CachedPerson(found.get(name), now, old.used_at if old else now)


def build_viewer(person: viewers.ViewerRow, claim: TokenClaim | None) -> Viewer:
    """A person who shows a token."""
    roles = dict(zip(person.experiment_ids, map(Role, person.roles), strict=True))
    until = claim.expires_at if claim else None
    bounds = claim.bounds if claim else None
    is_admin = person.is_admin and bounds is None
    left = MappingProxyType(bounds.bound_roles(roles) if bounds else roles)
    return Viewer(person.id, person.username, is_admin, left, until, claim, bounds)


async def issue_token(settings: Settings, username: str, valid: timedelta, *, create: bool) -> str:
    """Make a token for somebody who is there, or for the service admin, made when asked for."""
    tokens = LocalTokens(settings.secret)
    pool = await open_api_pool(settings.database_url, most=1)
    db = pool.everything
    try:
        if create:
            await viewers.ensure_admin(db, username)
        if not await viewers.find_by_usernames(db, [username]):
            raise AuthError(f"There is no active person {username!r}: ask an admin to add them.")
        return tokens.issue(username, valid, await read_time(db))
    finally:
        await pool.close()


def main(arguments: list[str] | None = None) -> int:
    """`python -m auth token --person NAME`: print a token to sign in with."""
    parser = argparse.ArgumentParser(prog="python -m auth")
    commands = parser.add_subparsers(dest="command", required=True)
    token = commands.add_parser("token", help="print a token to sign in with")
    token.add_argument("--person", metavar="NAME", help="username (with --create-admin: admin)")
    token.add_argument("--days", type=float, default=7, help="how long it is valid")
    token.add_argument(
        "--create-admin", action="store_true", help="make the person a service admin, new or not"
    )
    given = parser.parse_args(arguments)
    username = given.person or ("admin" if given.create_admin else "")
    if not username:
        parser.error("say whose token it is: --person NAME, or --create-admin")
    if not 0 < given.days <= LONGEST.days:
        parser.error(f"--days is more than 0 and at most {LONGEST.days}")
    valid = timedelta(days=given.days)
    try:
        configure_logs(*read_log_settings())
        made = asyncio.run(
            issue_token(Settings.from_env(), username, valid, create=given.create_admin)
        )
    except (AuthError, SettingError, ValueError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 1
    print(made)  # noqa: T201 - the command's answer
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
