"""Faults while launches are made, drawn from a seed; what came of it is counted at the batch system itself."""

import asyncio
import logging
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from batch import BatchSystem
from batch.local import Local
from db import slices
from db.migrate import migrate
from db.pool import open_pool
from db.taking import Asked
from domain.discrepancies import Cluster
from domain.launches import prefix, submission_of
from tests.plant import Plant
from tests.workers.house import House
from tests.workers.services import Services

T = TypeVar("T")
log = logging.getLogger("chaos")
Fault = Callable[[], Awaitable[None]]

POINTS = [
    f"{name}.{side}"
    for name in (
        "launch.claim", "launch.intend", "launch.prepare", "memory.keep", "launch.send",
        "launch.submit", "launch.adopt", "launch.open", "launch.opened", "launch.conclude",
        "reconcile.file", "watch.commit", "relay.commit",
    )
    for side in ("before", "after")
]  # fmt: skip
AGAIN = """
    UPDATE submission SET lease_until = NULL WHERE state IN ('new', 'uncertain') AND lease_holder IS NULL
"""
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


@dataclass(frozen=True)
class Row:
    """What came of the launches during which one kind of fault was inflicted."""

    fault: str
    inflicted: int
    launches: int
    lost: int
    """Launches of which no cluster ran."""
    twice: int
    """Launches of which more than one cluster ran."""
    inert: int
    """Clusters that never ran."""
    unreported: int
    """Those among them that are still in the queue and no discrepancy."""

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.twice or self.unreported)


@dataclass
class Chaos:
    """A house whose workers, services and batch system are maltreated."""

    seed: int
    house: House
    services: Services
    plant: Plant
    stage: int
    system: BatchSystem
    settings: Mapping[str, str]
    own: Mapping[str, Fault] = field(default_factory=dict)
    """Faults of the batch system."""
    within_s: float = 60
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.points = self.dice.sample(POINTS, len(POINTS))
        self.kept: list[tuple[str, int, set[int]]] = []

    @property
    def faults(self) -> dict[str, Fault]:
        """Everything that may be inflicted."""
        return {
            "a worker killed at any time": self.kill_worker,
            "a worker killed at a named point": self.kill_at_point,
            "all workers killed at once": self.kill_all,
            "Redis flushed": self.services.flush,
            "Redis killed": self.restart("valkey"),
            "Postgres killed": self.restart("postgres"),
            **self.own,
        }

    async def run(self, launches: int, hits: int) -> list[Row]:
        """Every fault in an order by the seed, each with as many launches, inflicted up to `hits` times."""
        log.warning("POMS_TEST_SEED=%s makes these faults again", self.seed)
        self.workers = [self.worker(), self.worker()]
        faults = self.faults
        for name in self.dice.sample(sorted(faults), len(faults)):
            ids = [await self.launch() for _ in range(launches)]
            inflicted = await self.inflict(faults[name], hits, ids)
            self.kept.append((name, inflicted, set(ids)))
            await self.until(self.launched(ids), f"{name}: the launches")
        ids = [id for _, _, kept in self.kept for id in kept]
        await self.until(self.over(ids), "the end of all jobs")
        return await self.count()

    def worker(self, kill_at: str = "") -> subprocess.Popen[bytes]:
        return self.house.worker(kill_at, **self.settings)

    async def launch(self) -> int:
        async def next_() -> int:
            outcome = await slices.launch_next(
                self.house.db, self.stage, Asked(self.plant.person_id)
            )
            assert outcome.submission is not None, outcome.why
            return outcome.submission.id

        return await self.patiently(next_)

    async def inflict(self, fault: Fault, hits: int, ids: Sequence[int]) -> int:
        done, launched = 0, self.launched(ids)
        while done < hits and (done == 0 or not await self.patiently(launched)):
            await asyncio.sleep(self.dice.uniform(0.3, 1.2))
            await fault()
            self.revive()
            done += 1
        return done

    async def kill_worker(self) -> None:
        victim = self.dice.randrange(len(self.workers))
        self.replace(victim, self.worker)

    def replace(self, number: int, by: Callable[[], "subprocess.Popen[bytes]"]) -> None:
        self.workers[number].kill()
        self.workers[number].wait()
        self.workers[number] = by()

    def revive(self) -> None:
        """As a supervisor does: a worker that began while Postgres was away has ended."""
        for number, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.replace(number, self.worker)

    async def kill_all(self) -> None:
        for number in range(len(self.workers)):
            self.replace(number, self.worker)

    async def kill_at_point(self) -> None:
        """Both workers are to die at the next point; one that doesn't come there is killed."""
        point = self.points.pop(0)
        self.points.append(point)
        for number in range(len(self.workers)):
            self.replace(number, lambda: self.worker(point))
        with suppress(TimeoutError):
            async with asyncio.timeout(6):
                while all(worker.poll() is None for worker in self.workers):
                    await asyncio.sleep(0.02)
        await self.kill_all()

    def restart(self, service: str) -> Fault:
        async def killed() -> None:
            self.services.restart(service)

        return killed

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the database, which may be just coming back."""
        async with asyncio.timeout(30):
            while True:
                try:
                    return await ask()
                except AWAY:
                    await asyncio.sleep(0.05)

    def launched(self, ids: Sequence[int]) -> Callable[[], Awaitable[bool]]:
        return self.none(ids, "state IN ('queued', 'new', 'submitting', 'uncertain')")

    def over(self, ids: Sequence[int]) -> Callable[[], Awaitable[bool]]:
        return self.none(ids, "ended_at IS NULL")

    def none(self, ids: Sequence[int], what: str) -> Callable[[], Awaitable[bool]]:
        sql = f"SELECT NOT EXISTS (SELECT FROM submission WHERE id = ANY($1) AND {what})"

        async def is_so() -> bool:
            # Nobody waits ten seconds for another look here.
            await self.house.db.execute(AGAIN)
            return bool(await self.house.db.fetchval(sql, list(ids)))

        return is_so

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(self.within_s):
                while not await self.patiently(condition):
                    self.revive()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            states = await self.house.db.fetch(
                "SELECT state, reason, count(*) FROM submission GROUP BY 1, 2"
            )
            said = f"{[tuple(r) for r in states]}\n{self.house.said()}"
            raise AssertionError(f"seed {self.seed}: {what} did not come\n{said}") from None

    async def count(self) -> list[Row]:
        """What the batch system has, by what its clusters' marks say, and what was told of them."""
        await self.reconciled()
        # Of this house alone: other tests have launched into the same pool.
        history = await self.house.db.fetchval("SELECT history_id::text FROM change_head")
        clusters = await self.system.marked([prefix(history)])
        ran = Counter(submission_of(c.mark) for c in clusters if c.started)
        told = await self.house.db.fetch("SELECT native_id FROM discrepancy")
        reported = {row["native_id"] for row in told}
        return [self.row(kept, clusters, ran, reported) for kept in self.kept]

    def row(
        self,
        kept: tuple[str, int, set[int]],
        clusters: Sequence[Cluster],
        ran: Mapping[int | None, int],
        reported: set[Any],
    ) -> Row:
        name, inflicted, ids = kept
        inert = [c for c in clusters if submission_of(c.mark) in ids and not c.started]
        return Row(
            name,
            inflicted,
            len(ids),
            lost=sum(not ran.get(id) for id in ids),
            twice=sum(ran.get(id, 0) > 1 for id in ids),
            inert=len(inert),
            unreported=sum(bool(c.jobs) and c.native_id not in reported for c in inert),
        )

    async def reconciled(self) -> None:
        """Everything that was there just now has been looked at since it fell silent."""
        asked = "SELECT now() + interval '3 seconds'"
        done = "SELECT min(done_at) > $1 FROM reconciliation"
        now = await self.house.db.fetchval(asked)

        async def looked() -> bool:
            return bool(await self.house.db.fetchval(done, now))

        await self.until(looked, "another comparison")


