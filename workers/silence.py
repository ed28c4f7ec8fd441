"""Look up launches of which nothing was told for long: a feed that lost something says nothing of it later either."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from batch import BatchSystem, BatchUnavailable, ClusterRef, MarkAbsent, MarkUnknown, Sighting
from db import leases
from db.batch import restores, silences
from workers.tools import WorkerTools

MOST = 200
"""Submissions that are looked up at once."""
LEASE = 8
"""So many times the usual lease: many jobs take long to look for."""


@dataclass(frozen=True, slots=True)
class SilenceLookup:
    """One batch system, and for how long a launch may be silent there."""

    system: BatchSystem
    silent_s: float

    async def step(self, tools: WorkerTools) -> bool:
        """Look up some, if nobody else does; says whether there may be more."""
        name = self.system.name
        if await restores.has_doubtful_launches(tools.db, name):
            return False
        lease = f"silence:{name}"
        epoch = await leases.claim(tools.db, lease, tools.holder, LEASE * tools.lease_s)
        if epoch is None:
            return False
        try:
            return await self._look_up(tools)
        finally:
            await leases.release(tools.db, lease, epoch)

    async def _look_up(self, tools: WorkerTools) -> bool:
        clusters = await silences.take_silent(tools.db, self.system.name, self.silent_s, MOST)
        if not clusters:
            return False
        refs = {each: ClusterRef(each.native_id, each.mark) for each in clusters}
        sightings = await self._recheck([*refs.values()])
        found = defaultdict[int, list[Sighting]](list)
        for each, ref in refs.items():
            found[each.submission_id].append(sightings[ref])
        await silences.record_silence(
            tools.db, {id: _explain_silence(each) for id, each in found.items()}
        )
        await tools.ring()
        return len(found) == MOST

    async def _recheck(self, refs: Sequence[ClusterRef]) -> Mapping[ClusterRef, Sighting]:
        try:
            return await self.system.recheck(refs)
        except BatchUnavailable as wrong:
            return dict.fromkeys(refs, MarkUnknown(str(wrong)))


def _explain_silence(sightings: Iterable[Sighting]) -> str:
    """Why nothing is heard of a submission; empty: its clusters are there, or their ends are being told."""
    for sighting in sightings:
        if isinstance(sighting, MarkUnknown):
            return sighting.why
        if isinstance(sighting, MarkAbsent):
            return sighting.proof
    return ""
