"""What brings workers to the places that a plain launch never passes."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from typing import Protocol

from batch import BatchSystem
from db import actions, discrepancies, gates
from domain.jobs import Verb
from tests.plant import Plant
from tests.workers.credentials import Pass, renewal
from tests.workers.house import House
from tests.workers.twins import submitted_again

SMALL = {"memory_mb": 100, "disk_mb": 1}
RECOVERY = [{"type": "consumed_status", "rounds": 1}]
WITHIN_S = 30.0
ELSEWHERE = "UPDATE stage SET batch_system = $1 WHERE id = ANY($2::bigint[])"
STATE = "SELECT state FROM submission WHERE id = $1"
OPEN = "SELECT id FROM discrepancy WHERE native_id = $1 AND resolved_at IS NULL"
DONE = """
    SELECT submission_id FROM launch_attempt WHERE state IN ('opened', 'seen')
     ORDER BY submission_id DESC LIMIT 1
"""
HEALED = "UPDATE batch_system SET faults = 0, fault = '', opened_at = NULL, probe_at = NULL"
TO_RENEW = """
    UPDATE credential SET looked_at = '-infinity', renew_at = now(), renewing_until = NULL, tries = 0
"""


class Maltreated(Protocol):
    """What is asked of the chaos."""

    house: House
    plant: Plant
    system: BatchSystem
    settings: dict[str, str]
    away: Callable[[], AbstractContextManager[None]] | None
    rarer: "Rarer"

    async def launch(self, stage: int | None = None) -> int: ...

    def worker(self, kill_at: str = "") -> subprocess.Popen[bytes]: ...


@dataclass(frozen=True)
class Rarer:
    """Stages for what a plain one doesn't do."""

    chain: int
    """Its only job fails once, is recovered, and feeds another stage."""
    slow: int
    single: int
    """Takes one submission at a time."""
    nowhere: int
    """Of a batch system that isn't there."""

    @classmethod
    async def make(cls, house: House, plant: Plant, system: str) -> "Rarer":
        async def generator(name: str, command: list[str], **given: object) -> int:
            return await plant.stage(
                name, command, kind="generator", resources=SMALL, **{"patterns": [], **given}
            )

        chain = await generator(
            "gen", house.job("gen", "every"), patterns=["gen_*"], recoveries=RECOVERY
        )
        into = await plant.dataset("stage:next")
        next_ = await plant.stage(
            "next", house.job("next"), dataset_id=into, patterns=["next_*"], resources=SMALL
        )
        await plant.edge(chain, next_, ["gen_*.txt"])
        slow = await generator("slow", ["/bin/sleep", "30"])
        single = await generator("single", ["/bin/true"], most_unfinished=1)
        nowhere = await generator("nowhere", ["/bin/true"])
        await plant.db.execute(ELSEWHERE, system, [chain, next_, slow, single])
        await plant.db.execute(ELSEWHERE, "nowhere", [nowhere])
        return cls(chain, slow, single, nowhere)


Passing = Callable[[Maltreated], AbstractAsyncContextManager[object]]


