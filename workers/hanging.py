"""Tell everybody which lanes of this worker hang: shown in /readyz and /metrics of the API."""

from db import hanging_lanes
from db.hanging_lanes import HangingLane
from lanes import list_lanes
from workers.tools import WorkerTools, log

EVERY_S = 5.0
"""How often it is told: what isn't told again for some such times is not shown any more."""


class HangingLanes:
    """Remembers what was told last, since mostly there is nothing to tell."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    async def step(self, tools: WorkerTools) -> bool:
        """Tell; there is never more to do at once."""
        found = [
            HangingLane(lane.name, lane.hung, lane.is_open, lane.hung_since)
            for lane in list_lanes()
            if lane.hung_since is not None
        ]
        names = {lane.lane for lane in found}
        for name in names - self._told:
            log.warning("lane %s hangs", name)
        if names or self._told:
            await hanging_lanes.record(tools.db, tools.holder, found)
        self._told = names
        return False
