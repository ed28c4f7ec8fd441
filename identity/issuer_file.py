"""The file in which a deployment names its issuers (`POMS_ISSUERS`)."""

import tomllib
from pathlib import Path

from domain.people.issuers import NO_ISSUERS, Issuer, IssuerFile, WrongIssuers, read_issuer_file


def load_issuer_file(path: Path | None) -> IssuerFile:
    """Read it, in TOML; raises WrongIssuers by the file's name."""
    if path is None:
        return NO_ISSUERS
    try:
        return read_issuer_file(tomllib.loads(path.read_text()))
    except (OSError, ValueError, WrongIssuers) as error:
        raise WrongIssuers(f"POMS_ISSUERS ({path}): {error}") from error


def read_client_secret(issuer: Issuer) -> str:
    """What we show the issuer as its client; empty: nothing, as of a public client. Raises WrongIssuers."""
    if not issuer.client_secret_file:
        return ""
    try:
        return Path(issuer.client_secret_file).read_text().strip()
    except (OSError, ValueError) as error:
        raise WrongIssuers(f"The client_secret_file of {issuer.name}: {error}") from error
