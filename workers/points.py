"""The places at which a crash is tested: before and after every external effect and every commit.

`async with around("launch.submit"):` is two places, `launch.submit.before` and `launch.submit.after`. A
process started with POMS_KILL_AT=launch.submit.after kills itself there, as `kill -9` would.
"""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_armed: set[str] = set()


def arm(name: str) -> None:
    """Make this process die at a place; an empty name arms nothing."""
    if name:
        _armed.add(name)


def reach(name: str) -> None:
    """Die here if a test wants it."""
    if name in _armed:
        os.kill(os.getpid(), signal.SIGKILL)


@asynccontextmanager
async def around(name: str) -> AsyncIterator[None]:
    """The two places around an effect; one that fails has no `after`."""
    reach(f"{name}.before")
    yield
    reach(f"{name}.after")
