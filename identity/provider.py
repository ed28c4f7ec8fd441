"""One issuer: its configuration and its keys, as it has told them last, kept fresh."""

import asyncio
import logging
import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Literal

import jwt

from auth import AuthError
from domain.people.issuers import Issuer
from identity.provider_calls import ProviderCalls, ProviderRefused, ProviderUnavailable

REFRESH_S = 600.0
"""How often the keys are read anew, so that those that the issuer has withdrawn are not good any more."""
KEPT_S = 86_400.0
"""For how long known keys are good while the issuer does not answer."""
UNKNOWN_S = 5.0
"""How often a key that nobody knows may have them read anew: anybody can name one."""
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 1.0, 300.0
MOST_KEYS = 100
log = logging.getLogger("identity")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and for what alone it is, if it says so."""

    jwk: jwt.PyJWK
    algorithm: str | None


class SignInUnavailable(Exception):
    """Nobody can tell now who is meant, since the issuer does not answer."""


class Provider:
    """An issuer, asked through its lane."""

    def __init__(self, issuer: Issuer, trusted: frozenset[str], client_secret: str = "") -> None:
        self.issuer, self.client_secret = issuer, client_secret
        self.calls = ProviderCalls(issuer.name, trusted)
        self._keys = dict[str, SigningKey]()
        self._read_at = self._tried_at = float("-inf")
        self._failed, self._fault = 0, "its keys were not read yet"
        self._configuration: dict[str, Any] = {}
        self._lock = asyncio.Lock()

    @property
    def state(self) -> str:
        """How it is, for `/readyz`."""
        if not self._fault:
            return "here"
        known = (
            f"{len(self._keys)} keys are known" if self._are_keys_good() else "no keys are known"
        )
        return f"away: {self._fault}; {known}"

    async def keep_fresh(self) -> None:
        """Read the keys every now and then, at longer intervals while that fails; runs for ever."""
        while True:
            async with self._lock:
                await self._read_keys()
            backoff_s = FIRST_BACKOFF_S * 2 ** min(self._failed - 1, 10)
            await asyncio.sleep(min(LONGEST_BACKOFF_S, backoff_s) if self._failed else REFRESH_S)

    async def find_key(self, name: str | None) -> SigningKey:
        """The key of this name, of its only one without; raises AuthError, SignInUnavailable."""
        key = self._find_known(name)
        if key is None:
            async with self._lock:
                if self._find_known(name) is None and monotonic() - self._tried_at > UNKNOWN_S:
                    await self._read_keys()
            key = self._find_known(name)
        if key is not None:
            return key
        if self._fault:
            raise SignInUnavailable(f"{self.issuer.title} does not tell its keys: try again later.")
        raise AuthError(f"The token is signed by no key that {self.issuer.title} has.")

    async def find_endpoint(
        self, name: Literal["authorization_endpoint", "token_endpoint", "userinfo_endpoint"]
    ) -> str:
        """An address of its; empty where it has none. Raises SignInUnavailable."""
        try:
            configuration = self._configuration or await self._read_configuration()
        except (ProviderRefused, ProviderUnavailable) as error:
            log.warning("issuer %s: %s", self.issuer.name, error)
            raise SignInUnavailable(
                f"{self.issuer.title} does not answer: try again later."
            ) from error
        return str(configuration.get(name) or "")

    def _are_keys_good(self) -> bool:
        return bool(self._keys) and monotonic() - self._read_at < KEPT_S

    def _find_known(self, name: str | None) -> SigningKey | None:
        if not self._are_keys_good():
            return None
        if name is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(name)

    async def _read_keys(self) -> None:
        self._tried_at = monotonic()
        try:
            url = self.issuer.keys_url or (await self._read_configuration()).get("jwks_uri")
            keys = collect_keys(await self.calls.ask("GET", str(url)))
        except (ProviderRefused, ProviderUnavailable) as error:
            self._failed += 1
            self._fault = str(error)
            log.warning("issuer %s: its keys can't be read: %s", self.issuer.name, error)
            return
        self._keys, self._read_at = keys, monotonic()
        self._failed, self._fault = 0, "" if keys else "it has no key that can be used"

    async def _read_configuration(self) -> dict[str, Any]:
        url = self.issuer.url.rstrip("/") + "/.well-known/openid-configuration"
        read = await self.calls.ask("GET", url)
        if read.get("issuer") != self.issuer.url:
            raise ProviderRefused(f"It says that it is {str(read.get('issuer'))[:200]!r}.")
        self._configuration = read
        return read


def collect_keys(document: dict[str, Any]) -> dict[str, SigningKey]:
    """The public keys for signatures by their names; what can't be used is left out."""
    found = dict[str, SigningKey]()
    keys = document.get("keys")
    for each in keys[:MOST_KEYS] if isinstance(keys, list) else []:
        if (
            not isinstance(each, dict)
            or each.get("kty") == "oct"
            or each.get("use", "sig") != "sig"
        ):
            continue
        with suppress(jwt.PyJWTError, ValueError, TypeError, KeyError):
            key = SigningKey(jwt.PyJWK(each), each.get("alg"))
            found[str(each.get("kid", ""))] = key
    return found


def read_key_name(token: str) -> str | None:
    """By which key it says that it is signed; raises AuthError."""
    try:
        name: str | None = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError as error:
        raise AuthError("The token is not valid here.") from error
    return name


def check_token(
    token: str, key: SigningKey, issuer: Issuer, audiences: tuple[str, ...], now: datetime
) -> dict[str, Any]:
    """What a token of an issuer says that is for one of these, and holds at this time; raises AuthError."""
    algorithm = jwt.get_unverified_header(token).get("alg")
    if algorithm not in issuer.algorithms or algorithm != (key.algorithm or algorithm):
        raise AuthError("The token is signed in a way that is not allowed here.")
    options: Any = {
        "require": ["sub", "iat", "exp", "iss", "aud"],
        **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat"), False),  # by our host's clock
    }
    try:
        claims = jwt.decode(
            token, key.jwk.key, [algorithm], audience=audiences, issuer=issuer.url, options=options
        )
        times = {name: float(claims[name]) for name in ("iat", "exp", "nbf") if name in claims}
        if not all(0 <= each < math.inf for each in times.values()):
            raise ValueError(times)
    except jwt.InvalidAudienceError as error:
        raise AuthError(
            "The token is for somebody else: its audience is not this service."
        ) from error
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise AuthError("The token is not valid here.") from error
    if times["exp"] <= now.timestamp() - issuer.skew_s:
        raise AuthError("The token has expired: get a new one.")
    if max(times["iat"], times.get("nbf", 0)) > now.timestamp() + issuer.skew_s:
        raise AuthError("The token is not valid yet.")
    found: dict[str, Any] = {**claims}
    return found | times
