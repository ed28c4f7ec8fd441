"""Where POMS is and as whom, from the environment or from what `poms login` has kept."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import typer

from poms.transport import TokenRejected


@dataclass(frozen=True, slots=True)
class Session:
    """An address of POMS and a token."""

    url: str
    token: str = field(repr=False)


def locate_session_file() -> Path:
    """The file in which the session is kept, readable by its owner alone."""
    return Path(typer.get_app_dir("poms")) / "session.json"


def read_session() -> Session:
    """`POMS_URL` and `POMS_TOKEN`, each over what was kept."""
    try:
        kept = json.loads(locate_session_file().read_text())
    except (OSError, ValueError):
        kept = {}
    url = os.environ.get("POMS_URL") or kept.get("url")
    token = os.environ.get("POMS_TOKEN") or kept.get("token")
    if not url or not token:
        raise TokenRejected("Sign in first: `poms login URL`, or set POMS_URL and POMS_TOKEN.")
    return Session(url, token)


def save_session(session: Session) -> Path:
    """Write a session down, and say where."""
    file = locate_session_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(asdict(session), out)
    fresh.replace(file)
    return file
