"""The lanes of one batch system: apart for what could keep something else waiting."""

from collections.abc import Callable
from typing import TypeVar

from batch import BatchUnavailable
from lanes import Lane, LaneUnavailable

_T = TypeVar("_T")
HEALTH_S, REPORTS_S = 10.0, 60.0


class BatchLanes:
    """What blocks for one batch system; what can't be done now is `BatchUnavailable`."""

    def __init__(self, name: str, said: str, call_s: float) -> None:
        """`said`: how it is called in faults."""
        self._said = said
        self.submit = Lane(f"{name}:submit", call_s)
        self.act = Lane(f"{name}:act", call_s)
        self.find = Lane(f"{name}:find", call_s, at_once=2)
        # One reader after the other, with what it knows of the place: another can't take the turn of one that hangs.
        self.read = Lane(f"{name}:read", call_s, at_once=1, most_hung=1)
        self.reports = Lane(f"{name}:reports", REPORTS_S, at_once=1)
        self.health = Lane(f"{name}:health", HEALTH_S, at_once=1, most_hung=2)

    async def call(self, lane: Lane, work: Callable[[], _T], more_s: float = 0.0) -> _T:
        """Run it in a lane; `more_s`: how much longer than usual it may take."""
        try:
            return await lane.call(work, lane.call_s + more_s)
        except (OSError, EOFError, LaneUnavailable) as wrong:
            raise self._unavailable(wrong) from wrong

    async def look(self, work: Callable[[], _T]) -> _T:
        """Look for something that may be there; tried again, since that changes nothing."""
        try:
            return await self.find.read(work, BatchUnavailable)
        except (OSError, EOFError, LaneUnavailable) as wrong:
            raise self._unavailable(wrong) from wrong

    def _unavailable(self, wrong: Exception) -> BatchUnavailable:
        return BatchUnavailable(f"{self._said}: {str(wrong) or type(wrong).__name__}")
