"""What was taken for a while stays ours as long as we live and the work goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar

from db.launching import launches
from db.submissions.submissions import Submission
from workers.tools import SCRIPT_LEASE_S, WorkerTools, log

_T = TypeVar("_T")


@asynccontextmanager
async def keep_lease(
    what: str, token: _T, renew: Callable[[_T], Awaitable[_T | None]], every_s: float
) -> AsyncIterator[None]:
    """Renew a lease again and again until the block ends.

    `renew` takes what proves that it is ours and gives what proves it next, or None: it is somebody else's by now.
    Whoever goes on nevertheless finds out when it commits.
    """
    keeping = asyncio.create_task(_renew_until_lost(what, token, renew, every_s))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _renew_until_lost(
    what: str, token: _T, renew: Callable[[_T], Awaitable[_T | None]], every_s: float
) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            renewed = await renew(token)
        except Exception as error:  # it may be ours all the same, and the database there again
            log.warning("%s: its lease was not renewed: %s", what, error)
            continue
        if renewed is None:
            return
        token = renewed


class LaunchLease:
    """For how long a submission that is being launched is surely ours, by our own clock."""

    def __init__(self, tools: WorkerTools, submission: Submission, since: float) -> None:
        """`since`: a moment before it was claimed."""
        self._tools, self._id = tools, submission.id
        self._lease_s = SCRIPT_LEASE_S if submission.runs_with.runs_script else tools.launch_lease_s
        self._until = since + self._lease_s

    def lasts(self, more_s: float) -> bool:
        """Whether nobody else can take the submission over so soon."""
        return monotonic() + more_s < self._until

    @asynccontextmanager
    async def keep_renewed(self) -> AsyncIterator[None]:
        """Renew it again and again: handing very many jobs over takes long, and so may a launch script."""
        async with keep_lease(f"submission {self._id}", self._id, self._renew, self._lease_s / 6):
            yield

    async def _renew(self, id: int) -> int | None:
        asked_at, holder = monotonic(), self._tools.holder
        if not await launches.renew_lease(self._tools.db, id, holder, self._lease_s):
            return None
        self._until = asked_at + self._lease_s
        return id
