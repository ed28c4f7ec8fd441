"""Bearer tokens of issuers outside: whose they are, and what they are good for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

from auth import LONGEST, AuthError, TokenClaim
from db.people import identities
from db.people.identities import SaidIdentity, UnknownPerson
from db.reach import ReachingPool
from domain.names import MOST_NAME, USERNAME, check_text
from domain.people.issuers import Claims, Issuer
from domain.people.token_bounds import TokenBounds
from identity.provider import Provider, check_token, read_key_name

FRESH_S, MOST_KEPT = 5.0, 10_000
MOST_SUBJECT = 255


class OutsideTokens:
    """The tokens of one issuer."""

    def __init__(self, provider: Provider, db: ReachingPool) -> None:
        self._provider, self._issuer, self._db = provider, provider.issuer, db
        self._seen = dict[SaidIdentity, tuple[str, float]]()
        self._experiments, self._read_at = dict[str, int](), float("-inf")

    async def claim(self, token: str, now: datetime) -> TokenClaim:
        """Check a token; who comes for the first time is made. Raises AuthError, SignInUnavailable."""
        key = await self._provider.find_key(read_key_name(token))
        claims = check_token(token, key, self._issuer, self._issuer.audiences, now)
        until = datetime.fromtimestamp(min(claims["exp"], (now + LONGEST).timestamp()), UTC)
        said = describe_identity(self._issuer, claims, await self._find_experiments())
        return TokenClaim(
            username=await self._find_username(said),
            made_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=until,
            id=_parse_token_id(claims.get("jti")),
            # Where the issuer says roles, no token is good for more than it says.
            bounds=TokenBounds(mapped=frozenset(self._experiments.values()), said=said.roles),
        )

    async def _find_username(self, said: SaidIdentity) -> str:
        known = self._seen.get(said)
        if known and monotonic() - known[1] < FRESH_S:
            return known[0]
        username = await take_identity(self._db, said)
        if len(self._seen) >= MOST_KEPT:
            self._seen.clear()
        self._seen[said] = username, monotonic()
        return username

    async def _find_experiments(self) -> dict[str, int]:
        if monotonic() - self._read_at > FRESH_S:
            names = self._issuer.experiments
            self._experiments = await identities.find_experiment_ids(self._db, names)
            self._read_at = monotonic()
        return self._experiments


def describe_identity(
    issuer: Issuer, claims: Claims, experiments: Mapping[str, int], *, is_whole: bool = False
) -> SaidIdentity:
    """Whom an issuer means; raises AuthError where it can't be anybody. Experiments: their ids by their names."""
    subject, username = str(claims["sub"]), claims.get(issuer.username)
    if not 0 < len(subject) <= MOST_SUBJECT or check_text(subject):
        raise AuthError("The token names nobody.")
    ids, roles = experiments, issuer.find_roles(claims)
    name = claims.get("name")
    return SaidIdentity(
        issuer=issuer.name,
        subject=subject,
        username=_read_username(username),
        name=name if isinstance(name, str) and not check_text(name, MOST_NAME) else "",
        adopts=issuer.adopts,
        roles=frozenset((ids[each], role) for each, role in roles.items() if each in ids),
        said=frozenset(ids[each] for each in issuer.has_said(claims) if each in ids),
        is_whole=is_whole,
    )


def _read_username(said: Any) -> str:
    """The user name, if it can be one here; empty where it can't, which only matters for who is new."""
    return said if isinstance(said, str) and USERNAME.fullmatch(said) else ""


async def take_identity(db: ReachingPool, said: SaidIdentity) -> str:
    """The user name of whom an issuer means, with the roles that it says; raises AuthError."""
    try:
        return await identities.record_identity(db, said)
    except UnknownPerson as error:
        raise AuthError(str(error)) from error


def _parse_token_id(said: Any) -> UUID | None:
    try:
        return UUID(said)
    except (ValueError, TypeError, AttributeError):
        return None
