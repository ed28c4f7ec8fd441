"""Clusters that a launch script has submitted become the launch's own: found by what it said, or by their mark."""

from dataclasses import dataclass, field

from batch import BatchRefused, BatchSystem, BatchUnavailable, Followed, Found, Unknown
from batch.directory import directory_of
from db import clusters, launches, scripts
from db.clusters import Cluster
from db.launches import LaunchAttempt
from db.scripts import NumbersTaken
from domain.discrepancies import DiscrepancyKind, Repair
from domain.job_types import NOT_FOLLOWED
from domain.launch_scripts import OURS, ClusterId, cluster_ids
from workers.outcomes import NotToldYet, ours
from workers.points import around
from workers.tools import Tools, log


@dataclass(slots=True)
class Adoption:
    """One launch by a script, and what is known of its clusters."""

    tools: Tools
    attempt: LaunchAttempt
    _known: set[tuple[str, str]] = field(default_factory=set)
    _left: set[ClusterId] = field(default_factory=set)
    _schedds: dict[str, str] = field(default_factory=dict)

    async def say(self, text: str) -> None:
        """Put a line of ours into the launch's output."""
        await launches.say(self.tools.db, self.attempt, f"{OURS}{text}")

    async def told(self, id: ClusterId) -> None:
        """Adopt a cluster that the output names; once more changes nothing."""
        if id in self._left:
            return
        system = await self._system(id.schedd)
        if system is None:
            self._left.add(id)
            name = f"{id.number}@{id.schedd}"
            await self._leave(name, "none of POMS's batch systems is that schedd")
        elif not await self._adopt(system, id.number):
            self._left.add(id)

    async def settle(self) -> bool:
        """Adopt all that the kept output names and all that has the mark; says whether there is any.

        Raises BatchUnavailable or NotToldYet where it can't be told.
        """
        for id in cluster_ids("\n".join(await scripts.said(self.tools.db, self.attempt))):
            await self.told(id)
        own = self.attempt.batch_system
        for name in sorted({own, *(name for name, _ in self._known)}):
            sighting = await self.tools.systems[name].find(self.attempt.mark)
            if isinstance(sighting, Unknown):
                raise NotToldYet(f"It can't be told what the script submitted: {sighting.why}")
            for native_id in sighting.native_ids if isinstance(sighting, Found) else ():
                await self._adopt(self.tools.systems[name], native_id)
        return bool(await self._clusters())

    async def _system(self, schedd: str) -> BatchSystem | None:
        """Where a cluster is: at the launch's own batch system, if no other schedd is named."""
        own = self.tools.systems[self.attempt.batch_system]
        others = [each for each in self.tools.systems.values() if each is not own]
        for system in (own, *others) if schedd else ():
            if system.name not in NOT_FOLLOWED and await self._schedd(system) == schedd:
                return system
        return None if schedd else own

    async def _schedd(self, system: BatchSystem) -> str:
        if system.name not in self._schedds:
            health = await system.health()
            if not health.reachable:
                raise BatchUnavailable(f"{system.name} can't be asked which schedd it is")
            self._schedds[system.name] = health.schedd
        return self._schedds[system.name]

    async def _clusters(self) -> list[Cluster]:
        found = await clusters.by_submissions(self.tools.db, [self.attempt.submission_id])
        return [each for each in found if each.attempt == self.attempt.attempt]

    async def _adopt(self, system: BatchSystem, native_id: str) -> bool:
        """Make it ours and count its jobs; from then on what is told of them counts."""
        key, holder = (system.name, native_id), self.tools.holder
        if key in self._known:
            return True
        async with around("script.adopt"):
            mine = ours(await scripts.adopt(self.tools.db, self.attempt, holder, *key))
        if not mine:
            await self._leave(native_id, "it is another launch's")
            return False
        known = {(c.batch_system, c.native_id): c for c in await self._clusters()}
        if key not in known or known[key].jobs is None:
            jobs, why = 0, "other jobs of the launch have its jobs' numbers"
            if key in known:  # else the watcher has just let it go
                async with around("script.count"):
                    jobs, why = await count(self.tools, system, known[key])
            if why:
                await self._leave(native_id, why)
                return False
            await self.say(f"Cluster {native_id} of {system.name} is adopted: {jobs} jobs.")
            await self.tools.ring()
        self._known.add(key)
        return True

    async def _leave(self, name: str, why: str) -> None:
        said = (
            f"The launch script says that it submitted cluster {name}. It is not followed: {why}."
        )
        log.warning("submission %s: %s", self.attempt.submission_id, said)
        await self.say(said)
        await scripts.file(
            self.tools.db, self.attempt, DiscrepancyKind.NOT_FOLLOWED, name, said, Repair.LOOK
        )


async def count(tools: Tools, system: BatchSystem, cluster: Cluster) -> tuple[int, str]:
    """Have an adopted cluster followed, and say which jobs it has; or why it can't be, and is let go."""
    where = directory_of(tools.spool, cluster.mark)
    try:
        numbers = await system.follow(
            Followed(cluster.native_id, cluster.mark, where, cluster.first or 1)
        )
        await scripts.count(tools.db, cluster, numbers)
    except BatchRefused as error:
        await scripts.drop(tools.db, cluster)
        return 0, str(error)
    except NumbersTaken:
        return 0, "other jobs of the launch have its jobs' numbers"
    return len(numbers), ""
