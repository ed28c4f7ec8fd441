"""Begins launches that a worker was told of and those that nobody picked up: so many at once at each batch system."""

from collections.abc import Coroutine
from typing import Any

from db.launching import launches
from db.submissions import submissions
from domain.submissions.submissions import LAUNCHING, SubmissionState
from workers.dispatch import TaskPool
from workers.launch import launch_submission
from workers.tools import WorkerTools

PATIENCE_S = 1.0
"""How long a new submission may wait for the worker that was told of it."""
OF_EACH, MOST = 8, 64
"""Launches in hand at once at each batch system, and at all."""
CLAIMABLE = LAUNCHING | {SubmissionState.NEW}


class WorkerLauncher:
    """What this worker launches now, by submission; a batch system that hangs keeps none of another's."""

    def __init__(self) -> None:
        self.pool = TaskPool[str]("launch", OF_EACH, MOST)
        self._in_hand: set[int] = set()

    async def step(self, tools: WorkerTools) -> bool:
        """Begin what nobody launches; true when something was begun."""
        if not self.pool.has_room:
            return False
        full, mine = self.pool.full, list(self._in_hand)
        found = await launches.list_stuck(tools.db, PATIENCE_S, full, mine)
        begun = [self._begin(tools, each.id, each.batch_system) for each in found]
        return any(begun) and not tools.guard.doubt  # in doubt it would be found again at once

    async def hand_over(self, tools: WorkerTools, submission_id: int) -> None:
        """Begin one that a worker is told of; where there is no room now it is found later."""
        submission = await submissions.find_by_id(tools.db, submission_id)
        if submission is not None and submission.state in CLAIMABLE:
            self._begin(tools, submission_id, submission.batch_system)

    def _begin(self, tools: WorkerTools, id: int, batch_system: str) -> bool:
        has_room = self.pool.has_room and batch_system not in self.pool.full
        if not has_room or id in self._in_hand:
            return False
        self._in_hand.add(id)
        self.pool.start(batch_system, self._launch(id, launch_submission(tools, id)))
        return True

    async def _launch(self, id: int, launching: Coroutine[Any, Any, None]) -> None:
        try:
            await launching
        finally:
            self._in_hand.discard(id)
