"""Previews of launches on 1,000,000 files, against the bare SQL that adds up the same files in the same run."""

import time
from collections.abc import Awaitable, Callable

from bench.machines import BenchMachines
from bench.planted import PlantedRows
from bench.ratios import RatioLine
from db.launching import foreseen_names, launch_plans, launch_previews, slice_previews, slices
from db.launching.launch_plans import PlannedSubmission as PlannedLaunch
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool, open_pool

FILES, ROUNDS, AIM = 1_000_000, 3, 0.2
BARE = """
    SELECT count(*), max(bytes), max(events), sum(files)
      FROM (SELECT d.ordinal / 10, count(*) AS files, sum(f.size) AS bytes, sum(f.events) AS events
              FROM dataset_file d JOIN file f ON f.id = d.file_id
             WHERE d.dataset_id = (SELECT dataset_id FROM stage WHERE id = $1) GROUP BY 1) x
"""
SHAPES = {
    "all files in one slice": "UPDATE stage SET split = 'none', files_per_job = 10, bytes_per_job = NULL",
    "jobs by bytes": "UPDATE stage SET split = 'none', files_per_job = 100, bytes_per_job = 10000",
    "10,000 slices": "UPDATE stage SET split = 'nfiles(100)', files_per_job = 10, bytes_per_job = NULL",
    "slices by bytes": "UPDATE stage SET split = 'nbytes(100kB)', files_per_job = 10, bytes_per_job = NULL",
}


async def show_preview(db: Pool, stage_id: int, person_id: int) -> int:
    """All that `previewLaunch` does; how many files it shows."""
    planned = await slices.plan_launch(db, stage_id, LaunchRequest(person_id))
    assert isinstance(planned, PlannedLaunch), planned
    await launch_plans.keep_plan(db, await launch_plans.read_parts(db, planned))
    found = await launch_previews.measure_job_loads(db, planned)
    await launch_previews.estimate_job_usage(db, stage_id, is_test=False)
    await foreseen_names.warn_of_launch(db, planned)
    await launch_previews.count_slices(db, planned.stage, is_test=False)
    await slice_previews.count_left_out(db, planned.stage, is_test=False)
    return sum(found.files)


async def measure_seconds(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Previews per minute of each shape, and of the bare SQL over all files."""
    url = await machines.database()
    async with await open_pool(url) as db:
        planted = await PlantedRows.make(db)
        stage = await planted.reco(FILES, 1000)
        await db.execute("VACUUM ANALYZE")
        await measure_seconds(lambda: db.fetch(BARE, stage))
        return [await measure_shape(db, planted, stage, name, sql) for name, sql in SHAPES.items()]


async def measure_shape(
    db: Pool, planted: PlantedRows, stage: int, name: str, sql: str
) -> RatioLine:
    """One shape, in turns with the bare SQL."""
    await db.execute(sql)
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(await measure_seconds(lambda: show_preview(db, stage, planted.person_id)))
        peer.append(await measure_seconds(lambda: db.fetch(BARE, stage)))
    return RatioLine(
        f"preview of {FILES:,} files, {name}", [60 / s for s in ours], [60 / s for s in peer],
        "previews/min", AIM,
        f"{min(ours):.2f} to {max(ours):.2f} s, peer {min(peer):.2f} to {max(peer):.2f} s",
    )  # fmt: skip
