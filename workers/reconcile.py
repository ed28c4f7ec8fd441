"""Compare what the database knows of launches with what a batch system has; file what differs.

Nothing is repaired here: a discrepancy proposes its repair, and somebody asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from batch import Absent, BatchSystem
from db import discrepancies, leases, restores
from domain.discrepancies import Attempt, Finding, compare, missing, vanished
from domain.launches import prefix
from workers.points import around
from workers.tools import Tools

LEASE = 8
"""So many times the usual lease: a long queue takes long to list."""


@dataclass(frozen=True, slots=True)
class Reconcile:
    """One batch system, and how often it is compared."""

    system: BatchSystem
    every_s: float

    async def step(self, tools: Tools) -> bool:
        """Compare if it is time and nobody else does; never more to do at once."""
        if await discrepancies.due(tools.db, self.system.name, self.every_s) is None:
            return False
        name = f"reconcile:{self.system.name}"
        epoch = await leases.take(tools.db, name, tools.holder, LEASE * tools.lease_s)
        if epoch is not None:
            try:
                await self._compare(tools, (name, epoch))
            finally:
                await leases.drop(tools.db, name, epoch)
        return False

    async def _compare(self, tools: Tools, lease: tuple[str, int]) -> None:
        name = self.system.name
        looked_at = await discrepancies.due(tools.db, name, self.every_s)
        if looked_at is None:
            return
        tide = await restores.now(tools.db)
        # The batch system first: what it has by then, the database has known for longer.
        clusters = await self.system.marked([prefix(history) for history in tide.histories])
        attempts = await discrepancies.by_marks(tools.db, name, sorted({c.mark for c in clusters}))
        found = compare(clusters, {attempt.mark: attempt for attempt in attempts}, self.every_s)
        live = await discrepancies.at_batch(tools.db, name)
        found += await self._vanished(missing(clusters, live, self.every_s))
        async with around("reconcile.file"), tools.db.acquire() as conn, conn.transaction():
            await discrepancies.reconcile(conn, name, lease, looked_at, found)
        await tools.ring()

    async def _vanished(self, suspects: Sequence[Attempt]) -> list[Finding]:
        """Those of which there is proof; each is asked for by its mark."""
        found = []
        for attempt in suspects:
            sighting = await self.system.find(attempt.mark)
            if isinstance(sighting, Absent):
                found.append(vanished(attempt, sighting.proof))
        return found
