"""`python -m bench.chaos WHERE`: a thousand launches under faults, with the tables of docs/chaos.md."""

import argparse
import asyncio
import logging
import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from batch.htcondor import Access, HTCondor
from bench.__main__ import ended_by_signals
from tests.batch.maltreated import on_htcondor, on_slurm
from tests.batch.pools import Pool
from tests.batch.slurm_pool import SlurmPool
from tests.workers.chaos import Chaos, on_local
from tests.workers.reckoning import places, table
from tests.workers.services import Services, serving
from up import children

WITHIN_S = 1200.0


@asynccontextmanager
async def local(services: Services, folder: Path, seed: int) -> AsyncIterator[Chaos]:
    """Jobs of this machine."""
    (folder / "house").mkdir()
    chaos = await on_local(services, folder / "house", seed, WITHIN_S)
    try:
        yield chaos
    finally:
        chaos.house.stop()
        chaos.house.db.terminate()


@asynccontextmanager
async def htcondor(services: Services, folder: Path, seed: int) -> AsyncIterator[Chaos]:
    """A pool of its own."""
    pool = Pool.start(folder / "condor")
    tokens = pool.token(folder / "tokens")
    access = Access(pool.address, tokens=tokens, file_system="pool.test", call_s=20)
    chaos = await on_htcondor(services, folder / "house", access, pool, seed, WITHIN_S)
    try:
        yield chaos
    finally:
        chaos.house.stop()
        chaos.house.db.terminate()
        if isinstance(chaos.system, HTCondor):
            chaos.system.close()
        pool.stop()


@asynccontextmanager
async def slurm(services: Services, folder: Path, seed: int) -> AsyncIterator[Chaos]:
    """A cluster of its own, which remembers all jobs until they are counted."""
    pool = SlurmPool.start(folder / "slurm", children.account(), min_job_age=7200)
    chaos = await on_slurm(services, folder / "house", pool, seed, WITHIN_S)
    try:
        yield chaos
    finally:
        chaos.house.stop()
        chaos.house.db.terminate()
        pool.stop()


WHERE = {"local": local, "htcondor": htcondor, "slurm": slurm}


async def run(where: str, launches: int, hits: int, seed: int, folder: Path) -> bool:
    """Inflict every fault; True when nothing was lost, run twice or left unreported."""
    began = time.monotonic()
    with serving(folder) as services:
        async with WHERE[where](services, folder, seed) as chaos:
            rows = await chaos.run(-(-launches // len(chaos.faults)), hits, everywhere=True)
    took = f"{where}, seed {seed}, {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}"
    print(f"{took}\n\n{table(rows)}\n\n{places(chaos.died)}", flush=True)
    return all(row.is_good for row in rows)


def main() -> int:
    """Run it once; 1 when something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("where", choices=WHERE, nargs="?", default="local")
    parser.add_argument("--launches", type=int, default=1000)
    parser.add_argument("--hits", type=int, default=6, help="how often each fault, at most")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = Path(tempfile.mkdtemp(prefix="poms-chaos-"))
    folder.chmod(0o711)
    try:
        with ended_by_signals():
            good = asyncio.run(run(given.where, given.launches, given.hits, given.seed, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
