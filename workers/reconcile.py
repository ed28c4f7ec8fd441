"""Compare what the database knows of launches with what a batch system has; file what differs.

Nothing is repaired here: a discrepancy proposes its repair, and somebody asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from batch import BatchSystem, ClusterRef, MarkAbsent
from db import leases
from db.batch import discrepancies, restores
from domain.batch.reconciliation import (
    DiscrepancyFinding,
    RecordedLaunch,
    compare_clusters,
    list_missing,
    report_vanished,
)
from domain.launching.launches import format_mark_prefix
from workers.failpoints import wrap_failpoints
from workers.leases import keep_lease
from workers.tools import WorkerTools

LEASE = 8
"""So many times the usual lease: who died while it compared costs so much, and nobody else is kept."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One batch system, and how often it is compared."""

    system: BatchSystem
    every_s: float

    async def step(self, tools: WorkerTools) -> bool:
        """Compare if it is time and nobody else does; never more to do at once."""
        if (
            await discrepancies.find_due_reconciliation(tools.db, self.system.name, self.every_s)
            is None
        ):
            return False
        name = f"reconcile:{self.system.name}"
        epoch = await leases.claim(tools.db, name, tools.holder, LEASE * tools.lease_s)
        if epoch is not None:
            lease_s = LEASE * tools.lease_s

            async def renew(mine: int) -> int | None:
                return mine if await leases.renew_lease(tools.db, name, mine, lease_s) else None

            try:
                async with keep_lease(name, epoch, renew, lease_s / 3):
                    await self._compare(tools, (name, epoch))
            finally:
                await leases.release(tools.db, name, epoch)
        return False

    async def _compare(self, tools: WorkerTools, lease: tuple[str, int]) -> None:
        name = self.system.name
        looked_at = await discrepancies.find_due_reconciliation(tools.db, name, self.every_s)
        if looked_at is None:
            return
        tide = await restores.read_high_water_mark(tools.db)
        # The batch system first: what it has by then, the database has known for longer.
        clusters = await self.system.list_marked(
            [format_mark_prefix(history) for history in tide.histories]
        )
        attempts = await discrepancies.find_by_marks(
            tools.db, name, sorted({c.mark for c in clusters})
        )
        found = compare_clusters(
            clusters, {attempt.mark: attempt for attempt in attempts}, self.every_s
        )
        live = await discrepancies.list_adopted_launches(tools.db, name)
        found += await self._list_vanished(list_missing(clusters, live, self.every_s))
        async with (
            wrap_failpoints("reconcile.file"),
            tools.db.acquire() as conn,
            conn.transaction(),
        ):
            await discrepancies.record_reconciliation(conn, name, lease, looked_at, found)
        await tools.ring()

    async def _list_vanished(self, suspects: Sequence[RecordedLaunch]) -> list[DiscrepancyFinding]:
        """Those of which there is proof: all that could tell of them is asked."""
        refs = {ClusterRef(each.native_id or "", each.mark): each for each in suspects}
        sightings = await self.system.recheck([*refs]) if refs else {}
        return [
            report_vanished(refs[ref], sighting.proof)
            for ref, sighting in sightings.items()
            if isinstance(sighting, MarkAbsent)
        ]
