"""Who is asking, and what they may do: a token becomes a viewer, and `may` looks into one table."""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Protocol

import jwt

from db import viewers
from db.pool import Database, open_pool
from domain.people import Role
from settings import SettingMissing, Settings

ISSUER, ALGORITHM = "poms", "HS256"
SHORTEST_SECRET = 32
FRESH_S = 5.0
KEPT_S = 86_400.0
MOST_KEPT = 10_000

log = logging.getLogger("auth")


class Refused(Exception):
    """Nobody that we know stands behind the token; the text says why."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person with their role in each experiment."""

    person_id: int
    username: str
    is_admin: bool = False
    roles: Mapping[int, Role] = field(default_factory=lambda: MappingProxyType({}))
    expires_at: datetime | None = None

    def sees(self, experiment_id: int) -> bool:
        """Whether the experiment's objects are there for this person at all."""
        return self.is_admin or experiment_id in self.roles

    @property
    def anybody(self) -> "Viewer":
        """Whoever has the same roles; ownership counts for analysis only, where it stays the person."""
        if Role.ANALYSIS in self.roles.values() and not self.is_admin:
            return self
        return Viewer(0, "", self.is_admin, self.roles, self.expires_at)

    @property
    def experiments(self) -> list[int] | None:
        """The experiments that this person sees; None means every one."""
        return None if self.is_admin else sorted(self.roles)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that may do it: to items of that owning role (None: any), or only to own ones."""

    role: Role
    owning_role: Role | None = None
    own: bool = False


A, S, P, SU = Role.ANALYSIS, Role.SHIFTER, Role.PRODUCTION, Role.SUPERUSER
MODIFY = (Grant(A, A, own=True), Grant(S, S), Grant(P, P), Grant(SU))
DO = (*MODIFY, Grant(S, P), Grant(P, A))

GRANTS: Mapping[str, tuple[Grant, ...]] = {
    "view": tuple(Grant(role) for role in Role),
    "create": MODIFY,
    "modify": MODIFY,
    "launch": DO,
    "operate": DO,
    "manage_members": (Grant(SU),),
    "admin": (),
}
"""Who may do what inside an experiment; what isn't here is denied. Admins may do everything."""

SIGN_IN = "sign_in"
"""What everybody who is signed in may do, roles or none: ask who they are."""


def may(
    viewer: Viewer,
    action: str,
    experiment_id: int | None,
    owner_id: int | None = None,
    owning_role: Role | None = None,
) -> bool:
    """Whether the viewer may do this to an item with that owner and owning role.

    To create, leave the owner out: it will be the viewer. Without an owning role, only grants on
    all items count, except for `create`, which asks whether there is anything they may create.
    """
    if viewer.is_admin:
        return action in GRANTS or action == SIGN_IN
    role = viewer.roles.get(experiment_id) if experiment_id is not None else None
    creating = action == "create"
    owns = owner_id == viewer.person_id or (creating and owner_id is None)
    return any(
        grant.role == role
        and (grant.owning_role in (None, owning_role) or (creating and owning_role is None))
        and (owns or not grant.own)
        for grant in GRANTS.get(action, ())
    )


def may_at_all(viewer: Viewer, action: str) -> bool:
    """Whether there is any experiment in which the viewer could do this to something."""
    if viewer.is_admin or action == SIGN_IN:
        return action in GRANTS or action == SIGN_IN
    held = set(viewer.roles.values())
    return any(grant.role in held for grant in GRANTS.get(action, ()))


@dataclass(frozen=True, slots=True)
class Claim:
    """What a valid token says."""

    username: str
    expires_at: datetime


class SignIn(Protocol):
    """A way to tell who stands behind a token: local tokens now, an identity provider later."""

    async def claim(self, token: str) -> Claim:
        """Check a token; raises `Refused`."""


