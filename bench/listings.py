"""A listing of 100,000 files from the stand-in of SAM into a dataset, as a worker does it; then one without news."""

import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from bench.machines import HOST, ROOT, BenchMachines, wait_until
from bench.planted import PlantedRows
from bench.ratios import RatioLine
from catalogs.embedded import EmbeddedCatalog
from catalogs.opening import CatalogClients
from db.files import listings
from db.pool import Pool, open_pool
from up.ports import find_free_port
from workers.guard import InstallationGuard
from workers.listings import make_dispatcher
from workers.tools import WorkerTools

FILES, TOGETHER, WITHIN_S, MOST_MB = 100_000, 10_000, 20, 200
CATALOG = "INSERT INTO catalog (experiment_id, name, kind, url) VALUES ($1, 'sam', 'sam', $2) RETURNING id"
DATASET = """
    INSERT INTO dataset (experiment_id, name, catalog, catalog_id, definition, owner_id, owning_role)
    VALUES ($1, 'outside', 'sam', $2, 'file_name %', $3, 'production') RETURNING id
"""


@asynccontextmanager
async def start_sam() -> AsyncIterator[str]:
    """A SAM with all the files, as a process of its own."""
    port = find_free_port()
    command = [sys.executable, "-m", "tests.catalogs.sam_stand_in", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    base = f"http://{HOST}:{port}/sam/hypot/api"
    try:
        wait_until(lambda: _is_answering(base), "SAM")
        async with httpx2.AsyncClient(headers={"Authorization": "Bearer x"}, timeout=60) as http:
            for at in range(0, FILES, TOGETHER):
                given = [
                    {"file_name": f"f{n:07}.root", "file_size": n, "file_type": "unknown"}
                    for n in range(at, at + TOGETHER)
                ]
                (await http.post(f"{base}/files", json=given)).raise_for_status()
            (await http.put(f"{base}/locate_all")).raise_for_status()
        yield base
    finally:
        process.terminate()
        process.wait()


async def ignore_ring(*_: object) -> None:
    """Nobody hears it."""


def _is_answering(base: str) -> bool:
    try:
        return httpx2.get(f"{base}/definitions/list").is_success
    except httpx2.TransportError:
        return False


async def list_once(db: Pool, tools: WorkerTools, dataset: int, person: int) -> float:
    """Seconds."""
    began = time.perf_counter()
    await listings.ask_for_listing(db, dataset, person)
    source = make_dispatcher()
    await source.step(tools)
    await source.pool.drain()
    took = time.perf_counter() - began
    row = await db.fetchrow("SELECT state, trouble FROM dataset_listing ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert row["state"] == "published", row["trouble"]
    return took


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Files a second against what is aimed at; more memory than is aimed at fails."""
    async with await open_pool(await machines.database()) as db, start_sam() as base:
        planted = await PlantedRows.make(db)
        catalog = await db.fetchval(CATALOG, planted.experiment_id, base)
        dataset = await db.fetchval(DATASET, planted.experiment_id, catalog, planted.person_id)
        tools = _make_tools(db, machines, base)
        lines = []
        for name in ("first listing", "listing without news"):
            took = await list_once(db, tools, dataset, planted.person_id)
            used_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            lines.append(RatioLine(
                f"{name} of {FILES:,} files", [FILES / took], [FILES / WITHIN_S], "files/s", 1,
                f"{took:.1f} s, this process at most {used_mb} MB",
            ))  # fmt: skip
        assert await db.fetchval("SELECT head FROM dataset WHERE id = $1", dataset) == FILES
        assert used_mb < MOST_MB, used_mb
        return lines


def _make_tools(db: Pool, machines: BenchMachines, base: str) -> WorkerTools:
    guard = InstallationGuard()
    guard.doubt = ""
    trusted = frozenset([httpx2.URL(base).netloc.decode()])
    return WorkerTools(
        db=db, systems={}, catalog=EmbeddedCatalog(), catalogs=CatalogClients(trusted), spool=machines.folder,
        store=machines.folder, holder="bench", lease_s=10, launch_lease_s=60, ring=ignore_ring, enqueue=ignore_ring,
        guard=guard,
    )  # fmt: skip
