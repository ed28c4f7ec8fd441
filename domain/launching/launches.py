"""How far one attempt to launch a submission has come."""

import re
from enum import StrEnum


class LaunchState(StrEnum):
    """intended → sent (about to be submitted) → acknowledged (id adopted) → opened (gate) → confirmed (first event)."""

    INTENDED = "intended"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    OPENED = "opened"
    CONFIRMED = "confirmed"
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


AT_ONCE, FIRST_S, LAST_S = 3, 10.0, 600.0


def begin_again_s(attempts: int) -> float:
    """How long until a launch begins again whose attempts have submitted nothing; each has left a launch directory."""
    return 0.0 if attempts < AT_ONCE else min(FIRST_S * 2.0 ** min(attempts - AT_ONCE, 9), LAST_S)


_MARK = re.compile(r"poms-[0-9a-f]{8}-(\d{1,18})-(\d{1,9})")


def format_mark_prefix(history: str) -> str:
    """How the marks of all launches begin that were made in a history."""
    return f"poms-{history[:8]}-"


def parse_submission_id(mark: str) -> int | None:
    """The submission that a mark of ours was made for."""
    return launch_of(mark)[0]


def launch_of(mark: str) -> tuple[int | None, int | None]:
    """The submission, and the number of the attempt to launch it, that a mark of ours was made for."""
    found = _MARK.fullmatch(mark)
    return (int(found[1]), int(found[2])) if found else (None, None)
