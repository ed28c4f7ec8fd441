"""What brings workers to the places that a plain launch never passes."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
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
from batch.directory import locate_launch_directory
from db.batch import admission, discrepancies
from db.launching import launches
from db.submissions import actions
from domain.submissions.jobs import JobActionVerb
from tests.factories import Factory
from tests.workers.approval_rules import set_rule_of_nobody
from tests.workers.credentials import CredentialFolder, build_renewal_command
from tests.workers.duplicate_clusters import submit_again
from tests.workers.house import House, Worker

SMALL = {"memory_mb": 100, "disk_mb": 1}
RECOVERY = [{"type": "consumed_status", "rounds": 1}]
WITHIN_S = 30.0
LASTS_S = 4
QUEUE_LOST = "the queue lost"
ELSEWHERE = "UPDATE stage SET batch_system = $1 WHERE id = ANY($2::bigint[])"
STATE = "SELECT state FROM submission WHERE id = $1"
OPEN = "SELECT id FROM discrepancy WHERE native_id = $1 AND resolved_at IS NULL"
DONE = """
    SELECT submission_id FROM launch_attempt WHERE state IN ('opened', 'confirmed')
     ORDER BY submission_id DESC LIMIT 1
"""
HEALED = "UPDATE batch_system SET faults = 0, fault = '', opened_at = NULL, probe_at = NULL"
TO_RENEW = """
    UPDATE credential SET checked_at = '-infinity', renew_at = now(), renewing_until = NULL, renewal_attempts = 0
"""
POISON = """
    ALTER TABLE discrepancy ADD CONSTRAINT poison CHECK (native_id <> 'poison' OR repaired_at IS NULL)
"""
POISONED = """
    INSERT INTO discrepancy (kind, batch_system, native_id, mark, jobs, started, details, repair, repair_at)
    VALUES ('not_followed', 'local', 'poison', '', 0, false, '', 'inspect', now())
"""


class DisturbedHouse(Protocol):
    """What is asked of the chaos."""

    house: House
    plant: Factory
    system: BatchSystem
    settings: dict[str, str]
    away: Callable[[], AbstractContextManager[None]] | None
    rarer: "RareStage"
    own: Mapping[str, Callable[[], Awaitable[None]]]

    async def launch(self, stage: int | None = None) -> int: ...

    def worker(self, kill_at: str = "") -> Worker: ...


@dataclass(frozen=True)
class RareStage:
    """Stages for what a plain one doesn't do."""

    chain: int
    """Its only job fails once, is recovered, and feeds another stage."""
    slow: int
    single: int
    """Takes one submission at a time."""
    nowhere: int
    """Of a batch system that isn't there."""
    quick: int
    lasting: int
    """Runs for so long that things can happen to it."""
    clocked: int
    """Is launched by a schedule."""

    @classmethod
    async def make(cls, house: House, plant: Factory, system: str) -> "RareStage":
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
        writers = [
            await generator(name, build_writer(name, before), patterns=[f"{name}_*"])
            for name, before in (("quick", ""), ("lasting", f"sleep {LASTS_S};"), ("clocked", ""))
        ]
        await plant.db.execute(ELSEWHERE, system, [chain, next_, slow, single, *writers])
        await plant.db.execute(ELSEWHERE, "nowhere", [nowhere])
        return cls(chain, slow, single, nowhere, *writers)


def build_writer(name: str, before: str) -> list[str]:
    """A command whose one result says who its unit is."""
    return ["/bin/sh", "-c", f'{before} echo "$POMS_SEED" > "{name}_$POMS_INDEX.out"']


Passing = Callable[[DisturbedHouse], AbstractAsyncContextManager[object]]