async def soon(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait for a condition; what doesn't come is seen by the place that nobody reaches."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S):
            while not await condition():
                await asyncio.sleep(0.05)


@contextmanager
def helped(chaos: Maltreated, kill_at: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A worker that brings things as far as they have to be."""
    worker = chaos.worker(kill_at)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


@asynccontextmanager
async def plainly(chaos: Maltreated) -> AsyncIterator[None]:
    yield


def launched(*names: str) -> Passing:
    """Launches of rarer stages."""

    @asynccontextmanager
    async def passing(chaos: Maltreated) -> AsyncIterator[None]:
        for name in names:
            await chaos.launch(getattr(chaos.rarer, name))
        yield

    return passing


@asynccontextmanager
async def paused(chaos: Maltreated) -> AsyncIterator[int]:
    """A launch that waits."""
    name, db = chaos.system.name, chaos.house.db
    await gates.pause(db, name, chaos.plant.person_id, "for a while")
    try:
        yield await chaos.launch()
    finally:
        await gates.resume(db, name)


@asynccontextmanager
async def cancelled(chaos: Maltreated) -> AsyncIterator[None]:
    """Somebody cancels what has not been launched."""
    async with paused(chaos) as id:
        await actions.ask(chaos.house.db, id, Verb.REMOVE, "not wanted", chaos.plant.person_id)
        yield


@asynccontextmanager
async def removed(chaos: Maltreated) -> AsyncIterator[None]:
    """Somebody removes jobs that are at the batch system."""
    db, id = chaos.house.db, await chaos.launch(chaos.rarer.slow)

    async def is_there() -> bool:
        return await db.fetchval(STATE, id) in ("idle", "running", "held")

    with helped(chaos):
        await soon(is_there)
    await actions.ask(db, id, Verb.REMOVE, "not wanted", chaos.plant.person_id)
    yield
    await db.execute("UPDATE action SET try_at = now() WHERE done_at IS NULL")


@asynccontextmanager
async def twin(chaos: Maltreated) -> AsyncIterator[None]:
    """Somebody wants the inert twin of a launch removed."""
    db = chaos.house.db
    with helped(chaos):
        await soon(lambda: db.fetchval(DONE))
        native_id = await submitted_again(chaos.system, chaos.house, await db.fetchval(DONE))
        await soon(lambda: db.fetchval(OPEN, native_id))
    await discrepancies.ask(db, await db.fetchval(OPEN, native_id), chaos.plant.person_id)
    yield
    await db.execute("UPDATE discrepancy SET repair_at = now() WHERE repair_at IS NOT NULL")


@asynccontextmanager
async def left_behind(chaos: Maltreated) -> AsyncIterator[None]:
    """A launcher died just before it submitted."""
    await chaos.launch()
    with helped(chaos, "launch.submit.before") as first:
        await soon(lambda: asyncio.to_thread(first.poll))
    await chaos.house.db.execute(
        "UPDATE submission SET lease_until = now() WHERE state = 'submitting'"
    )
    yield


@asynccontextmanager
async def unavailable(chaos: Maltreated) -> AsyncIterator[None]:
    """The batch system can't be had."""
    await chaos.launch()
    if chaos.away is None:
        yield
        return
    with chaos.away():
        yield
    await chaos.house.db.execute(HEALED)


@asynccontextmanager
async def forgetful(chaos: Maltreated) -> AsyncIterator[None]:
    """The spool says that there were more launches than the database knows."""
    path = chaos.house.spool / "launched.json"
    if not path.exists():
        with helped(chaos):
            await soon(lambda: asyncio.to_thread(path.exists))
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"launches": told["launches"] + 7}))
    yield


@asynccontextmanager
async def expired(chaos: Maltreated) -> AsyncIterator[None]:
    """A token has gone that a command can get."""
    token = chaos.house.tmp / "vault/hypot/pass.token"
    if not token.parent.exists():
        made = await Pass.make(chaos.house, chaos.plant, renewal=renewal(chaos.house))
        # Looked after like any, and launched with by nobody.
        await chaos.house.db.execute("UPDATE login_setup SET credential_id = NULL")
        chaos.settings |= made.settings
    token.unlink(missing_ok=True)
    await chaos.house.db.execute(TO_RENEW)
    yield


PASSING: dict[str, Passing] = {
    "advance.look": launched("chain"),
    "recover.launch": launched("chain"),
    "dependents.fire": launched("chain"),
    "sweep.promote": launched("single", "single"),
    "launch.fail": launched("nowhere"),
    "launch.wait": paused,
    "launch.abandon": left_behind,
    "launch.fault": unavailable,
    "act.cancel": cancelled,
    "act.batch": removed,
    "act.done": removed,
    "repair.do": twin,
    "repair.done": twin,
    "memory.restore": forgetful,
    "credentials.looked": expired,
    "credentials.renew": expired,
    "credentials.renewed": expired,
}
"""For the names that need more than plain launches."""
