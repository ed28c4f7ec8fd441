"""Whether this process can do its work: asked by whoever sends it requests."""

import asyncio
from dataclasses import asdict
from typing import Any

from db import progress
from db.pool import Pool

MOST_LAG_S = 30.0
PATIENCE_S = 2.0


async def readiness(db: Pool, redis: str) -> tuple[bool, dict[str, Any]]:
    """Ready or not, and why: without Redis everything works, only later."""
    try:
        found = await asyncio.wait_for(progress.health(db), PATIENCE_S)
    except Exception as error:
        return False, {"ready": False, "database": f"away: {type(error).__name__}", "redis": redis}
    faults = []
    if found.relay_lag_s > MOST_LAG_S:
        faults.append(f"a change has waited {found.relay_lag_s:.0f} s for its position: see relay")
    if min(found.job_partitions_ahead, found.change_partitions_ahead) < 1:
        faults.append("no partition is ahead: see sweep")
    late = {name: age for name, age in found.watchers.items() if age > MOST_LAG_S}
    ready = not faults
    degraded = redis != "here" or bool(late)
    said = {"ready": ready, "degraded": degraded, "database": "here", "redis": redis}
    return ready, {**said, "faults": faults, "late_watchers": late, **asdict(found)}
