"""Tokens for scripts: made once, shown once, known by their hashes."""

import secrets
from datetime import datetime
from hashlib import sha256

from auth import AuthError, TokenClaim
from db.people import service_tokens
from db.reach import ReachingPool
from domain.people.token_bounds import bound_service_token

PREFIX = "poms_"
"""How they begin, so that whoever finds one somewhere knows what it is."""


def make_secret() -> str:
    """A new token: 256 bits that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """What is kept of it. What nobody can guess needs no slow hash."""
    return sha256(token.encode()).digest()


class ServiceTokens:
    """The tokens that `createServiceToken` makes."""

    def __init__(self, db: ReachingPool) -> None:
        self._db = db

    async def claim(self, token: str, now: datetime) -> TokenClaim:
        """Look one up; raises AuthError."""
        found = await service_tokens.find_shown(self._db, hash_token(token))
        if found is None:
            raise AuthError("The token is not valid here.")
        if found.is_revoked:
            raise AuthError("The token was revoked: get a new one.")
        if found.expires_at <= now:
            raise AuthError("The token has expired: get a new one.")
        if not found.is_used_lately:
            await service_tokens.note_use(self._db, found.id)
        bounds = bound_service_token(found.experiment_id, found.scopes)
        times = found.created_at, found.expires_at
        return TokenClaim(found.username, *times, found.token_id, bounds)
