"""As whom HTCondor is spoken to: the service's own token, or the one of a launch."""

import base64
import json
import os
from pathlib import Path

from batch import BatchRefused
from batch.files import read_plain

_MOST = 100_000


def build_token_environment(token: Path, folder: Path) -> dict[str, str]:
    """HTCondor's configuration for whoever a token makes us; an IDTOKEN is put into a folder, as it wants them."""
    try:
        text = read_plain(token, _MOST).decode("ascii").strip()
        header = text.partition(".")[0]
        signed = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["alg"]
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise BatchRefused(
            f"the launch's credential {token.name} can't be read as a token"
        ) from wrong
    if signed != "HS256":
        methods = {"_CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS": "SCITOKENS"}
        return {**methods, "BEARER_TOKEN_FILE": str(token)}
    fd = os.open(folder / "token", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text + "\n")
    given = {"SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS", "SEC_TOKEN_DIRECTORY": str(folder)}
    return {f"_CONDOR_{name}": value for name, value in given.items()}
