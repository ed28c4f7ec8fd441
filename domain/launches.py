"""How far one attempt to launch a submission has come, and where launches are made from."""

import re
from enum import StrEnum


class LaunchState(StrEnum):
    """intended → sent (about to be submitted) → acknowledged (id adopted) → opened (gate) → seen (first event)."""

    INTENDED = "intended"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    OPENED = "opened"
    SEEN = "seen"
    ABANDONED = "abandoned"


class ScriptEnd(StrEnum):
    """How a launch script ended."""

    EXITED = "exited"
    """By itself."""
    TIME_LIMIT = "time_limit"
    """It took too long, and was stopped."""
    REMOVAL = "removal"
    """Somebody asked for the removal of its jobs, and it was stopped."""
    STOPPED = "stopped"
    """The worker that ran it was told to end."""
    CUT_OFF = "cut_off"
    """The worker that ran it died, and it with that: nobody saw what it did last."""


class HostKind(StrEnum):
    """How a launch host is reached."""

    LOCAL = "local"
    SSH = "ssh"


class CredentialKind(StrEnum):
    """What a credential is."""

    TOKEN = "token"  # noqa: S105 - the kind's name
    PROXY = "proxy"


_MARK = re.compile(r"poms-[0-9a-f]{8}-(\d{1,18})-\d+")


def prefix(history: str) -> str:
    """How the marks of all launches begin that were made in a history."""
    return f"poms-{history[:8]}-"


def submission_of(mark: str) -> int | None:
    """The submission that a mark of ours was made for."""
    found = _MARK.fullmatch(mark)
    return int(found[1]) if found else None
