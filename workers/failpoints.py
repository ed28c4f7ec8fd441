"""The places at which a crash is tested: before and after every external effect and every commit.

`async with around("launch.submit"):` is two places, `launch.submit.before` and `launch.submit.after`. A
process started with POMS_KILL_AT=launch.submit.after kills itself there, as `kill -9` would; with
POMS_KILL_AT=launch.submit.after=STOP it stops there, once, until somebody lets it go on.
"""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_armed: dict[str, signal.Signals] = {}


def arm_failpoint(text: str) -> None:
    """Make this process die or stop at a place; an empty text arms nothing."""
    name, _, how = text.partition("=")
    if name:
        _armed[name] = signal.Signals[f"SIG{how or 'KILL'}"]


def reach_failpoint(name: str) -> None:
    """Die or stop here if a test wants it."""
    if name in _armed:
        os.kill(os.getpid(), _armed.pop(name))


@asynccontextmanager
async def wrap_failpoints(name: str) -> AsyncIterator[None]:
    """The two places around an effect; one that fails has no `after`."""
    reach_failpoint(f"{name}.before")
    yield
    reach_failpoint(f"{name}.after")
