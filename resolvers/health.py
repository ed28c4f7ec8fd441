"""Whether this process can do its work: asked by whoever sends it requests."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from db.disks import WorkerDisk, explain_full_database, list_disks
from db.pool import AnyPool
from db.submissions import progress
from domain.clocks import MOST_OFFSET_S
from domain.loops import list_stalled_loops
from resolvers.timeouts import ask_within_deadline

MOST_LAG_S = 30.0


async def check_readiness(
    db: AnyPool, redis: str, offset_s: float = 0, identity: Mapping[str, str] | None = None
) -> tuple[bool, dict[str, Any]]:
    """Ready or not, and why: without Redis everything works, only later.

    `offset_s`: how far this host's clock is ahead of the database's. `identity`: how the issuers are, by name; without
    one those go on working whose keys are known.
    """
    looked = await ask_within_deadline(read_database_health(db))
    if isinstance(looked, str):
        return False, {"ready": False, "database": f"away: {looked}", "redis": redis}
    found, full, disks = looked
    faults = [f"the database has no room: {full}"] if full else []
    if found.relay_lag_s > MOST_LAG_S:
        faults.append(f"a change has waited {found.relay_lag_s:.0f} s for its position: see relay")
    if min(found.job_partitions_ahead, found.change_partitions_ahead) < 1:
        faults.append("no partition is ahead: see sweep")
    late = {name: age for name, age in found.watchers.items() if age > MOST_LAG_S}
    stalled = list_stalled_loops(found.loops)
    ready = not faults
    unwritable = {f"{d.place} of {d.host}": d.problem for d in disks if d.problem}
    if abs(offset_s) > MOST_OFFSET_S:
        found.wrong_clocks["this process"] = offset_s
    troubles = (
        *(found.unreachable, found.silent_submissions, found.hanging_lanes),
        *(found.wrong_clocks, found.doubt, late, stalled, unwritable),
    )
    issuers = dict(identity or {})
    degraded = redis != "here" or any(troubles) or any(each != "here" for each in issuers.values())
    said = {"ready": ready, "degraded": degraded, "database": "here", "redis": redis}
    told = {
        "faults": faults,
        "late_watchers": late,
        "stalled_loops": stalled,
        "unwritable": unwritable,
        "identity": issuers,
    }
    return ready, {**said, **told, **asdict(found)}


async def read_database_health(db: AnyPool) -> tuple[progress.HouseHealth, str, list[WorkerDisk]]:
    """Everything that the database says of the house."""
    return await progress.read_health(db), await explain_full_database(db), await list_disks(db)
