"""Whether this process can do its work: asked by whoever sends it requests."""

import asyncio
from dataclasses import asdict
from typing import Any

from db import progress
from db.pool import Pool

MOST_LAG_S = 30.0
PATIENCE_S = 2.0


async def _health(db: Pool) -> progress.Health | str:
    """What the database says, or why it doesn't.

    Whoever doesn't answer is left to himself: to cancel a query one has to ask the very same server.
    """
    asking = asyncio.create_task(progress.health(db))
    await asyncio.wait([asking], timeout=PATIENCE_S)
    if not asking.done():
        asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return f"no answer in {PATIENCE_S:.0f} s"
    error = asking.exception()
    return asking.result() if error is None else type(error).__name__


async def readiness(db: Pool, redis: str) -> tuple[bool, dict[str, Any]]:
    """Ready or not, and why: without Redis everything works, only later."""
    found = await _health(db)
    if isinstance(found, str):
        return False, {"ready": False, "database": f"away: {found}", "redis": redis}
    faults = []
    if found.relay_lag_s > MOST_LAG_S:
        faults.append(f"a change has waited {found.relay_lag_s:.0f} s for its position: see relay")
    if min(found.job_partitions_ahead, found.change_partitions_ahead) < 1:
        faults.append("no partition is ahead: see sweep")
    late = {name: age for name, age in found.watchers.items() if age > MOST_LAG_S}
    ready = not faults
    degraded = redis != "here" or bool(late or found.unreachable)
    said = {"ready": ready, "degraded": degraded, "database": "here", "redis": redis}
    return ready, {**said, "faults": faults, "late_watchers": late, **asdict(found)}
