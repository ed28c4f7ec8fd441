"""Batches of 5,000 job events through the watcher's own step, against the bare SQL on the same table."""

import gc
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batch import Absent, Batch, Followed, Health, JobEvent, Launch, ReportKey, Sighting
from bench import floor
from bench.machines import Machines
from bench.planted import Planted
from bench.ratios import Line
from catalogs.embedded import Embedded
from db import watches
from db.pool import Pool, open_pool
from domain.discrepancies import Cluster
from domain.jobs import JobState, Verb
from workers import watch
from workers.tools import Tools

AIM = 0.5
BATCH, JOBS, ROUNDS = 5000, 1000, 7
NAME = "local"
ADOPT = """
    WITH a AS (
        INSERT INTO launch_attempt (submission_id, attempt, batch_system, mark, state, holder, native_id)
        SELECT id, 1, 'local', 'bench-' || id, 'opened', 'bench', id::text FROM unnest($1::bigint[]) id
    ), c AS (
        INSERT INTO cluster (batch_system, native_id, submission_id, attempt)
        SELECT 'local', id::text, id, 1 FROM unnest($1::bigint[]) id
    )
    UPDATE submission SET state = 'idle', launch_attempt = 1 WHERE id = ANY($1)
"""
INPUTS = (
    "SELECT submission_id, number, file_id FROM input_file WHERE submission_id = ANY($1::bigint[])"
)
ENDED = """
    SELECT count(*) FILTER (WHERE state = 'succeeded'), count(*) FILTER (WHERE state = 'failed'),
           (SELECT sum(jobs_succeeded) FROM submission),
           (SELECT count(*) FROM attempt), (SELECT count(*) FROM output_file)
      FROM job
"""


