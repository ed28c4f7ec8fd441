"""`python -m bench.chaos WHERE`: a thousand launches under faults, with the tables of docs/chaos.md."""

import argparse
import asyncio
import logging
import math
import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from batch.htcondor import HTCondor, HTCondorAccess
from bench.__main__ import exit_on_signals
from tests.batch.pool_chaos import make_htcondor_chaos, make_slurm_chaos
from tests.batch.pools import Pool
from tests.batch.slurm_pool import SlurmPool
from tests.small_disks import SmallDisk
from tests.workers.accidents import DISKS_MB, choose_database_folder, make_small_disks
from tests.workers.chaos import Chaos
from tests.workers.chaos_accounting import format_kill_points, format_table
from tests.workers.kill_points import POINTS
from tests.workers.local_chaos import make_local_chaos
from tests.workers.services import Services, run_services
from up import children

WITHIN_S = 1200.0


@asynccontextmanager
async def open_local_chaos(
    services: Services, folder: Path, seed: int, disks: Mapping[str, SmallDisk]
) -> AsyncIterator[Chaos]:
    """Jobs of this machine."""
    (folder / "house").mkdir()
    chaos = await make_local_chaos(services, folder / "house", seed, WITHIN_S, disks)
    try:
        yield chaos
    finally:
        chaos.house.stop()
        chaos.house.db.terminate()


@asynccontextmanager
async def open_htcondor_chaos(
    services: Services, folder: Path, seed: int, disks: Mapping[str, SmallDisk]
) -> AsyncIterator[Chaos]:
    """A pool of its own."""
    pool = Pool.start(folder / "condor")
    tokens = pool.token(folder / "tokens")
    access = HTCondorAccess(pool.address, tokens=tokens, file_system="pool.test", call_s=20)
    chaos = await make_htcondor_chaos(
        services, folder / "house", access, pool, seed, WITHIN_S, disks
    )
    try:
        yield chaos
    finally:
        chaos.house.stop()
        chaos.house.db.terminate()
        if isinstance(chaos.system, HTCondor):
            chaos.system.close()
        pool.stop()


@asynccontextmanager
async def open_slurm_chaos(
    services: Services, folder: Path, seed: int, disks: Mapping[str, SmallDisk]
) -> AsyncIterator[Chaos]:
    """A cluster of its own, which remembers all jobs until they are counted."""
    pool = SlurmPool.start(folder / "slurm", children.find_run_account(), min_job_age=7200)
    chaos = await make_slurm_chaos(services, folder / "house", pool, seed, WITHIN_S, disks)
    try:
        yield chaos
    finally:
        chaos.house.stop()
        chaos.house.db.terminate()
        pool.stop()


WHERE = {"local": open_local_chaos, "htcondor": open_htcondor_chaos, "slurm": open_slurm_chaos}


async def run_chaos(given: argparse.Namespace, folder: Path) -> bool:
    """Inflict every fault; True when nothing was lost, run twice, stuck, empty or left unreported."""
    began, where, seed = time.monotonic(), given.where, given.seed
    with (
        make_small_disks(DISKS_MB) as disks,
        run_services(choose_database_folder(disks, folder)) as services,
    ):
        async with WHERE[where](services, folder, seed, disks) as chaos:
            launches = -(-given.launches // len(chaos.faults))
            rows = await chaos.run(launches, given.hits, places=given.places, most_s=given.most_s)
    took = f"{where}, seed {seed}, {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}"
    if not disks:
        print("No disk was full: none of its own can be mounted here.")
    print(f"{took}\n\n{format_table(rows)}\n\n{format_kill_points(chaos.died)}", flush=True)
    return all(row.is_good for row in rows)


def main() -> int:
    """Run it once; 1 when something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("where", choices=WHERE, nargs="?", default="local")
    parser.add_argument("--launches", type=int, default=1000)
    parser.add_argument("--hits", type=int, default=6, help="how often each fault")
    parser.add_argument(
        "--places", type=int, default=len(POINTS), help="at how many places a worker dies"
    )
    parser.add_argument(
        "--most-s", type=float, default=math.inf, help="after so long no other fault is begun"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = Path(tempfile.mkdtemp(prefix="poms-chaos-"))
    folder.chmod(0o711)
    try:
        with exit_on_signals():
            good = asyncio.run(run_chaos(given, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