class LocalTokens:
    """Tokens that we sign ourselves."""

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"POMS_SECRET must have at least {SHORTEST_SECRET} characters.")
        self._secret = secret

    def issue(self, username: str, valid: timedelta) -> str:
        """Make a token for a person."""
        now = datetime.now(UTC)
        claims = {"sub": username, "iat": now, "exp": now + valid, "iss": ISSUER}
        return jwt.encode(claims, self._secret, ALGORITHM)

    async def claim(self, token: str) -> Claim:
        """Check signature, issuer and times of a token."""
        try:
            found = jwt.decode(
                token,
                self._secret,
                [ALGORITHM],
                issuer=ISSUER,
                options={"require": ["sub", "iat", "exp", "iss"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Refused("The token has expired: get a new one.") from error
        except jwt.InvalidTokenError as error:
            raise Refused("The token is not valid here.") from error
        return Claim(str(found["sub"]), datetime.fromtimestamp(found["exp"], UTC))


@dataclass(slots=True)
class Known:
    """What was read of a person, and when; `person` is None once they may not sign in any more."""

    person: viewers.Person | None
    read_at: float
    used_at: float


class Viewers:
    """The people who are signed in, never older than five seconds while `keep_fresh` runs."""

    def __init__(self, db: Database, sign_in: SignIn) -> None:
        self._db, self._sign_in = db, sign_in
        self._known: dict[str, Known] = {}
        self._changed = asyncio.Event()
        self.listeners: list[Callable[[int], object]] = []
        """Called with the id of each person whose roles are others than before."""

    async def of(self, token: str) -> Viewer:
        """The viewer behind a token; raises `Refused`."""
        claim = await self._sign_in.claim(token)
        known = self._known.get(claim.username)
        if known is None or time.monotonic() - known.read_at > FRESH_S:
            await self._read([claim.username])
            known = self._known[claim.username]
        if known.person is None:
            raise Refused(f"There is no active person {claim.username[:64]!r} here.")
        known.used_at = time.monotonic()
        return as_viewer(known.person, claim.expires_at)

    def now(self, viewer: Viewer) -> Viewer:
        """The same viewer with the roles of now: without any once the person is gone."""
        known = self._known.get(viewer.username)
        if known is None:
            return viewer
        known.used_at = time.monotonic()
        if known.person is None:
            return Viewer(viewer.person_id, viewer.username, expires_at=viewer.expires_at)
        return as_viewer(known.person, viewer.expires_at)

    def changed(self) -> None:
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
        found = {p.username: p for p in await viewers.by_usernames(self._db, usernames)}
        for name in usernames:
            old = self._known.get(name)
            if old and old.person and old.person != found.get(name):
                for listener in self.listeners:
                    listener(old.person.id)
            self._known[name] = Known(found.get(name), now, old.used_at if old else now)


def as_viewer(person: viewers.Person, expires_at: datetime | None) -> Viewer:
    """A person who shows a token."""
    roles = dict(zip(person.experiment_ids, map(Role, person.roles), strict=True))
    return Viewer(person.id, person.username, person.is_admin, MappingProxyType(roles), expires_at)


async def issue(settings: Settings, username: str, valid: timedelta, *, create: bool) -> str:
    """Make a token for somebody who is there, or for the service admin, made when asked for."""
    pool = await open_pool(settings.database_url, most=1)
    try:
        if create:
            await viewers.ensure_admin(pool, username)
        if not await viewers.by_usernames(pool, [username]):
            raise Refused(f"There is no active person {username!r}: ask an admin to add them.")
    finally:
        await pool.close()
    return LocalTokens(settings.secret).issue(username, valid)


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
    if not 0 < given.days <= 366:
        parser.error("--days is more than 0 and at most 366")
    valid = timedelta(days=given.days)
    try:
        made = asyncio.run(issue(Settings.from_env(), username, valid, create=given.create_admin))
    except (Refused, SettingMissing, ValueError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 1
    print(made)  # noqa: T201 - the command's answer
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