async def wait_a_while(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait for a condition; what doesn't come is seen by the place that nobody reaches."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S):
            while not await condition():
                await asyncio.sleep(0.05)


@contextmanager
def run_helper(chaos: DisturbedHouse, kill_at: str = "") -> Iterator[Worker]:
    """A worker that brings things as far as they have to be."""
    worker = chaos.worker(kill_at)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


@asynccontextmanager
async def run_plainly(chaos: DisturbedHouse) -> AsyncIterator[None]:
    yield


def run_rare_launches(*names: str) -> Passing:
    """Launches of rarer stages."""

    @asynccontextmanager
    async def passing(chaos: DisturbedHouse) -> AsyncIterator[None]:
        for name in names:
            await chaos.launch(getattr(chaos.rarer, name))
        yield

    return passing


@asynccontextmanager
async def run_paused(chaos: DisturbedHouse) -> AsyncIterator[int]:
    """A launch that waits."""
    name, db = chaos.system.name, chaos.house.db
    await admission.pause_launches(db, name, chaos.plant.person_id, "for a while")
    try:
        yield await chaos.launch()
    finally:
        await admission.resume_launches(db, name, chaos.plant.person_id)


@asynccontextmanager
async def run_cancelled(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """Somebody cancels what has not been launched."""
    async with run_paused(chaos) as id:
        await actions.request_action(
            chaos.house.db, id, JobActionVerb.REMOVE, "not wanted", chaos.plant.person_id
        )
        yield


async def launch_slow_jobs(chaos: DisturbedHouse) -> int:
    """Jobs that are at the batch system for some time."""
    db, id = chaos.house.db, await chaos.launch(chaos.rarer.slow)

    async def is_there() -> bool:
        return await db.fetchval(STATE, id) in ("idle", "running", "held")

    with run_helper(chaos):
        await wait_a_while(is_there)
    return id


@asynccontextmanager
async def run_removed(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """Somebody removes jobs that are at the batch system."""
    db, id = chaos.house.db, await launch_slow_jobs(chaos)
    await actions.request_action(db, id, JobActionVerb.REMOVE, "not wanted", chaos.plant.person_id)
    yield
    await db.execute("UPDATE action SET next_try_at = now() WHERE done_at IS NULL")


@asynccontextmanager
async def run_lost(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """The same when the batch system has lost its queue, and the spool all about that launch."""
    db, id = chaos.house.db, await launch_slow_jobs(chaos)
    attempt = await launches.find_current_attempt(db, id)
    await chaos.own[QUEUE_LOST]()
    if attempt is not None:
        directory = locate_launch_directory(chaos.house.spool, attempt.mark)
        with suppress(FileNotFoundError):  # what still runs may write there
            directory.rename(directory.with_name(f".lost.{attempt.mark}"))
        followed = chaos.house.spool / chaos.system.name
        (followed / attempt.mark).unlink(missing_ok=True)
        shutil.rmtree(followed / str(attempt.native_id), ignore_errors=True)
    await actions.request_action(db, id, JobActionVerb.REMOVE, "it is lost", chaos.plant.person_id)
    yield
    await db.execute("UPDATE action SET next_try_at = now() WHERE done_at IS NULL")


@asynccontextmanager
async def run_duplicate(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """Somebody wants the inert duplicate of a launch removed."""
    db = chaos.house.db
    with run_helper(chaos):
        await wait_a_while(lambda: db.fetchval(DONE))
        native_id = await submit_again(chaos.system, chaos.house, await db.fetchval(DONE))
        await wait_a_while(lambda: db.fetchval(OPEN, native_id))
    await discrepancies.request_repair(
        db, await db.fetchval(OPEN, native_id), chaos.plant.person_id
    )
    yield
    await db.execute("UPDATE discrepancy SET repair_at = now() WHERE repair_at IS NOT NULL")


@asynccontextmanager
async def run_left_behind(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """A launcher died just before it submitted."""
    await chaos.launch()
    with run_helper(chaos, "launch.submit.before") as first:
        await wait_a_while(lambda: asyncio.to_thread(first.poll))
    await chaos.house.db.execute(
        "UPDATE submission SET lease_until = now() WHERE state = 'submitting'"
    )
    yield


@asynccontextmanager
async def run_unavailable(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """The batch system can't be had."""
    await chaos.launch()
    if chaos.away is None:
        yield
        return
    with chaos.away():
        yield
    await chaos.house.db.execute(HEALED)


@asynccontextmanager
async def run_restored(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """The spool says that there were more launches than the database knows."""
    path = chaos.house.spool / "launched.json"
    if not path.exists():
        with run_helper(chaos):
            await wait_a_while(lambda: asyncio.to_thread(path.exists))
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"launches": told["launches"] + 7}))
    yield


@asynccontextmanager
async def run_unrecorded(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """Only the spool says whose database this is, as after the restore of a dump from before any did."""
    await chaos.house.db.execute("DELETE FROM installation")
    yield


@asynccontextmanager
async def run_expired(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """A token has gone that a command can get."""
    token = CredentialFolder(chaos.house, chaos.plant).file
    if not token.parent.exists():
        made = await CredentialFolder.make(
            chaos.house, chaos.plant, renewal=build_renewal_command(chaos.house)
        )
        # Looked after like any, and launched with by nobody.
        await chaos.house.db.execute("UPDATE login_setup SET credential_id = NULL")
        chaos.settings |= made.settings
    token.unlink(missing_ok=True)
    await chaos.house.db.execute(TO_RENEW)
    yield


@asynccontextmanager
async def run_poisoned(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """The database refuses what comes of a repair."""
    await chaos.house.db.execute(POISON)
    await chaos.house.db.execute(POISONED)
    try:
        yield
    finally:
        await chaos.house.db.execute("ALTER TABLE discrepancy DROP CONSTRAINT poison")
        await chaos.house.db.execute("DELETE FROM discrepancy WHERE native_id = 'poison'")


@asynccontextmanager
async def run_looked_at(chaos: DisturbedHouse) -> AsyncIterator[None]:
    """Rules are set that ask nobody: each launch waits until somebody has looked."""
    await set_rule_of_nobody(chaos.plant)
    yield


PASSING: dict[str, Passing] = {
    "approval.look": run_looked_at,
    "advance.look": run_rare_launches("chain"),
    "recover.launch": run_rare_launches("chain"),
    "dependents.fire": run_rare_launches("chain"),
    "sweep.promote": run_rare_launches("single", "single"),
    "launch.fail": run_rare_launches("nowhere"),
    "launch.wait": run_paused,
    "launch.abandon": run_left_behind,
    "launch.fault": run_unavailable,
    "act.cancel": run_cancelled,
    "act.batch": run_removed,
    "act.done": run_removed,
    "act.cancel_lost": run_lost,
    "repair.do": run_duplicate,
    "repair.done": run_duplicate,
    "restore_guard.restore": run_restored,
    "installation.record": run_unrecorded,
    "setback.note": run_poisoned,
    "credentials.looked": run_expired,
    "credentials.renew": run_expired,
    "credentials.renewed": run_expired,
}
"""For the names that need more than plain launches."""
