"""Waits for the launch directory while its file system is away: what a job has done in hours isn't lost by that."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

PATIENCE_S, PAUSE_S = 300.0, 0.5
PASSING = {
    errno.ENOENT,
    errno.EIO,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.ETIMEDOUT,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENOSPC,
    errno.EDQUOT,
}
"""How a file system fails that is being mounted again, or full for a while."""


def retry_patiently(do: Callable[[], _T]) -> _T:
    """What it returns; where the file system is away it is done again, for some minutes at most."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return do()
        except OSError as wrong:
            if wrong.errno not in PASSING or time.monotonic() > until:
                raise
        time.sleep(PAUSE_S)
