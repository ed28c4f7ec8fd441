"""Whether this process can do its work: asked by whoever sends it requests."""

from dataclasses import asdict
from typing import Any

from db import progress
from db.pool import Pool
from resolvers.asking import within

MOST_LAG_S = 30.0


async def readiness(db: Pool, redis: str) -> tuple[bool, dict[str, Any]]:
    """Ready or not, and why: without Redis everything works, only later."""
    found = await within(progress.health(db))
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
