"""Batches of 5,000 job events through the watcher's own step, against the bare SQL on the same table."""

import gc
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batch import (
    BatchHealth,
    ClusterRef,
    EventBatch,
    FollowedCluster,
    JobEvent,
    Launch,
    MarkAbsent,
    ReportBatch,
    ReportKey,
    Sighting,
)
from bench import floor
from bench.machines import BenchMachines
from bench.planted import PlantedRows
from bench.ratios import RatioLine
from catalogs.embedded import EmbeddedCatalog
from db.batch import feeds
from db.pool import Pool, open_pool
from domain.batch.reconciliation import ReportedCluster
from domain.submissions.jobs import JobActionVerb, JobState
from workers import watch
from workers.tools import WorkerTools

AIM = 0.5
BATCH, JOBS, ROUNDS = 5000, 1000, 7
NAME = "local"
SUBMIT = "UPDATE submission SET state = 'submitting' WHERE id = ANY($1::bigint[])"
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
class MemoryBatchSystem:
    """A batch system that tells what it was given to tell: reading it costs nothing."""

    name: str = NAME
    batch: EventBatch = field(default_factory=lambda: EventBatch((), "0", behind=False))
    job_reports: Mapping[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    """Reports by the launch directory's name and the job's number."""

    async def read(self, read_to: str | None, bound: int) -> EventBatch:
        """The next batch."""
        return self.batch

    async def reports(self, wanted: Sequence[ReportKey]) -> ReportBatch:
        """The reports that there are."""
        keyed = ((key, self.job_reports.get((key.directory.name, key.number))) for key in wanted)
        return ReportBatch((key, report) for key, report in keyed if report is not None)

    async def submit(self, launch: Launch) -> str:
        raise NotImplementedError

    async def find(self, mark: str) -> Sighting:
        return MarkAbsent("nothing runs here")

    async def list_marked(self, prefixes: Sequence[str]) -> Sequence[ReportedCluster]:
        return []

    async def recheck(self, clusters: Sequence[ClusterRef]) -> Mapping[ClusterRef, Sighting]:
        raise NotImplementedError

    async def open(self, cluster: ClusterRef) -> None:
        raise NotImplementedError

    async def follow(self, cluster: FollowedCluster) -> Sequence[int]:
        raise NotImplementedError

    async def look_back(self) -> None:
        raise NotImplementedError

    async def act(
        self,
        verb: JobActionVerb,
        cluster: ClusterRef,
        reason: str,
        numbers: Sequence[int] | None = None,
    ) -> None:
        raise NotImplementedError

    async def health(self) -> BatchHealth:
        return BatchHealth(reachable=True, text="")


@dataclass
class JobsBench:
    """What a round works with."""

    db: Pool
    tools: WorkerTools
    system: MemoryBatchSystem
    planted: PlantedRows
    stage: int
    epoch: int = 1
    read_to: str | None = None
    clock: int = 0

    async def group(self) -> list[tuple[int, int, int]]:
        """Fresh submissions with 5,000 jobs, each with one file: (submission, number, file)."""
        made = [await self.planted.submission(self.stage) for _ in range(BATCH // JOBS)]
        ids = [submission.id for submission in made]
        await self.db.execute(SUBMIT, ids)
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
        self.system.batch = EventBatch(events, read_to, behind=False)
        step = watch.watch_once(self.tools, self.system, self.epoch, self.read_to)
        rate = await measure_rate(step, len(events))
        self.read_to = read_to
        return rate

    async def bare(self, events: Sequence[JobEvent], files: floor.Columns | None = None) -> float:
        """Events per second by the bare SQL."""
        columns = build_event_columns(events)
        async with self.db.acquire() as conn:
            return await measure_rate(floor.apply_floor(conn, columns, files), len(events))


async def measure_rate(work: Awaitable[Any], events: int) -> float:
    """Events per second; no collection of garbage of before falls into it."""
    gc.collect()
    began = time.perf_counter()
    await work
    return events / (time.perf_counter() - began)


def build_event_columns(events: Sequence[JobEvent]) -> list[list[Any]]:
    """The events column by column."""
    rows = [
        (
            int(e.native_id), e.number, e.attempt, e.state.value, e.sequence, e.exit_code, e.site, e.slot, e.cpu_s,
            e.wall_s, e.memory_mb, None if e.state.is_over else e.at, e.at if e.state.is_over else None,
        )
        for e in events
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]


def build_file_columns(group: Sequence[tuple[int, int, int]]) -> list[list[Any]]:
    """The files that reports would tell of, column by column."""
    rows = [
        (*key, f"o_{key[2]}.root", f"/store/o_{key[2]}.root", 1000, "sha256:0") for key in group
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def build_reports(
    group: Sequence[tuple[int, int, int]],
) -> dict[tuple[str, int], Mapping[str, Any]]:
    """One input and one output in each."""
    return {
        (f"bench-{id}", number): {
            "outcome": "succeeded", "exit_code": 0, "cpu_s": 90.5, "wall_s": 100.25, "memory_mb": 1500.0,
            "inputs": [{"id": file, "delivery": "consumed", "outcome": "done"}],
            "outputs": [
                {
                    "name": f"o_{file}.root", "path": f"/store/o_{file}.root", "size": 1000,
                    "checksum": "sha256:0", "parents": [file],
                }
            ],
        }
        for id, number, file in group
    }  # fmt: skip


Rates = dict[str, list[float]]


async def run_round(bench: JobsBench, rates: Rates) -> None:
    """Every job starts and ends once: of ours without and with reports, and of the bare SQL."""
    silent, telling, bare, full = [await bench.group() for _ in range(4)]
    bench.system.job_reports = build_reports(telling)
    start, end = JobState.RUNNING, JobState.SUCCEEDED
    rates["started"].append(await bench.ours(bench.events(silent, start)))
    rates["bare started"].append(await bench.bare(bench.events(bare, start)))
    await bench.ours(bench.events(telling, start))
    await bench.bare(bench.events(full, start))
    rates["ended"].append(await bench.ours(bench.events(silent, end)))
    rates["bare ended"].append(await bench.bare(bench.events(bare, end)))
    rates["told"].append(await bench.ours(bench.events(telling, end)))
    rates["bare told"].append(await bench.bare(bench.events(full, end), build_file_columns(full)))


KINDS = ("started", "ended", "told")


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Events per second of both, in turns."""
    url = await machines.database()
    async with await open_pool(url) as db:
        bench = await make_bench(db, machines.folder)
        rates: Rates = {name: [] for kind in KINDS for name in (kind, f"bare {kind}")}
        await run_round(bench, rates)
        for found in rates.values():
            found.clear()  # the first round warms caches and statements
        await db.execute("VACUUM ANALYZE")
        for _ in range(ROUNDS):
            await run_round(bench, rates)
        await check_accounting(db)
    jobs_only = rates["bare ended"]
    return [
        RatioLine("jobs started", rates["started"], rates["bare started"], "events/s", AIM),
        RatioLine("jobs ended, no reports", rates["ended"], rates["bare ended"], "events/s", AIM),
        RatioLine("jobs ended, with reports", rates["told"], rates["bare told"], "events/s", AIM,
             "peer writes the files too"),
        RatioLine("jobs ended, with reports", rates["told"], jobs_only, "events/s", None,
             "peer writes jobs, history and counters only"),
    ]  # fmt: skip


async def make_bench(db: Pool, folder: Path) -> JobsBench:
    """An empty installation, and files for all rounds."""
    planted = await PlantedRows.make(db)
    stage = await planted.reco(BATCH * 4 * (ROUNDS + 1), JOBS)
    system = MemoryBatchSystem()

    async def silence(*_: object) -> None:
        """Nobody listens."""

    tools = WorkerTools(
        db=db, systems={NAME: system}, catalog=EmbeddedCatalog(), spool=folder, store=folder,
        holder="bench", lease_s=10.0, launch_lease_s=60.0, ring=silence, enqueue=silence,
    )  # fmt: skip
    await feeds.begin_watch(db, NAME, 1)
    return JobsBench(db, tools, system, planted, stage)


async def check_accounting(db: Pool) -> None:
    """What was measured has to have happened."""
    row = await db.fetchrow(ENDED)
    assert row is not None
    each = BATCH * (ROUNDS + 1)
    assert tuple(row) == (3 * each, each, 3 * each, 4 * each, 2 * each), tuple(row)
