"""Any token that is good here: each way to sign in looks at its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import jwt

from auth import MALFORMED, AuthError, LocalTokens, SignIn, TokenClaim
from db.reach import ReachingPool
from domain.people.issuers import OURS
from identity.outside_tokens import OutsideTokens
from identity.provider import Provider
from identity.service_tokens import PREFIX, ServiceTokens


class AllTokens:
    """Local tokens, service tokens, and those of issuers outside."""

    def __init__(
        self, local: LocalTokens, db: ReachingPool, providers: Sequence[Provider] = ()
    ) -> None:
        self._service = ServiceTokens(db)
        by_issuer: dict[str, SignIn] = {OURS: local}
        for provider in providers:
            if provider.issuer.audiences:
                by_issuer[provider.issuer.url] = OutsideTokens(provider, db)
        self._by_issuer: Mapping[str, SignIn] = by_issuer

    async def claim(self, token: str, now: datetime) -> TokenClaim:
        """Check a token by what it says that it is; raises AuthError, SignInUnavailable."""
        if token.startswith(PREFIX):
            return await self._service.claim(token, now)
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except MALFORMED as error:
            raise AuthError("The token is not valid here.") from error
        found = self._by_issuer.get(issuer) if isinstance(issuer, str) else None
        if found is None:
            raise AuthError("The token is not valid here: nobody here knows its issuer.")
        return await found.claim(token, now)


@asynccontextmanager
async def keep_providers_fresh(providers: Sequence[Provider]) -> AsyncIterator[None]:
    """Have the keys of all issuers read as long as this is open."""
    tasks = [asyncio.create_task(each.keep_fresh()) for each in providers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for each in providers:
            await each.calls.close()
