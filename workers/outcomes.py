"""How a launch comes to stop short: what is raised on its way and decides how it goes on."""

from typing import TypeVar

_T = TypeVar("_T")


class NotToldYet(Exception):
    """The batch system answers, but not what has to be known: looked at again later."""


class LaunchUndecided(NotToldYet):
    """Nobody will ever tell: somebody has to decide."""


class LaunchAnew(Exception):
    """Nothing is at the batch system: it begins again, and waits for what a new launch waits for."""


class NothingSubmitted(Exception):
    """Nothing is at the batch system, and nothing will be by this launch."""


class LaunchLost(Exception):
    """The submission is not ours any more: somebody else goes on with it."""


def require_ours(found: _T | None) -> _T:
    """What was changed, if it was ours to change."""
    if found is None:
        raise LaunchLost
    return found
