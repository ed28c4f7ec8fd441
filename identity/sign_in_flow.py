"""Signing in at an issuer: authorization code with PKCE (RFC 7636), and what it tells of who came back."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlencode

import jwt

from auth import MALFORMED, AuthError
from domain.people.issuers import Issuer
from identity.provider import Provider, SignInUnavailable, check_token, read_key_name
from identity.provider_calls import ProviderRefused, ProviderUnavailable

WITHIN = timedelta(minutes=10)
"""How long somebody may take to sign in."""
ALGORITHM, USE = "HS256", "sign-in"


@dataclass(frozen=True, slots=True)
class BegunSignIn:
    """What the browser keeps meanwhile, signed: by it alone the sign-in can be ended."""

    issuer: str
    state: str
    nonce: str
    verifier: str

    @classmethod
    def make(cls, issuer: Issuer) -> "BegunSignIn":
        """A new one."""
        return cls(issuer.name, *(secrets.token_urlsafe(32) for _ in range(3)))

    def seal(self, secret: str, now: datetime) -> str:
        """Write it down so that nobody can make another one."""
        return jwt.encode({**asdict(self), "use": USE, "exp": now + WITHIN}, secret, ALGORITHM)

    @classmethod
    def open(cls, sealed: str, secret: str, now: datetime) -> "BegunSignIn":
        """Read it; raises AuthError."""
        options: Any = {"require": ["exp"], "verify_exp": False}  # by our host's clock
        try:
            found = jwt.decode(sealed, secret, [ALGORITHM], options=options)
            if found["use"] != USE or float(found["exp"]) <= now.timestamp():
                raise AuthError("The sign-in took too long: begin it again.")
            return cls(*(str(found[name]) for name in cls.__dataclass_fields__))
        except MALFORMED as error:
            raise AuthError("This sign-in was not begun here: begin it again.") from error


async def build_sign_in_url(provider: Provider, begun: BegunSignIn, redirect_uri: str) -> str:
    """Where the browser goes; raises SignInUnavailable."""
    endpoint = await provider.find_endpoint("authorization_endpoint")
    if not endpoint.startswith(("https://", "http://")):
        raise SignInUnavailable(f"{provider.issuer.title} signs nobody in.")
    challenge = base64.urlsafe_b64encode(sha256(begun.verifier.encode()).digest()).rstrip(b"=")
    query = {
        "response_type": "code",
        "client_id": provider.issuer.client_id,
        "redirect_uri": redirect_uri,
        "scope": provider.issuer.scopes,
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


async def finish_sign_in(
    provider: Provider,
    begun: BegunSignIn,
    query: Mapping[str, str],
    redirect_uri: str,
    now: datetime,
) -> dict[str, Any]:
    """What the issuer says of who has come back; raises AuthError, SignInUnavailable."""
    if not compare_digest(query.get("state", "").encode(), begun.state.encode()):
        raise AuthError("This sign-in was not begun in this browser: begin it again.")
    if query.get("iss", provider.issuer.url) != provider.issuer.url:  # RFC 9207
        raise AuthError("Another issuer has answered than was asked.")
    if "code" not in query:
        raise AuthError(
            f"{provider.issuer.title} has not signed you in: {query.get('error', '')[:100]}"
        )
    try:
        tokens = await _fetch_tokens(provider, begun, query["code"], redirect_uri)
        claims = await _read_id_token(provider, str(tokens.get("id_token")), begun, now)
        return await _add_user_info(provider, claims, str(tokens.get("access_token", "")))
    except ProviderRefused as error:
        raise AuthError(f"{provider.issuer.title} has refused: {error}") from error
    except ProviderUnavailable as error:
        raise SignInUnavailable(
            f"{provider.issuer.title} does not answer: try again later."
        ) from error


async def _fetch_tokens(
    provider: Provider, begun: BegunSignIn, code: str, redirect_uri: str
) -> dict[str, Any]:
    issuer = provider.issuer
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": begun.verifier,
        "client_id": issuer.client_id,
    }
    more: dict[str, Any] = {}
    if secret := provider.client_secret:
        more["auth"] = quote(issuer.client_id, safe=""), quote(secret, safe="")  # RFC 6749, 2.3.1
    endpoint = await provider.find_endpoint("token_endpoint")
    return await provider.calls.ask("POST", endpoint, data=form, **more)


async def _read_id_token(
    provider: Provider, token: str, begun: BegunSignIn, now: datetime
) -> dict[str, Any]:
    key = await provider.find_key(read_key_name(token))
    claims = check_token(token, key, provider.issuer, (provider.issuer.client_id,), now)
    if not compare_digest(str(claims.get("nonce")).encode(), begun.nonce.encode()):
        raise AuthError("The token is of another sign-in: begin it again.")
    if claims.get("azp", provider.issuer.client_id) != provider.issuer.client_id:
        raise AuthError("The token was made for another client.")
    return claims


async def _add_user_info(
    provider: Provider, claims: dict[str, Any], access_token: str
) -> dict[str, Any]:
    """With what the issuer tells beside its token, where that does not tell all that is wanted."""
    issuer = provider.issuer
    wanted = {issuer.username, *(mapping.claim for mapping in issuer.mappings)}
    endpoint = await provider.find_endpoint("userinfo_endpoint")
    if wanted <= claims.keys() or not endpoint or not access_token:
        return claims
    headers = {"authorization": f"Bearer {access_token}"}
    told = await provider.calls.ask("GET", endpoint, headers=headers)
    if told.get("sub") != claims["sub"]:
        raise AuthError("The issuer tells of somebody else than has signed in.")
    return {**told, **claims}
