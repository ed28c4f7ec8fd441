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
from batch.directory import directory_of
from batch.htcondor import Access, HTCondor
from batch.htcondor.feed import Feed
from batch.htcondor.order import log_of
from bench import floor
from bench.jobs import columns_of
from bench.machines import Machines
from bench.planted import Planted
from bench.ratios import Line
from catalogs.embedded import Embedded
from db import watches
from db.pool import Pool, open_pool
from domain.jobs import Resources
from workers import relay, watch
from workers.tools import Tools

AIM = 20_000
"""Events per second, through everything."""
JOBS, ROUNDS, AT_ONCE = 10_000, 4, 500
NAME = "htcondor"
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


def blocks_of_a_job() -> list[str]:
    """What a schedd wrote of one job, event by event with what it tells of the job's ad."""
    text = Path(__file__).with_name("joblog.txt").read_text()
    blocks = [block + "\n...\n" for block in text.split("\n...\n")[:-1]]
    return [event + ad for event, ad in zip(blocks[::2], blocks[1::2], strict=True)]


def written(cluster: int, jobs: int) -> Iterator[str]:
    """The log of a cluster whose jobs come, run and end five hundred at a time."""
    events = [
        event.replace("Cluster = 1\n", f"Cluster = {cluster}\n") for event in blocks_of_a_job()
    ]
    for first in range(0, jobs, AT_ONCE):
        for event in events:
            for proc in range(first, first + AT_ONCE):
                named = event.replace("(001.000.000)", f"({cluster:03d}.{proc:03d}.000)")
                yield named.replace("Proc = 0\n", f"Proc = {proc}\n")
    yield GONE.format(cluster=cluster, jobs=jobs)


@dataclass
class Bench:
    """What a round works with."""

    db: Pool
    tools: Tools
    system: HTCondor
    planted: Planted
    stage: int
    read_to: str | None = None

    async def launched(self, *, reports: bool) -> tuple[int, Launch]:
        """A submission of 10,000 jobs, as it is once its cluster is open, and what its schedd has logged."""
        submission = await self.planted.submission(self.stage)
        await self.db.execute(ADOPT, [submission.id])
        directory = directory_of(self.tools.spool, f"bench-{submission.id}")
        log_of(directory).parent.mkdir(parents=True)
        with log_of(directory).open("w") as file:
            file.writelines(written(submission.id, JOBS))
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
            self.read_to, behind = await watch.step(self.tools, self.system, 1, self.read_to)
        read.set()
        await relaying
        assert await self.db.fetchval(BACKLOG) == 0

    async def _relay(self, read: asyncio.Event) -> None:
        """As a worker's relay, every 20 ms, and once more when all is read."""
        while not read.is_set():
            await relay.step(self.tools)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await read.wait()
        while await relay.step(self.tools):
            pass

    async def ours(self, *, reports: bool) -> float:
        """Events of the log per second, until nothing is left to do."""
        submission_id, launch = await self.launched(reports=reports)
        Feed(self.tools.spool / NAME).enter(launch)
        rate = await seconds(self.follow())
        counted = await self.db.fetchrow(COUNTED, submission_id)
        good = JOBS if reports else 0
        assert counted is not None
        assert tuple(counted) == (JOBS, good, JOBS - good, good), tuple(counted)
        return len(blocks_of_a_job()) * JOBS / rate

    async def floors(self) -> tuple[float, float]:
        """Events per second of reading alone, and of the bare SQL with what was read."""
        submission_id, launch = await self.launched(reports=False)
        logs = Feed(self.tools.spool / f"floor-{submission_id}")
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
                await floor.apply(conn, columns_of([*newest.values()]))
            writing = time.perf_counter() - began
        logged = len(blocks_of_a_job()) * JOBS
        return logged / reading, logged / writing


async def seconds(work: Coroutine[None, None, None]) -> float:
    """How long it takes; no collection of garbage of before falls into it."""
    gc.collect()
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def run(machines: Machines) -> list[Line]:
    """Events per second, in turns with the floors."""
    url = await machines.database()
    async with await open_pool(url) as db:
        bench = await made(db, machines.folder)
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
        Line("log followed", silent, aim, "events/s", 1.0, "peer is the aim itself"),
        Line("log followed, with reports", telling, aim, "events/s", None, "one file read for each job"),
        Line("log followed", silent, reading, "events/s", None, "peer only reads and understands it"),
        Line("log followed", silent, writing, "events/s", None, "peer only writes what was read"),
    ]  # fmt: skip


async def made(db: Pool, folder: Path) -> Bench:
    """An empty installation, and files for all rounds."""
    planted = await Planted.make(db)
    stage = await planted.reco(JOBS * 3 * ROUNDS, JOBS)
    spool = folder / "joblog"
    system = HTCondor(Access("127.0.0.1:1"), spool)

    async def silence(*_: object) -> None:
        """Nobody listens."""

    tools = Tools(
        db=db, systems={NAME: system}, catalog=Embedded(folder), spool=spool, store=folder,
        holder="bench", lease_s=10.0, launch_lease_s=60.0, ring=silence, enqueue=silence,
    )  # fmt: skip
    await watches.lead(db, NAME, 1)
    return Bench(db, tools, system, planted, stage)
