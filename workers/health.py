"""Ask a batch system how it is, apart from reading its feed: a slow answer delays nothing else."""

from dataclasses import asdict

from batch import BatchSystem
from batch.calls import HEALTH_S
from db.batch import batch_systems
from workers.failpoints import wrap_failpoints
from workers.tools import WorkerTools

EVERY_S, WITHIN_S = 5.0, HEALTH_S + 10


class HealthCheck:
    """At one batch system, by whichever worker comes first when it is time."""

    def __init__(self, system: BatchSystem) -> None:
        self.system = system

    async def step(self, tools: WorkerTools) -> bool:
        """Ask if it is time; there is never more to do at once."""
        asked_at = await batch_systems.claim_health_check(
            tools.db, self.system.name, EVERY_S, WITHIN_S
        )
        if asked_at is None:
            return False
        health = await self.system.health()
        async with wrap_failpoints("health.heard"):
            changed = await batch_systems.record_health(
                tools.db, self.system.name, asked_at, asdict(health), reachable=health.reachable
            )
        if changed:
            await tools.ring()
        return False
