"""What hangs costs its own lane: everything else launches, is watched, acted on, advanced and ended meanwhile."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from batch.local import LocalBatchSystem
from catalogs import ClaimedFile, ClaimProblem, ConfirmedFile
from catalogs.embedded import EmbeddedCatalog
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import actions, recovery_chain
from db.submissions import submissions as rows
from db.submissions.submissions import Submission
from domain.submissions.jobs import JobActionVerb
from resolvers.health import check_readiness
from tests.batch.batch_fixtures import list_processes_with
from tests.factories import Factory
from tests.forced_states import force_state
from tests.worker_tools import make_worker_tools
from tests.workers.campaigns import UNITS, TwoStageCampaign, make_two_stage_campaign
from tests.workers.house import House, wait_until
from workers import act, advance
from workers.dispatch import run_pool
from workers.loops import LoopBell
from workers.tools import WorkerTools

PROGRAMS = ("sbatch", "scancel", "scontrol", "squeue", "sinfo", "sdiag", "sacct")
HANGS = "#!/bin/sh\nsleep 3600 &\nkill -STOP $$\n"
AT_SLURM = """
    WITH moved AS (
        UPDATE submission SET batch_system = $2, launch_attempt = 1 WHERE id = $1 RETURNING id
    ), attempt AS (
        INSERT INTO launch_attempt (submission_id, attempt, batch_system, mark, holder, state, native_id)
        SELECT id, 1, $2, 'poms-mark-' || id, 'nobody', 'confirmed', id || '@ab12cd34' FROM moved
    )
    INSERT INTO cluster (batch_system, native_id, submission_id, attempt)
    SELECT $2, id || '@ab12cd34', id, 1 FROM moved
"""
LEFT_THERE = "UPDATE submission SET batch_system = 'slurm' WHERE id = ANY($1)"


async def launch_stage(plant: Factory, stage: int) -> Submission:
    outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None, outcome.why
    return outcome.submission


async def make_running(plant: Factory, stage: int, batch_system: str) -> int:
    """A submission that is thought to run there."""
    id = (await launch_stage(plant, stage)).id
    await plant.db.execute(AT_SLURM, id, batch_system)
    await force_state(plant.db, "running", "id = $1", id)
    return id


async def request_removal(plant: Factory, id: int) -> int:
    return (
        await actions.request_action(plant.db, id, JobActionVerb.REMOVE, "no", plant.person_id)
    ).id


async def is_done(db: Pool, action_id: int) -> bool:
    return bool(await db.fetchval("SELECT done_at FROM action WHERE id = $1", action_id))


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Path]:
    """Slurm's programs: each begins something and stops itself, as if it waited for a controller for ever."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(HANGS)
        (folder / name).chmod(0o755)
    yield folder
    for pid in list_processes_with(f"PATH={folder}"):
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


async def is_located(campaign: TwoStageCampaign) -> bool:
    db = campaign.house.db
    done = await db.fetchval("SELECT count(*) FROM input_file WHERE outcome = 'done'")
    state = await db.fetchval(
        "SELECT bool_and(state = 'located') FROM submission WHERE stage_id = $1", campaign.process
    )
    return bool(done >= UNITS and state)


async def test_a_slurm_whose_programs_never_end_keeps_nothing_else(
    house: House, plant: Factory, programs: Path
) -> None:
    db = plant.db
    away = await plant.stage("away", ["true"], kind="generator", jobs_per_slice=1)
    lost = [(await launch_stage(plant, away)).id for _ in range(12)]
    await db.execute(LEFT_THERE, lost)
    for _ in range(6):
        await request_removal(plant, await make_running(plant, away, "slurm"))
    house.runner()
    worker = house.worker(POMS_SLURM="1", POMS_SLURM_PROGRAMS=str(programs))

    async def told() -> bool:
        ready, shown = await check_readiness(db, "here")
        return ready and shown["degraded"] and "slurm:health" in shown["hanging_lanes"]

    await wait_until(told, "a lane that is told to hang", house)
    campaign = await make_two_stage_campaign(house, plant)
    await campaign.launch()
    single = await plant.stage("one", house.job("one"), kind="generator", most_unfinished=1,
                               patterns=["one_*"])  # fmt: skip
    second = [await launch_stage(plant, single) for _ in range(3)][-1]
    cancelled = await request_removal(plant, second.id)
    await wait_until(lambda: is_located(campaign), "the campaign's end", house)
    await wait_until(lambda: is_done(db, cancelled), "an action on another", house)

    async def promoted() -> bool:
        return int(await db.fetchval(
            "SELECT count(*) FROM submission WHERE stage_id = $1 AND state = 'located'", single)) == 2  # fmt: skip

    await wait_until(promoted, "a launch that waited for another", house)
    assert await db.fetchval("SELECT NOT reachable FROM batch_system WHERE name = 'slurm'")
    worker.send_signal(signal.SIGTERM)
    async with asyncio.timeout(40):
        while worker.poll() is None:
            await asyncio.sleep(0.05)
    assert worker.returncode == 0, house.read_logs()


