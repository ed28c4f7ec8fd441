"""A submission that is being launched stays its launcher's as long as that one lives, and is heard of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from db import launches
from db.submissions import Submission
from domain.configuration import runs_script
from workers.tools import SCRIPT_LEASE_S, Tools, log


class Lease:
    """For how long a submission is surely ours, by our own clock."""

    def __init__(self, tools: Tools, submission: Submission, since: float) -> None:
        """`since`: a moment before it was claimed."""
        self._tools, self._id = tools, submission.id
        self._lease_s = (
            SCRIPT_LEASE_S if runs_script(submission.configuration) else tools.launch_lease_s
        )
        self._until = since + self._lease_s

    def lasts(self, more_s: float) -> bool:
        """Whether nobody else can take the submission over so soon."""
        return monotonic() + more_s < self._until

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew it again and again: handing very many jobs over takes long, and so may a launch script."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self) -> None:
        is_ours = True
        while is_ours:
            await asyncio.sleep(self._lease_s / 6)
            try:
                is_ours = await self._renew()
            except Exception as error:  # it may be ours all the same, and the database there again
                log.warning("submission %s: its lease was not renewed: %s", self._id, error)

    async def _renew(self) -> bool:
        asked_at, holder = monotonic(), self._tools.holder
        is_ours = await launches.renew(self._tools.db, self._id, holder, self._lease_s)
        if is_ours:
            self._until = asked_at + self._lease_s
        return is_ours
