"""Faults while launches are made, drawn from a seed; what came of it is counted at the batch system itself."""

import asyncio
import logging
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import asyncpg

from batch import BatchSystem
from batch.local import Local
from db import slices
from db.migrate import migrate
from db.pool import open_pool
from db.taking import Asked
from tests.plant import Plant
from tests.workers.gates import blocked
from tests.workers.house import House
from tests.workers.passing import PASSING, Rarer, plainly
from tests.workers.places import POINTS
from tests.workers.reckoning import Kept, Row, reckon
from tests.workers.services import Services

T = TypeVar("T")
log = logging.getLogger("chaos")
Fault = Callable[[], Awaitable[None]]

AGAIN = """
    UPDATE submission SET lease_until = NULL WHERE state IN ('new', 'uncertain') AND lease_holder IS NULL
"""
LAUNCHED = """
    SELECT NOT EXISTS (SELECT FROM submission WHERE state IN ('queued', 'new', 'submitting', 'uncertain'))
"""
OVER = """
    SELECT NOT EXISTS (SELECT FROM submission WHERE ended_at IS NULL OR advanced_at IS NULL OR check_at IS NOT NULL)
"""
UNFINISHED = (
    "SELECT state, reason, count(*) FROM submission GROUP BY 1, 2",
    "SELECT j.* FROM job j JOIN submission s ON s.id = submission_id WHERE s.ended_at IS NULL",
    "SELECT kind, native_id, details, repair FROM discrepancy WHERE resolved_at IS NULL",
)
"""What is told of a run that does not end."""
AT_A_POINT = "a worker killed at a named point"
CATCH_UP = 6
"""After how many places everything is launched."""
REACHED_S = 45.0
"""How long a worker may take to come to a place."""
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