async def on_local(services: Services, folder: Path, seed: int, within_s: float) -> Chaos:
    """A house of local jobs, whose runner is killed, too."""
    await migrate(services.cluster.dsn())
    house = House(
        await open_pool(services.cluster.dsn()), services.cluster.dsn(), services.server.url, folder
    )
    plant = await Plant.make(house.db)
    stage = await plant.stage("quick", ["/bin/true"], kind="generator", patterns=[])
    settings = {"POMS_RECONCILE_S": "1", "POMS_LAUNCH_LEASE_S": "3"}
    system = Local(house.spool)
    chaos = Chaos(seed, house, services, plant, stage, system, settings, within_s=within_s)
    runners = [house.runner()]

    async def kill_runner() -> None:
        runners[-1].kill()
        runners[-1].wait()
        runners.append(house.runner())

    chaos.own = {"the runner killed": kill_runner}
    return chaos


def stopped_in_a_submit(chaos: Chaos, pid: Callable[[], int]) -> Fault:
    """A daemon stops while something is being submitted, and goes on after the workers were killed."""
    sent = "SELECT EXISTS (SELECT FROM launch_attempt WHERE state = 'sent')"

    async def inflicted() -> None:
        victim = pid()
        os.kill(victim, signal.SIGSTOP)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(3):
                    while not await chaos.house.db.fetchval(sent):
                        await asyncio.sleep(0.02)
            await asyncio.sleep(chaos.dice.uniform(0.1, 0.5))
            await chaos.kill_all()
            await asyncio.sleep(chaos.dice.uniform(0.5, 2))
        finally:
            os.kill(victim, signal.SIGCONT)

    return inflicted


def table(rows: Sequence[Row]) -> str:
    """For docs/chaos.md."""
    head = "| fault | inflicted | launches | lost | twice | inert clusters, each reported |\n|---|---|---|---|---|---|"
    lines = [
        f"| {r.fault} | {r.inflicted} | {r.launches} | {r.lost} | {r.twice} | {r.inert} |"
        for r in rows
    ]
    return "\n".join([head, *lines])