class Stuck(LocalBatchSystem):
    """A batch system whose clients hang in a file that nobody writes."""

    name = "stuck"

    def __init__(self, spool: Path, fifo: Path) -> None:
        super().__init__(spool)
        self.fifo = fifo

    def _act(self, *_: Any) -> None:
        self.fifo.read_bytes()


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    yield path
    release_fifo(path)


def release_fifo(fifo: Path) -> None:
    with suppress(OSError):
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


@asynccontextmanager
async def run_going_loop(make: Callable[[], Any], tools: WorkerTools) -> Any:
    """A loop that hands out, as workers run it."""
    bell = LoopBell()
    task = asyncio.create_task(run_pool(make(), tools, 0.05, bell))
    try:
        yield
    finally:
        bell.end()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def wait_a_while(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_actions_that_hang_stay_their_workers_and_others_are_done(
    plant: Factory, tmp_path: Path, fifo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(act, "LEASE_S", 2.0)
    db, stage = plant.db, await plant.stage("gen", ["true"], kind="generator")
    (tmp_path / "local/clusters").mkdir(parents=True)
    stuck = [
        await request_removal(plant, await make_running(plant, stage, "stuck")) for _ in range(6)
    ]
    here = await request_removal(plant, (await launch_stage(plant, stage)).id)
    systems = {"stuck": Stuck(tmp_path, fifo), "local": LocalBatchSystem(tmp_path)}
    async with run_going_loop(
        act.make_dispatcher, make_worker_tools(db, tmp_path, systems=systems)
    ):
        await wait_a_while(lambda: is_done(db, here))
        since = await db.fetchval("SELECT now()")
        mine = (
            "SELECT count(*) FROM action WHERE lease_until > $1::timestamptz + interval '4 seconds'"
        )

        async def renewed() -> bool:
            return int(await db.fetchval(mine, since)) == act.OF_EACH

        await wait_a_while(renewed)
        tries = await db.fetchval("SELECT max(attempts) FROM action")
        assert tries == 1
        release_fifo(fifo)

        async def all_done() -> bool:
            release_fifo(fifo)
            return all([await is_done(db, id) for id in stuck])

        await wait_a_while(all_done)


class SlowStore(EmbeddedCatalog):
    """A store in which reading the files of one submission takes very long."""

    def __init__(self, fifo: Path) -> None:
        super().__init__()
        self.fifo = fifo

    def _look(self, claimed: ClaimedFile, folders: Sequence[Path]) -> ConfirmedFile | ClaimProblem:
        if "slow" in claimed.path:
            self.fifo.read_bytes()
        return super()._look(claimed, folders)


DECLARE = """
    WITH counted AS (
        UPDATE submission SET outputs_declared = outputs_declared + 1 WHERE id = $1
    )
    INSERT INTO output_file (submission_id, number, attempt, name, path, size, checksum, parents, metadata, state)
    VALUES ($1, 1, 1, $2, $3, 0, '', '{}', '{}', 'declared')
"""


async def make_ended_with(plant: Factory, name: str, folder: Path) -> int:
    """A submission of an experiment of its own that is over, with an output to look at."""
    own = await Factory.make(plant.db, f"exp_{name}", name)
    stage = await own.stage("gen", ["true"], kind="generator")
    id = (await launch_stage(own, stage)).id
    await plant.db.execute(DECLARE, id, name, str(folder / name))
    await force_state(plant.db, "completed", "id = $1", id, also=", check_at = now()")
    return id


async def test_the_large_files_of_one_experiment_do_not_keep_the_others_and_stay_their_readers(
    plant: Factory, tmp_path: Path, fifo: Path
) -> None:
    db, lease_s = plant.db, 2.0
    slow = [await make_ended_with(plant, f"slow{n}", tmp_path) for n in range(2)]
    quick = [await make_ended_with(plant, f"quick{n}", tmp_path) for n in range(3)]
    tools = make_worker_tools(db, tmp_path, catalog=SlowStore(fifo), lease_s=lease_s)

    async def advanced(ids: list[int]) -> bool:
        found = await rows.find_by_ids(db, ids)
        return all(each.advanced_at is not None for each in found)

    async with run_going_loop(advance.make_dispatcher, tools):
        await wait_a_while(lambda: advanced(quick))
        await asyncio.sleep(1.5 * lease_s)
        # Longer than a lease, and nobody else can take them. The others are due again: their results aren't there.
        while taken := await recovery_chain.claim(db, lease_s):
            assert taken.id in quick
        assert not await advanced(slow[:1])

        async def all_advanced() -> bool:
            release_fifo(fifo)
            return await advanced(slow)

        await wait_a_while(all_advanced)


async def test_nothing_is_concluded_from_a_store_that_does_not_answer(
    plant: Factory, tmp_path: Path, fifo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalogs.embedded.LOOK_S", 0.1)
    id = await make_ended_with(plant, "slow", tmp_path)
    tools = make_worker_tools(plant.db, tmp_path, catalog=SlowStore(fifo), lease_s=5)
    put_off = "SELECT check_at > now() + interval '10 seconds' FROM submission WHERE id = $1"
    async with run_going_loop(advance.make_dispatcher, tools):
        await wait_a_while(lambda: plant.db.fetchval(put_off, id))
    found = await rows.find_by_id(plant.db, id)
    assert found is not None
    assert (found.advanced_at, found.outputs_declared) == (None, 1)