@dataclass
class Chaos:
    """A house whose workers, services and batch system are maltreated."""

    seed: int
    house: House
    services: Services
    plant: Plant
    stage: int
    rarer: Rarer
    system: BatchSystem
    settings: dict[str, str]
    own: Mapping[str, Fault] = field(default_factory=dict)
    """Faults of the batch system."""
    away: Callable[[], AbstractContextManager[None]] | None = None
    """Makes the batch system one that can't be had."""
    tend: Fault | None = None
    """What somebody who runs the batch system does now and then."""
    look: Callable[[], str] = str
    """Says what the batch system shows of its jobs, for a run that fails."""
    within_s: float = 60
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    died: Counter[str] = field(default_factory=Counter)
    """How many workers have killed themselves at each place."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.points = self.dice.sample(POINTS, len(POINTS))
        self.kept: list[Kept] = []

    @property
    def faults(self) -> dict[str, Fault]:
        """Everything that may be inflicted."""
        return {
            "a worker killed at any time": self.kill_worker,
            AT_A_POINT: self.kill_at_point,
            "all workers killed at once": self.kill_all,
            "Redis flushed": self.services.flush,
            "Redis killed": self.restart("valkey"),
            "Postgres killed": self.restart("postgres"),
            **self.own,
        }

    async def run(self, launches: int, hits: int, *, everywhere: bool = False) -> list[Row]:
        """Every fault in an order by the seed, each with as many launches, inflicted up to `hits` times.

        `everywhere`: workers die at every place that the code has, as far as they can be brought there.
        """
        log.warning("POMS_TEST_SEED=%s makes these faults again", self.seed)
        await self.kill_all()
        faults = self.faults
        for name in self.dice.sample(sorted(faults), len(faults)):
            log.info("%s", name)
            before = await self.patiently(self.last)
            if everywhere and name == AT_A_POINT:
                inflicted = await self.kill_at_each(launches)
            else:
                for _ in range(launches):
                    await self.launch()
                inflicted = await self.inflict(faults[name], hits)
            await self.until(self.launched, f"{name}: the launches")
            if name == AT_A_POINT:
                await self.until(self.over, f"{name}: the end of all jobs")
            made = await self.house.db.fetch("SELECT id FROM submission WHERE id > $1", before)
            self.kept.append(Kept(name, inflicted, frozenset(row["id"] for row in made)))
        await self.until(self.over, "the end of all jobs")
        await self.reconciled()
        reckoning = await reckon(self.house.db, self.system, self.house.spool)
        return [reckoning.row(kept) for kept in self.kept]

    async def last(self) -> int:
        return int(await self.house.db.fetchval("SELECT coalesce(max(id), 0) FROM submission"))

    def worker(self, kill_at: str = "") -> subprocess.Popen[bytes]:
        return self.house.worker(kill_at, **self.settings)

    async def launch(self, stage: int | None = None) -> int:
        async def next_() -> int:
            outcome = await slices.launch_next(
                self.house.db, stage or self.stage, Asked(self.plant.person_id)
            )
            assert outcome.submission is not None, outcome.why
            return outcome.submission.id

        return await self.patiently(next_)

    async def inflict(self, fault: Fault, hits: int) -> int:
        done = 0
        while done < hits and (done == 0 or not await self.patiently(self.launched)):
            await asyncio.sleep(self.dice.uniform(0.3, 1.2))
            await fault()
            self.revive()
            done += 1
        return done

    async def kill_worker(self) -> None:
        victim = self.dice.randrange(len(self.workers))
        self.replace(victim)

    def replace(self, number: int) -> None:
        self.workers[number].kill()
        self.workers[number].wait()
        self.workers[number] = self.worker()

    def revive(self) -> None:
        """As a supervisor does: a worker that began while Postgres was away has ended."""
        for number, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.replace(number)

    async def kill_all(self) -> None:
        self.kill()
        self.workers = [self.worker(), self.worker()]

    def kill(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()

    async def kill_at_each(self, launches: int) -> int:
        """At every place in the order of the seed; once more at those that nobody reached."""
        for number, point in enumerate(self.points):
            so_far, then = (n * launches // len(self.points) for n in (number, number + 1))
            for _ in range(so_far, then):
                await self.launch()
            await self.kill_at(point)
            if number % CATCH_UP == 0:
                # Else what a place needs would wait behind all that nobody lived to launch.
                await self.kill_all()
                await self.until(self.launched, f"{point}: the launches")
        for point in [point for point in self.points if not self.died[point]]:
            await self.kill_at(point)
        await self.kill_all()
        return self.died.total()

    async def kill_at_point(self) -> None:
        point = self.points.pop(0)
        self.points.append(point)
        await self.kill_at(point)
        await self.kill_all()

    async def kill_at(self, point: str) -> None:
        """Bring the only worker to a place where it is to die; one that doesn't come there is killed all the same."""
        self.kill()
        async with PASSING.get(point.rpartition(".")[0], plainly)(self):
            self.workers = [self.worker(point)]
            with suppress(TimeoutError):
                async with asyncio.timeout(REACHED_S):
                    while self.workers[0].poll() is None:
                        await asyncio.sleep(0.02)
            self.died[point] += self.workers[0].poll() == -signal.SIGKILL
            log.info("%s: %s died", point, self.died[point])
            self.kill()

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

    async def launched(self) -> bool:
        # Nobody waits ten seconds for another look here.
        await self.house.db.execute(AGAIN)
        return bool(await self.house.db.fetchval(LAUNCHED))

    async def over(self) -> bool:
        """Also what follows: recoveries and dependents."""
        return await self.launched() and bool(await self.house.db.fetchval(OVER))

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(self.within_s):
                while not await self.patiently(condition):
                    self.revive()
                    if self.tend:
                        await self.tend()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            found = [tuple(row) for ask in UNFINISHED for row in await self.house.db.fetch(ask)]
            said = "\n".join([*map(str, found), self.look(), self.house.said()])
            raise AssertionError(f"seed {self.seed}: {what} did not come\n{said}") from None

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
    system, rarer = Local(house.spool), await Rarer.make(house, plant, "local")
    chaos = Chaos(seed, house, services, plant, stage, rarer, system, settings, within_s=within_s)
    chaos.away = lambda: blocked(house)
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
