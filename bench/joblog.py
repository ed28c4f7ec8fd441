"""The event log of 10,000 jobs through HTCondor's own watcher: read, understood, committed, counted and relayed."""

import asyncio
import gc
import json
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from batch import JobEvent, Launch
from batch.directory import locate_launch_directory
from batch.htcondor import HTCondor, HTCondorAccess
from batch.htcondor.feed import HTCondorFeed
from batch.htcondor.order import locate_event_log
from bench import floor
from bench.jobs import build_event_columns
from bench.machines import BenchMachines
from bench.planted import PlantedRows
from bench.ratios import RatioLine
from catalogs.embedded import EmbeddedCatalog
from db.batch import feeds
from db.pool import Pool, open_pool
from domain.setup.resources import Resources
from workers import relay, watch
from workers.tools import WorkerTools

AIM = 20_000
"""Events per second, through everything."""
JOBS, ROUNDS, AT_ONCE = 10_000, 4, 500
NAME = "htcondor"
SUBMIT = "UPDATE submission SET state = 'submitting' WHERE id = ANY($1::bigint[])"
ADOPT = """
    WITH a AS (
        INSERT INTO launch_attempt (submission_id, attempt, batch_system, mark, state, holder, native_id)
        SELECT id, 1, 'htcondor', 'bench-' || id, 'opened', 'bench', id::text FROM unnest($1::bigint[]) id
    ), c AS (
        INSERT INTO cluster (batch_system, native_id, submission_id, attempt)
        SELECT 'htcondor', id::text, id, 1 FROM unnest($1::bigint[]) id
    )
    UPDATE submission SET state = 'idle', launch_attempt = 1 WHERE id = ANY($1)
"""
COUNTED = "SELECT jobs, jobs_succeeded, jobs_failed, files_done FROM submission WHERE id = $1"
GONE = (
    "036 ({cluster:03d}.-01.000) 2026-11-26 20:44:19 Cluster removed\n"
    "\tMaterialized {jobs} jobs from -1 items.\tComplete\n...\n"
)
BACKLOG = "SELECT count(*) FROM change_inbox"
REPORT = {
    "version": 1, "attempt": 1, "started": "2026-11-26T20:44:16+00:00", "ended": "2026-11-26T20:44:19+00:00",
    "host": "node", "outcome": "succeeded", "reason": None, "exit_code": 0, "signal": None, "wall_s": 3.0,
    "cpu_s": 2.5, "memory_mb": 11.0, "outputs": [], "log_tail": "",
}  # fmt: skip


def list_job_blocks() -> list[str]:
    """What a schedd wrote of one job, event by event with what it tells of the job's ad."""
    text = Path(__file__).with_name("joblog.txt").read_text()
    blocks = [block + "\n...\n" for block in text.split("\n...\n")[:-1]]
    return [event + ad for event, ad in zip(blocks[::2], blocks[1::2], strict=True)]


def write_log(cluster: int, jobs: int) -> Iterator[str]:
    """The log of a cluster whose jobs come, run and end five hundred at a time."""
    events = [
        event.replace("Cluster = 1\n", f"Cluster = {cluster}\n") for event in list_job_blocks()
    ]
    for first in range(0, jobs, AT_ONCE):
        for event in events:
            for proc in range(first, first + AT_ONCE):
                named = event.replace("(001.000.000)", f"({cluster:03d}.{proc:03d}.000)")
                yield named.replace("Proc = 0\n", f"Proc = {proc}\n")
    yield GONE.format(cluster=cluster, jobs=jobs)


