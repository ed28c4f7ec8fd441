"""Previews of launches on 1,000,000 files, against the bare SQL that adds up the same files in the same run."""

import time
from collections.abc import Awaitable, Callable

from bench.machines import Machines
from bench.planted import Planted
from bench.ratios import Line
from db import launch_plans, launch_previews, previews, slices
from db.launch_plans import Planned as PlannedLaunch
from db.pool import Pool, open_pool
from db.taking import Asked

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


async def shown(db: Pool, stage_id: int, person_id: int) -> int:
    """All that `previewLaunch` does; how many files it shows."""
    planned = await slices.plan(db, stage_id, Asked(person_id))
    assert isinstance(planned, PlannedLaunch), planned
    await launch_plans.keep(db, await launch_plans.parts(db, planned))
    found = await launch_previews.loads(db, planned)
    await launch_previews.expected(db, stage_id, is_test=False)
    await launch_previews.count_slices(db, planned.stage, is_test=False)
    await previews.left_out_of(db, planned.stage, is_test=False)
    return sum(found.files)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def run(machines: Machines) -> list[Line]:
    """Previews per minute of each shape, and of the bare SQL over all files."""
    url = await machines.database()
    async with await open_pool(url) as db:
        planted = await Planted.make(db)
        stage = await planted.reco(FILES, 1000)
        await db.execute("VACUUM ANALYZE")
        await timed(lambda: db.fetch(BARE, stage))
        return [await measured(db, planted, stage, name, sql) for name, sql in SHAPES.items()]


async def measured(db: Pool, planted: Planted, stage: int, name: str, sql: str) -> Line:
    """One shape, in turns with the bare SQL."""
    await db.execute(sql)
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(await timed(lambda: shown(db, stage, planted.person_id)))
        peer.append(await timed(lambda: db.fetch(BARE, stage)))
    return Line(
        f"preview of {FILES:,} files, {name}", [60 / s for s in ours], [60 / s for s in peer],
        "previews/min", AIM,
        f"{min(ours):.2f} to {max(ours):.2f} s, peer {min(peer):.2f} to {max(peer):.2f} s",
    )  # fmt: skip
