"""The kept progress of a campaign of 10,000 submissions, against summing these; and what keeping it costs."""

import time
from collections.abc import Awaitable, Callable

from bench.machines import BenchMachines
from bench.planted import PlantedRows
from bench.ratios import RatioLine
from db.pool import Pool, open_pool
from db.submissions import progress
from db.submissions.progress import SUMS

SUBMISSIONS, ROUNDS, READS, CHANGES = 10_000, 7, 20, 300
MANY = """
    INSERT INTO submission (experiment_id, campaign_id, stage_id, slice_id, campaign_revision, state, ended_at,
                            created_by, batch_system, configuration, counted, jobs, jobs_succeeded, files_done, cpu_s)
    SELECT experiment_id, campaign_id, stage_id, slice_id, campaign_revision, 'located', now(),
           created_by, batch_system, configuration, false, 10, 10, n % 100, n * 1.5
      FROM submission, generate_series(2, $1::int) n
"""
SUMMED = f"""
    SELECT stage.id, stage.name, stage.slices, coalesce(jsonb_object_agg(t.state, t.n), '{{}}'),
           {", ".join(f"coalesce(sum(t.{name}), 0)" for name in SUMS)}
      FROM stage
      LEFT JOIN (SELECT stage_id, state, count(*) AS n, {", ".join(f"sum({name}) AS {name}" for name in SUMS)}
                   FROM submission WHERE campaign_id = $1 AND NOT is_test GROUP BY stage_id, state) t
        ON t.stage_id = stage.id
     WHERE stage.campaign_id = $1 GROUP BY stage.id ORDER BY stage.id
"""
CHANGED = "UPDATE submission SET files_done = files_done + 1 WHERE id = $1"


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Readings and changes per second, with what is kept and without."""
    async with await open_pool(await machines.database()) as db:
        planted = await PlantedRows.make(db)
        await planted.submission(await planted.gen())
        await db.execute(MANY, SUBMISSIONS)
        while await progress.fold_progress(db, SUBMISSIONS):
            pass
        await db.execute("VACUUM ANALYZE")
        return [await read_repeatedly(db, planted.campaign_id), await change_repeatedly(db)]


async def read_repeatedly(db: Pool, campaign_id: int) -> RatioLine:
    """Both read the same, in turns."""
    kept, summed = [], []
    for _ in range(ROUNDS):
        kept.append(await measure_rate(READS, lambda: progress.list_by_campaign(db, campaign_id)))
        summed.append(await measure_rate(READS, lambda: db.fetch(SUMMED, campaign_id)))
    name = f"progress of a campaign of {SUBMISSIONS:,} submissions"
    return RatioLine(name, kept, summed, "readings/s", 5)


async def change_repeatedly(db: Pool) -> RatioLine:
    """One submission after the other, with the trigger and without it."""
    kept, unkept = [], []
    for _ in range(ROUNDS):
        kept.append(await count_changes(db))
        await db.execute("ALTER TABLE submission DISABLE TRIGGER submission_progress")
        unkept.append(await count_changes(db))
        await db.execute("ALTER TABLE submission ENABLE TRIGGER submission_progress")
    return RatioLine(
        "changes of a submission, with its stage's kept", kept, unkept, "commits/s",
        note="against the same without; folds are not in it",
    )  # fmt: skip


async def count_changes(db: Pool) -> float:
    async with db.acquire() as conn:
        ids = iter(range(1, CHANGES + 1))
        return await measure_rate(CHANGES, lambda: conn.execute(CHANGED, next(ids)))


async def measure_rate(times: int, work: Callable[[], Awaitable[object]]) -> float:
    """How often a second."""
    began = time.perf_counter()
    for _ in range(times):
        await work()
    return times / (time.perf_counter() - began)
