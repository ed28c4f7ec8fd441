"""Clusters that a launch script has submitted become the launch's own: found by what it said, or by their mark."""

from dataclasses import dataclass, field

from batch import (
    BatchRefused,
    BatchSystem,
    BatchUnavailable,
    FollowedCluster,
    MarkFound,
    MarkUnknown,
)
from batch.directory import locate_launch_directory
from db.launching import launch_scripts, launches
from db.launching.launch_scripts import NumbersTaken
from db.launching.launches import LaunchAttempt
from db.pool import REFUSALS, describe_error
from db.submissions import clusters
from db.submissions.clusters import Cluster
from domain.discrepancies import DiscrepancyKind, Repair
from domain.launching.launch_scripts import OURS, ClusterId, parse_cluster_ids
from domain.setup.job_types import NOT_FOLLOWED
from workers.failpoints import wrap_failpoints
from workers.outcomes import NotToldYet, require_ours
from workers.tools import WorkerTools, log

UNUSABLE = (*REFUSALS, ValueError, TypeError, LookupError, ArithmeticError)
"""What a cluster that somebody else made may be told of with that nobody foresaw: it costs that cluster only."""


@dataclass(slots=True)
class ScriptAdoption:
    """One launch by a script, and what is known of its clusters."""

    tools: WorkerTools
    attempt: LaunchAttempt
    _known_marks: set[tuple[str, str]] = field(default_factory=set)
    _left_ids: set[ClusterId] = field(default_factory=set)
    _schedds: dict[str, str] = field(default_factory=dict)

    async def say(self, text: str) -> None:
        """Put a line of ours into the launch's output."""
        await launches.append_log(self.tools.db, self.attempt, f"{OURS}{text}")

    async def adopt_named(self, id: ClusterId) -> None:
        """Adopt a cluster that the output names; once more changes nothing."""
        if id in self._left_ids:
            return
        system = await self._system(id.schedd)
        if system is None:
            self._left_ids.add(id)
            name = f"{id.number}@{id.schedd}"
            await self._leave(name, "none of POMS's batch systems is that schedd")
        elif not await self._adopt(system, id.number):
            self._left_ids.add(id)

    async def settle(self) -> bool:
        """Adopt all that the kept output names and all that has the mark; says whether there is any.

        Raises BatchUnavailable or NotToldYet where it can't be told.
        """
        for id in parse_cluster_ids(
            "\n".join(await launch_scripts.list_output(self.tools.db, self.attempt))
        ):
            await self.adopt_named(id)
        own = self.attempt.batch_system
        for name in sorted({own, *(name for name, _ in self._known_marks)}):
            sighting = await self.tools.systems[name].find(self.attempt.mark)
            if isinstance(sighting, MarkUnknown):
                raise NotToldYet(f"It can't be told what the script submitted: {sighting.why}")
            for native_id in sighting.native_ids if isinstance(sighting, MarkFound) else ():
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
        found = await clusters.list_by_submissions(self.tools.db, [self.attempt.submission_id])
        return [each for each in found if each.attempt == self.attempt.attempt]

    async def _adopt(self, system: BatchSystem, native_id: str) -> bool:
        """Make it ours and count its jobs; from then on what is told of them counts."""
        key, holder = (system.name, native_id), self.tools.holder
        if key in self._known_marks:
            return True
        async with wrap_failpoints("script.adopt"):
            mine = require_ours(
                await launch_scripts.adopt_cluster(self.tools.db, self.attempt, holder, *key)
            )
        if not mine:
            await self._leave(native_id, "it is another launch's")
            return False
        known = {(c.batch_system, c.native_id): c for c in await self._clusters()}
        if key not in known or known[key].jobs is None:
            jobs, why = 0, "other jobs of the launch have its jobs' numbers"
            if key in known:  # else the watcher has just let it go
                async with wrap_failpoints("script.count"):
                    jobs, why = await follow_cluster(self.tools, system, known[key])
            if why:
                await self._leave(native_id, why)
                return False
            await self.say(f"Cluster {native_id} of {system.name} is adopted: {jobs} jobs.")
            await self.tools.ring()
        self._known_marks.add(key)
        return True

    async def _leave(self, name: str, why: str) -> None:
        said = (
            f"The launch script says that it submitted cluster {name}. It is not followed: {why}."
        )
        log.warning("submission %s: %s", self.attempt.submission_id, said)
        await self.say(said)
        await launch_scripts.file_discrepancy(
            self.tools.db, self.attempt, DiscrepancyKind.NOT_FOLLOWED, name, said, Repair.INSPECT
        )


async def follow_cluster(
    tools: WorkerTools, system: BatchSystem, cluster: Cluster
) -> tuple[int, str]:
    """Have an adopted cluster followed, and say which jobs it has; or why it can't be, and is let go."""
    where = locate_launch_directory(tools.spool, cluster.mark)
    try:
        numbers = await system.follow(
            FollowedCluster(cluster.native_id, cluster.mark, where, cluster.first or 1)
        )
        await launch_scripts.record_jobs(tools.db, cluster, numbers)
    except (BatchRefused, *UNUSABLE) as error:
        log.warning("cluster %s can't be followed", cluster.native_id, exc_info=error)
        await launch_scripts.drop_cluster(tools.db, cluster)
        return 0, describe_error(error) if isinstance(error, UNUSABLE) else str(error)
    except NumbersTaken:
        return 0, "other jobs of the launch have its jobs' numbers"
    return len(numbers), ""
