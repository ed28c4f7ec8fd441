"""Until when credentials hold, and what follows: to warn, to renew, to wait."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import jwt
from cryptography import x509

from domain.names import MOST_WORD, check_text

WARN = timedelta(days=1)
RETRY = (timedelta(minutes=1), timedelta(hours=1))
MOST_SAID = 4000

SECRETS = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*|-----BEGIN [^-]+-----.*?(-----END [^-]+-----|\Z)", re.DOTALL
)
"""What tokens and keys look like, wherever they stand."""


class CredentialKind(StrEnum):
    """What a credential is."""

    TOKEN = "token"  # noqa: S105 - the kind's name
    PROXY = "proxy"
    PASSWORD = "password"  # noqa: S105 - the kind's name


class CredentialUnusable(Exception):
    """The file is not what it should be; the text says why, and never what is in it."""


@dataclass(frozen=True, slots=True)
class CredentialTerms:
    """What is known of a credential that launches use."""

    name: str
    problem: str
    expires_at: datetime | None
    covers_jobs: bool
    renews: bool


def check_credential_path(path: str, own: str) -> str | None:
    """What is wrong with a path in an experiment's folder; `own`: the only part of it that is allowed."""
    parts = path.split("/")
    if said := check_text(path, MOST_WORD):
        return said
    if any(part in ("", ".", "..") for part in parts):
        return "This is a path inside of the experiment's folder of credentials, such as production.token."
    if own and (parts[0] != own or len(parts) < 2):
        return f"Yours lie in {own}/."
    return None


def read_expiry(kind: CredentialKind, content: bytes) -> datetime | None:
    """Until when a token or proxy holds, by its own word, which nobody vouches for; None: it doesn't say."""
    if kind is CredentialKind.PASSWORD:
        if not content.strip():
            raise CredentialUnusable("There is no password in the file.")
        return None
    return (
        _read_token_expiry(content) if kind is CredentialKind.TOKEN else _read_proxy_expiry(content)
    )


def _read_token_expiry(content: bytes) -> datetime | None:
    line = next((line.strip() for line in content.splitlines() if line.strip()), b"")
    try:
        said = jwt.decode(line, options={"verify_signature": False, "verify_exp": False})
    except jwt.InvalidTokenError as error:
        raise CredentialUnusable("There is no token (JWT) in the file.") from error
    at = said.get("exp")
    try:
        return None if at is None else datetime.fromtimestamp(at, UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise CredentialUnusable("The token's time of expiry is no time.") from error


def _read_proxy_expiry(content: bytes) -> datetime:
    """The first end among the proxy and what it is a proxy of."""
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise CredentialUnusable("There is no certificate (PEM) in the file.") from error
    ends: list[datetime] = [certificate.not_valid_after_utc for certificate in found]
    return min(ends)


def is_expiring(terms: CredentialTerms, tries: int, now: datetime) -> bool:
    """Whether somebody has to be warned: it ends within a day, and nothing renews it."""
    soon = terms.expires_at is not None and terms.expires_at - now < WARN
    return soon and (not terms.renews or tries > 0)


def compute_renewal_time(
    terms: CredentialTerms, seen_at: datetime, now: datetime
) -> datetime | None:
    """When it is renewed: at half of its time; at once where it can't be used."""
    if not terms.renews:
        return None
    if terms.problem:
        return now
    if terms.expires_at is None:
        return None
    return min(seen_at + (terms.expires_at - seen_at) / 2, terms.expires_at)


def compute_retry_time(tries: int, now: datetime) -> datetime:
    """When a renewal that failed is tried again: later and later."""
    least, most = RETRY
    return now + min(most, least * 2.0 ** min(tries - 1, 10))


def explain_credential_wait(
    terms: CredentialTerms, margin: timedelta, walltime: timedelta, now: datetime
) -> str | None:
    """Why a launch must not use it now, or nothing: better held than failed half way."""
    if terms.problem:
        return f"Waits for credential {terms.name}: {terms.problem}"
    if terms.expires_at is None:
        return None
    needed = margin + (walltime if terms.covers_jobs else timedelta())
    if now + needed < terms.expires_at:
        return None
    verb = "expired" if terms.expires_at <= now else "expires"
    return (
        f"Waits for credential {terms.name}: it {verb} at {terms.expires_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"and a launch needs it for {needed.total_seconds() / 60:.0f} minutes."
    )


def mask_output(said: str, secrets: Sequence[str]) -> str:
    """The end of what a command said, without what is secret in it."""
    for secret in secrets:
        said = said.replace(secret, "[secret]")
    said = SECRETS.sub("[secret]", said).replace("\0", "")
    return said[-MOST_SAID:]