@dataclass
class Memory:
    """A batch system that tells what it was given to tell: reading it costs nothing."""

    name: str = NAME
    batch: Batch = field(default_factory=lambda: Batch((), "0", behind=False))
    told: Mapping[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    """Reports by the launch directory's name and the job's number."""

    async def read(self, read_to: str | None, bound: int) -> Batch:
        """The next batch."""
        return self.batch

    async def reports(self, wanted: Sequence[ReportKey]) -> Mapping[ReportKey, Mapping[str, Any]]:
        """The reports that there are."""
        keyed = ((key, self.told.get((key.directory.name, key.number))) for key in wanted)
        return {key: report for key, report in keyed if report is not None}

    async def submit(self, launch: Launch) -> str:
        raise NotImplementedError

    async def find(self, mark: str) -> Sighting:
        return Absent("nothing runs here")

    async def marked(self, prefixes: Sequence[str]) -> Sequence[Cluster]:
        return []

    async def open(self, native_id: str) -> None:
        raise NotImplementedError

    async def follow(self, cluster: Followed) -> Sequence[int]:
        raise NotImplementedError

    async def look_back(self) -> None:
        raise NotImplementedError

    async def act(
        self, verb: Verb, native_id: str, reason: str, numbers: Sequence[int] | None = None
    ) -> None:
        raise NotImplementedError

    async def health(self) -> Health:
        return Health(reachable=True, text="")


@dataclass
class Bench:
    """What a round works with."""

    db: Pool
    tools: Tools
    system: Memory
    planted: Planted
    stage: int
    epoch: int = 1
    read_to: str | None = None
    clock: int = 0

    async def group(self) -> list[tuple[int, int, int]]:
        """Fresh submissions with 5,000 jobs, each with one file: (submission, number, file)."""
        made = [await self.planted.submission(self.stage) for _ in range(BATCH // JOBS)]
        ids = [submission.id for submission in made]
        await self.db.execute(ADOPT, ids)
        return [(row[0], row[1], row[2]) for row in await self.db.fetch(INPUTS, ids)]

    def events(self, group: Sequence[tuple[int, int, int]], state: JobState) -> list[JobEvent]:
        """The same thing happens to every job."""
        over, at = state.is_over, datetime.now(UTC)
        self.clock += len(group)
        return [
            JobEvent(
                str(id), number, 1, state, at, self.clock + n, exit_code=0 if over else None,
                site="here", slot=f"slot{n % 50}", cpu_s=90.5 if over else None,
                wall_s=100.25 if over else None, memory_mb=1500.0 if over else None,
            )
            for n, (id, number, _) in enumerate(group)
        ]  # fmt: skip

    async def ours(self, events: Sequence[JobEvent]) -> float:
        """Events per second through the watcher's step."""
        read_to = str(self.clock)
        self.system.batch = Batch(events, read_to, behind=False)
        step = watch.step(self.tools, self.system, self.epoch, self.read_to)
        rate = await timed(step, len(events))
        self.read_to = read_to
        return rate

    async def bare(self, events: Sequence[JobEvent], files: floor.Columns | None = None) -> float:
        """Events per second by the bare SQL."""
        columns = columns_of(events)
        async with self.db.acquire() as conn:
            return await timed(floor.apply(conn, columns, files), len(events))


async def timed(work: Awaitable[Any], events: int) -> float:
    """Events per second; no collection of garbage of before falls into it."""
    gc.collect()
    began = time.perf_counter()
    await work
    return events / (time.perf_counter() - began)


def columns_of(events: Sequence[JobEvent]) -> list[list[Any]]:
    """The events column by column."""
    rows = [
        (
            int(e.native_id), e.number, e.attempt, e.state.value, e.seen, e.exit_code, e.site, e.slot, e.cpu_s,
            e.wall_s, e.memory_mb, None if e.state.is_over else e.at, e.at if e.state.is_over else None,
        )
        for e in events
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]


def files_of(group: Sequence[tuple[int, int, int]]) -> list[list[Any]]:
    """The files that reports would tell of, column by column."""
    rows = [
        (*key, f"o_{key[2]}.root", f"/store/o_{key[2]}.root", 1000, "sha256:0") for key in group
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def reports_of(group: Sequence[tuple[int, int, int]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """One input and one output in each."""
    return {
        (f"bench-{id}", number): {
            "outcome": "succeeded", "exit_code": 0, "cpu_s": 90.5, "wall_s": 100.25, "memory_mb": 1500.0,
            "inputs": [{"id": file, "delivery": "consumed", "outcome": "done"}],
            "outputs": [
                {
                    "name": f"o_{file}.root", "path": f"/store/o_{file}.root", "size": 1000,
                    "checksum": "sha256:0", "pattern": "*.root", "parents": [file],
                }
            ],
        }
        for id, number, file in group
    }  # fmt: skip


Rates = dict[str, list[float]]


async def one_round(bench: Bench, rates: Rates) -> None:
    """Every job starts and ends once: of ours without and with reports, and of the bare SQL."""
    silent, telling, bare, full = [await bench.group() for _ in range(4)]
    bench.system.told = reports_of(telling)
    start, end = JobState.RUNNING, JobState.SUCCEEDED
    rates["started"].append(await bench.ours(bench.events(silent, start)))
    rates["bare started"].append(await bench.bare(bench.events(bare, start)))
    await bench.ours(bench.events(telling, start))
    await bench.bare(bench.events(full, start))
    rates["ended"].append(await bench.ours(bench.events(silent, end)))
    rates["bare ended"].append(await bench.bare(bench.events(bare, end)))
    rates["told"].append(await bench.ours(bench.events(telling, end)))
    rates["bare told"].append(await bench.bare(bench.events(full, end), files_of(full)))


KINDS = ("started", "ended", "told")


async def run(machines: Machines) -> list[Line]:
    """Events per second of both, in turns."""
    url = await machines.database()
    async with await open_pool(url) as db:
        bench = await made(db, machines.folder)
        rates: Rates = {name: [] for kind in KINDS for name in (kind, f"bare {kind}")}
        await one_round(bench, rates)
        for found in rates.values():
            found.clear()  # the first round warms caches and statements
        await db.execute("VACUUM ANALYZE")
        for _ in range(ROUNDS):
            await one_round(bench, rates)
        await accounted(db)
    jobs_only = rates["bare ended"]
    return [
        Line("jobs started", rates["started"], rates["bare started"], "events/s", AIM),
        Line("jobs ended, no reports", rates["ended"], rates["bare ended"], "events/s", AIM),
        Line("jobs ended, with reports", rates["told"], rates["bare told"], "events/s", AIM,
             "peer writes the files too"),
        Line("jobs ended, with reports", rates["told"], jobs_only, "events/s", None,
             "peer writes jobs, history and counters only"),
    ]  # fmt: skip


async def made(db: Pool, folder: Path) -> Bench:
    """An empty installation, and files for all rounds."""
    planted = await Planted.make(db)
    stage = await planted.reco(BATCH * 4 * (ROUNDS + 1), JOBS)
    system = Memory()

    async def silence(*_: object) -> None:
        """Nobody listens."""

    tools = Tools(
        db=db, systems={NAME: system}, catalog=Embedded(folder), spool=folder, store=folder,
        holder="bench", lease_s=10.0, launch_lease_s=60.0, ring=silence, enqueue=silence,
    )  # fmt: skip
    await watches.lead(db, NAME, 1)
    return Bench(db, tools, system, planted, stage)


async def accounted(db: Pool) -> None:
    """What was measured has to have happened."""
    row = await db.fetchrow(ENDED)
    assert row is not None
    each = BATCH * (ROUNDS + 1)
    assert tuple(row) == (3 * each, each, 3 * each, 4 * each, 2 * each), tuple(row)
