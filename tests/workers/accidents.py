"""What befalls that on which workers rely: clocks, logs and journals, folders and disks."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.file_damage import ACCIDENTS
from tests.small_disks import CannotMount, SmallDisk, mount_small_disk
from tests.workers.kill_point_scenarios import QUEUE_LOST, wait_a_while

if TYPE_CHECKING:
    from tests.workers.chaos import Chaos, Fault

CLOCKS_S = (-600.0, 600.0, -2.0, 2.0)
DATABASE = "database"
DISKS_MB = {DATABASE: 700, "spool": 600, "store": 200}
STARTED = "SELECT state NOT IN ('queued', 'new', 'submitting', 'uncertain', 'idle') FROM submission WHERE id = $1"
DUE = """
    INSERT INTO schedule (stage_id, cron, next_at, person_id)
    SELECT $1, to_char(t AT TIME ZONE 'UTC', 'FMMI FMHH24 * * *'), t, $2
      FROM date_trunc('second', now()) AS t
    ON CONFLICT (stage_id) DO UPDATE SET cron = excluded.cron, next_at = excluded.next_at, active = true
    RETURNING next_at
"""
"""A daily turn, which is due now."""
TAKEN = "SELECT last_at >= $2 FROM schedule WHERE stage_id = $1"
LIVE = """
    SELECT a.mark, a.native_id FROM launch_attempt a JOIN submission s ON s.id = a.submission_id
     WHERE s.ended_at IS NULL AND a.state IN ('opened', 'confirmed')
"""


@contextmanager
def make_small_disks(megabytes: Mapping[str, int]) -> Iterator[dict[str, SmallDisk]]:
    """A disk for each; none where none can be mounted."""
    with ExitStack() as mounted:
        try:
            yield {n: mounted.enter_context(mount_small_disk(m)) for n, m in megabytes.items()}
        except CannotMount:
            yield {}


def choose_database_folder(disks: Mapping[str, SmallDisk], otherwise: Path) -> Path:
    """Where a database that is to be maltreated has its folder."""
    return disks[DATABASE].path if DATABASE in disks else otherwise


def place_on_disks(folder: Path, disks: Mapping[str, SmallDisk]) -> None:
    """Let a house's spool and store be on them, where there are any."""
    for name in ("spool", "store"):
        if name in disks:
            place = disks[name].path / name
            place.mkdir()
            place.chmod(0o777)
            (folder / name).symlink_to(place)


def list_accidents(chaos: "Chaos") -> dict[str, "Fault"]:
    """What may befall this house's files, by what is said of it."""
    found: dict[str, Fault] = {"the spool away for seconds": partial(hide_spool, chaos)}
    if chaos.journals:
        for what, happen in ACCIDENTS.items():
            found[f"logs or journals {what}"] = partial(damage_journals, chaos, happen)
    for name in chaos.disks:
        found[f"the disk of the {name} full"] = partial(fill_disk, chaos, name)
    if QUEUE_LOST in chaos.own:
        found[QUEUE_LOST] = partial(run_fault, chaos, chaos.own[QUEUE_LOST])
    return found


async def run_something(chaos: "Chaos") -> None:
    """Have a job that runs while something happens."""
    id = await chaos.launch(chaos.rarer.lasting)
    await wait_a_while(lambda: chaos.patiently(lambda: chaos.house.db.fetchval(STARTED, id)))


async def run_fault(chaos: "Chaos", fault: "Fault") -> None:
    await run_something(chaos)
    await fault()


async def set_clocks_wrong(chaos: "Chaos") -> None:
    """Workers whose clocks are wrong, one ahead and one behind, find that a turn of a schedule is due."""
    seconds = CLOCKS_S[chaos.turns % len(CLOCKS_S)]
    stage, db = chaos.rarer.clocked, chaos.house.db
    chaos.kill()
    chaos.workers = [
        chaos.house.worker_on_wrong_clock(each, **chaos.settings) for each in (seconds, -seconds)
    ]
    due = await chaos.patiently(lambda: db.fetchval(DUE, stage, chaos.plant.person_id))
    chaos.turns += 1
    await wait_a_while(lambda: chaos.patiently(lambda: db.fetchval(TAKEN, stage, due)))
    await asyncio.sleep(2)  # in which it might be taken again
    await chaos.kill_all()


async def damage_journals(chaos: "Chaos", happen: Callable[[Path], None]) -> None:
    """While nobody runs who writes or reads them, or under everybody."""
    await run_something(chaos)
    assert chaos.journals
    is_stopped = chaos.dice.random() < 0.5
    if is_stopped:
        chaos.kill()
    with chaos.at_rest() if is_stopped else nullcontext():
        for path in await chaos.patiently(chaos.journals):
            # One that is over may be laid aside, or be empty.
            with suppress(OSError):
                happen(path)
    if is_stopped:
        await chaos.kill_all()


async def hide_spool(chaos: "Chaos") -> None:
    await run_something(chaos)
    spool = chaos.house.spool
    away = spool.rename(spool.with_name("spool.away"))
    await asyncio.sleep(chaos.dice.uniform(2, 5))
    put_back(away, spool)


def put_back(away: Path, place: Path) -> None:
    """Whatever was made there meanwhile is kept beside it."""
    for number in itertools.count():
        with suppress(OSError):
            place.rename(place.with_name(f"{place.name}.meanwhile.{number}"))
        with suppress(OSError):
            away.rename(place)
            return


async def fill_disk(chaos: "Chaos", name: str) -> None:
    await run_something(chaos)
    await asyncio.to_thread(chaos.disks[name].fill)
    await asyncio.sleep(chaos.dice.uniform(2, 5))
    chaos.disks[name].make_room()
    if name == DATABASE:
        chaos.services.supervise("postgres")


async def list_live_attempts(chaos: "Chaos") -> list[tuple[str, str]]:
    """Mark and native id of the launches of which something should be told."""
    return [(row["mark"], row["native_id"]) for row in await chaos.house.db.fetch(LIVE)]
