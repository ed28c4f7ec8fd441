"""Faults while launches are made, drawn from a seed; what came of it is counted at the batch system itself."""

import asyncio
import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from typing import TypeVar

import asyncpg

from batch import BatchSystem
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from tests.factories import Factory
from tests.small_disks import SmallDisk
from tests.workers.accidents import list_accidents, set_clocks_wrong
from tests.workers.chaos_accounting import (
    FaultRow,
    InflictedFault,
    account_chaos,
    describe_submissions,
)
from tests.workers.house import House, Worker
from tests.workers.kill_point_scenarios import PASSING, RareStage, run_plainly
from tests.workers.kill_points import POINTS
from tests.workers.operator_decisions import decide_all
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
TEND_EVERY_S = 2.0
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
    plant: Factory
    rarer: RareStage
    system: BatchSystem
    settings: dict[str, str]
    own: Mapping[str, Fault] = field(default_factory=dict)
    """Faults of the batch system."""
    away: Callable[[], AbstractContextManager[None]] | None = None
    """Makes the batch system one that can't be had."""
    operate: Callable[[], None] = lambda: None
    """What somebody who runs the batch system does now and then."""
    supervise: Callable[[], None] = lambda: None
    """Start again what runs the batch system, if it has ended."""
    at_rest: Callable[[], AbstractContextManager[None]] = nullcontext
    """As long as this lasts the batch system writes no journal."""
    journals: Callable[[], Awaitable[list[Path]]] | None = None
    """What tells of the launches that are live."""
    disks: Mapping[str, SmallDisk] = field(default_factory=dict)
    """What is on a disk that can be filled."""
    kills_services: bool = True
    """Whether Redis, Postgres and clocks have accidents, too: not where another batch system's chaos has them."""
    tended_at: float = 0
    turns: int = 0
    """So many turns of a schedule were due."""
    look: Callable[[], str] = str
    """Says what the batch system shows of its jobs, for a run that fails."""
    within_s: float = 60
    workers: list[Worker] = field(default_factory=list)
    died: Counter[str] = field(default_factory=Counter)
    """How many workers have killed themselves at each place."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.points = self.dice.sample(POINTS, len(POINTS))
        self.kept: list[InflictedFault] = []

    @property
    def faults(self) -> dict[str, Fault]:
        """Everything that may be inflicted."""
        return {
            "a worker killed at any time": self.kill_worker,
            AT_A_POINT: self.kill_at_point,
            "all workers killed at once": self.kill_all,
            **self.own,
            **list_accidents(self),
            **(self.list_service_faults() if self.kills_services else {}),
        }

    def list_service_faults(self) -> dict[str, Fault]:
        """What befalls the same services, whatever the batch system."""
        return {
            "Redis flushed": self.services.flush,
            "Redis killed": self.restart("valkey"),
            "Postgres killed": self.restart("postgres"),
            "the workers' clocks wrong": partial(set_clocks_wrong, self),
        }

    async def run(
        self, launches: int, hits: int, *, places: int = 0, most_s: float = inf
    ) -> list[FaultRow]:
        """Every fault in an order by the seed, each with as many launches, inflicted `hits` times.

        `places`: workers die at so many of those that the code has, as far as they can be brought there.
        `most_s`: after so long no other fault is begun, and what there was until then is counted.
        """
        ends_at = time.monotonic() + most_s
        log.warning("POMS_TEST_SEED=%s makes these faults again", self.seed)
        await self.kill_all()
        faults = self.faults
        for name in self.dice.sample(sorted(faults), len(faults)):
            if time.monotonic() > ends_at:
                log.warning("no time for: %s", name)
                continue
            log.info("%s", name)
            points = self.points[:places] if name == AT_A_POINT else []
            before, turns = await self.patiently(self.last), self.turns
            inflicted = await (
                self.kill_at_each(points, launches)
                if points
                else self.inflict(faults[name], launches, hits)
            )
            await self.until(self.launched, f"{name}: the launches")
            made = await self.house.db.fetch("SELECT id FROM submission WHERE id > $1", before)
            ids = frozenset(row["id"] for row in made)
            self.kept.append(InflictedFault(name, inflicted, ids, self.turns - turns))
        return await self.count()

    async def count(self) -> list[FaultRow]:
        """What came of all launches, when nothing goes on any more, or should not."""
        try:
            await self.until(self.over, "the end of all jobs")
        except AssertionError as unfinished:
            # What is left is counted.
            log.error("%s", unfinished)
        await self.reconciled()
        reckoning = await account_chaos(self.house, self.system, self.rarer.clocked)
        for kept in self.kept:
            for told in await describe_submissions(self.house.db, reckoning.find_lost(kept)):
                log.error("%s: lost: %s", kept.fault, told)
        return [reckoning.row(kept) for kept in self.kept]

    async def last(self) -> int:
        return int(await self.house.db.fetchval("SELECT coalesce(max(id), 0) FROM submission"))

    def worker(self, kill_at: str = "") -> Worker:
        return self.house.worker(kill_at, **self.settings)

    async def launch(self, stage: int | None = None) -> int:
        async def next_() -> int:
            outcome = await slices.launch_next(
                self.house.db, stage or self.rarer.quick, LaunchRequest(self.plant.person_id)
            )
            assert outcome.submission is not None, outcome.why
            return outcome.submission.id

        return await self.patiently(next_)

    async def inflict(self, fault: Fault, launches: int, hits: int) -> int:
        """Launch, so many each time, and inflict it while that goes on."""
        for hit in range(hits):
            for _ in range(hit * launches // hits, (hit + 1) * launches // hits):
                await self.launch()
            await asyncio.sleep(self.dice.uniform(0.3, 1.2))
            await fault()
            self.revive()
        return hits

    async def kill_worker(self) -> None:
        victim = self.dice.randrange(len(self.workers))
        self.replace(victim)

    def replace(self, number: int) -> None:
        self.workers[number].kill()
        self.workers[number].wait()
        self.workers[number] = self.worker()

    def revive(self) -> None:
        """As a supervisor does: a worker that began while Postgres was away has ended."""
        self.supervise()
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

    async def kill_at_each(self, points: Sequence[str], launches: int) -> int:
        """In the order of the seed; once more at those that nobody reached."""
        launches = max(launches, len(points))
        for number, point in enumerate(points):
            so_far, then = (n * launches // len(points) for n in (number, number + 1))
            for _ in range(so_far, then):
                await self.launch()
            await self.kill_at(point)
            if number % CATCH_UP == 0:
                # Else what a place needs would wait behind all that nobody lived to launch.
                await self.kill_all()
                await self.until(self.launched, f"{point}: the launches")
        for point in [point for point in points if not self.died[point]]:
            await self.kill_at(point)
        await self.kill_all()
        await self.until(self.over, "the end of all jobs")
        return self.died.total()

    async def kill_at_point(self) -> None:
        point = self.points.pop(0)
        self.points.append(point)
        await self.kill_at(point)
        await self.kill_all()

    async def kill_at(self, point: str) -> None:
        """Bring the only worker to a place where it is to die; one that doesn't come there is killed all the same."""
        self.kill()
        async with PASSING.get(point.rpartition(".")[0], run_plainly)(self):
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

    async def tend(self) -> None:
        """People do their part now and then."""
        if time.monotonic() - self.tended_at < TEND_EVERY_S:
            return
        self.tended_at = time.monotonic()
        self.operate()
        await self.patiently(partial(decide_all, self.house.db, self.plant.person_id))

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(self.within_s):
                while not await self.patiently(condition):
                    self.revive()
                    await self.tend()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            found = [tuple(row) for ask in UNFINISHED for row in await self.house.db.fetch(ask)]
            said = "\n".join([*map(str, found), self.look(), self.house.read_logs()])
            raise AssertionError(f"seed {self.seed}: {what} did not come\n{said}") from None

    async def reconciled(self) -> None:
        """Everything that was there just now has been looked at since it fell silent."""
        asked = "SELECT now() + interval '3 seconds'"
        done = "SELECT min(done_at) > $1 FROM reconciliation"
        now = await self.house.db.fetchval(asked)

        async def looked() -> bool:
            return bool(await self.house.db.fetchval(done, now))

        await self.until(looked, "another comparison")


def make_stop_in_submit(chaos: Chaos, pid: Callable[[], int]) -> Fault:
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
