"""Ask a batch system how it is, apart from reading its feed: a slow answer delays nothing else."""

import asyncio
from dataclasses import asdict

from batch import BatchSystem, Health
from db import batch_systems
from workers.points import around
from workers.tools import Tools

EVERY_S, WITHIN_S = 5.0, 10.0


class Look:
    """At one batch system, by whichever worker comes first when it is time."""

    def __init__(self, system: BatchSystem) -> None:
        self.system = system

    async def step(self, tools: Tools) -> bool:
        """Ask if it is time; there is never more to do at once."""
        asked_at = await batch_systems.ask(tools.db, self.system.name, EVERY_S)
        if asked_at is None:
            return False
        health = await _health(self.system)
        async with around("health.heard"):
            changed = await batch_systems.heard(
                tools.db, self.system.name, asked_at, asdict(health), reachable=health.reachable
            )
        if changed:
            await tools.ring()
        return False


async def _health(system: BatchSystem) -> Health:
    try:
        async with asyncio.timeout(WITHIN_S):
            return await system.health()
    except TimeoutError:
        return Health(reachable=False, text=f"no answer within {WITHIN_S:.0f} s")