@dataclass
class JobLogBench:
    """What a round works with."""

    db: Pool
    tools: WorkerTools
    system: HTCondor
    planted: PlantedRows
    stage: int
    read_to: str | None = None

    async def launch_jobs(self, *, reports: bool) -> tuple[int, Launch]:
        """A submission of 10,000 jobs, as it is once its cluster is open, and what its schedd has logged."""
        submission = await self.planted.submission(self.stage)
        await self.db.execute(SUBMIT, [submission.id])
        await self.db.execute(ADOPT, [submission.id])
        directory = locate_launch_directory(self.tools.spool, f"bench-{submission.id}")
        locate_event_log(directory).parent.mkdir(parents=True)
        with locate_event_log(directory).open("w") as file:
            file.writelines(write_log(submission.id, JOBS))
        if reports:
            (directory / "reports").mkdir()
            await self._report(submission.id, directory / "reports")
        jobs = range(1, JOBS + 1)
        return submission.id, Launch(directory.name, directory, jobs, Resources(), "bench/log")

    async def _report(self, submission_id: int, folder: Path) -> None:
        inputs = "SELECT number, file_id FROM input_file WHERE submission_id = $1"
        for number, file_id in await self.db.fetch(inputs, submission_id):
            done = {
                "id": file_id,
                "name": "x",
                "delivery": "consumed",
                "outcome": "done",
                "reason": None,
            }
            told = {**REPORT, "number": number, "inputs": [done]}
            (folder / f"{number}.1.json").write_text(json.dumps(told))

    async def follow(self) -> None:
        """Read to the end of the logs and relay to the end of the inbox."""
        read = asyncio.Event()
        relaying = asyncio.create_task(self._relay(read))
        behind = True
        while behind:
            self.read_to, behind = await watch.watch_once(self.tools, self.system, 1, self.read_to)
        read.set()
        await relaying
        assert await self.db.fetchval(BACKLOG) == 0

    async def _relay(self, read: asyncio.Event) -> None:
        """As a worker's relay, every 20 ms, and once more when all is read."""
        while not read.is_set():
            await relay.relay_once(self.tools)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await read.wait()
        while await relay.relay_once(self.tools):
            pass

    async def ours(self, *, reports: bool) -> float:
        """Events of the log per second, until nothing is left to do."""
        submission_id, launch = await self.launch_jobs(reports=reports)
        HTCondorFeed(self.tools.spool / NAME).enter(launch)
        rate = await measure_seconds(self.follow())
        counted = await self.db.fetchrow(COUNTED, submission_id)
        good = JOBS if reports else 0
        assert counted is not None
        assert tuple(counted) == (JOBS, good, JOBS - good, good), tuple(counted)
        return len(list_job_blocks()) * JOBS / rate

    async def floors(self) -> tuple[float, float]:
        """Events per second of reading alone, and of the bare SQL with what was read."""
        submission_id, launch = await self.launch_jobs(reports=False)
        logs = HTCondorFeed(self.tools.spool / f"floor-{submission_id}")
        logs.enter(launch)
        began = time.perf_counter()
        batches: list[list[JobEvent]] = []
        read_to, behind = None, True
        while behind:
            batch = logs.read(read_to, watch.BOUND)
            batches.append(list(batch.events))
            read_to, behind = batch.read_to, batch.behind
        reading = time.perf_counter() - began
        async with self.db.acquire() as conn:
            began = time.perf_counter()
            for events in filter(None, batches):
                newest = {event.number: event for event in events}
                await floor.apply_floor(conn, build_event_columns([*newest.values()]))
            writing = time.perf_counter() - began
        logged = len(list_job_blocks()) * JOBS
        return logged / reading, logged / writing


async def measure_seconds(work: Coroutine[None, None, None]) -> float:
    """How long it takes; no collection of garbage of before falls into it."""
    gc.collect()
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Events per second, in turns with the floors."""
    url = await machines.database()
    async with await open_pool(url) as db:
        bench = await make_bench(db, machines.folder)
        silent, telling, reading, writing = [[] for _ in range(4)]
        for _ in range(ROUNDS):
            silent.append(await bench.ours(reports=False))
            telling.append(await bench.ours(reports=True))
            read, wrote = await bench.floors()
            reading.append(read)
            writing.append(wrote)
        bench.system.close()
    aim = [float(AIM)] * ROUNDS
    return [
        RatioLine("log followed", silent, aim, "events/s", 1.0, "peer is the aim itself"),
        RatioLine("log followed, with reports", telling, aim, "events/s", None, "one file read for each job"),
        RatioLine("log followed", silent, reading, "events/s", None, "peer only reads and understands it"),
        RatioLine("log followed", silent, writing, "events/s", None, "peer only writes what was read"),
    ]  # fmt: skip


async def make_bench(db: Pool, folder: Path) -> JobLogBench:
    """An empty installation, and files for all rounds."""
    planted = await PlantedRows.make(db)
    stage = await planted.reco(JOBS * 3 * ROUNDS, JOBS)
    spool = folder / "joblog"
    system = HTCondor(HTCondorAccess("127.0.0.1:1"), spool)

    async def silence(*_: object) -> None:
        """Nobody listens."""

    tools = WorkerTools(
        db=db, systems={NAME: system}, catalog=EmbeddedCatalog(), spool=spool, store=folder,
        holder="bench", lease_s=10.0, launch_lease_s=60.0, ring=silence, enqueue=silence,
    )  # fmt: skip
    await feeds.begin_watch(db, NAME, 1)
    return JobLogBench(db, tools, system, planted, stage)
