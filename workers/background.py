"""What takes longer than the loop that began it can wait: it goes on beside it, and ends with the process."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger("workers")


class BackgroundTasks:
    """Some tasks at once, which are told when the process is to end."""

    def __init__(self, most: int = 10) -> None:
        self._most, self._tasks = most, set[asyncio.Task[None]]()
        self.is_ending = asyncio.Event()

    @property
    def has_room(self) -> bool:
        """Whether another one may begin."""
        return len(self._tasks) < self._most and not self.is_ending.is_set()

    def start(self, what: Coroutine[Any, Any, None]) -> None:
        """Let it go on by itself; what it raises is logged."""
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._discard_task)

    def _discard_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a launch script's launcher failed", exc_info=error)

    async def end(self, within_s: float) -> None:
        """Tell all to end, and wait for them as long."""
        self.is_ending.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within_s)
            for task in late:
                task.cancel()
