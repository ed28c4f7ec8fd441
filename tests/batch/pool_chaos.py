"""What may be done to a real HTCondor and a real Slurm while launches are made, and what their people do then."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from batch.directory import locate_launch_directory
from batch.htcondor import HTCondor, HTCondorAccess
from batch.htcondor.order import locate_event_log
from batch.slurm import Slurm
from tests.batch import engines
from tests.batch.pools import Pool
from tests.batch.shared_house import make_chaos
from tests.batch.slurm_pool import SlurmPool
from tests.conftest import wait_until
from tests.small_disks import SmallDisk
from tests.workers.accidents import list_live_attempts
from tests.workers.chaos import Chaos, make_stop_in_submit
from tests.workers.kill_point_scenarios import QUEUE_LOST
from tests.workers.services import Services


async def make_htcondor_chaos(
    services: Services,
    folder: Path,
    access: HTCondorAccess,
    pool: Pool,
    seed: int,
    within_s: float,
    disks: Mapping[str, SmallDisk],
) -> Chaos:
    """A house on the pool, and what may be done to the schedd."""
    given = engines.make_htcondor_engine(pool, access).settings
    system = HTCondor(access, folder / "spool")
    chaos = await make_chaos(system, services, folder, given, seed, within_s, disks)

    def schedd() -> int:
        return pool.process("condor_schedd")

    def answers() -> bool:
        return pool.run("condor_q", "-totals").returncode == 0

    async def kill_schedd() -> None:
        os.kill(schedd(), signal.SIGKILL)
        wait_until(answers, within=30)

    @contextmanager
    def off() -> Iterator[None]:
        pool.run("../sbin/condor_off", "-fast", "-daemon", "schedd")
        wait_until(lambda: not answers(), within=30)
        yield
        pool.run("../sbin/condor_on", "-daemon", "schedd")
        wait_until(answers, within=30)

    async def lose_queue() -> None:
        pool.lose_queue()
        system.close()  # its sessions with the one that is gone would be refused once

    async def journals() -> list[Path]:
        live = await list_live_attempts(chaos)
        return [
            locate_event_log(locate_launch_directory(chaos.house.spool, mark)) for mark, _ in live
        ]

    chaos.away, chaos.journals = off, journals
    chaos.own = {
        QUEUE_LOST: lose_queue,
        "the schedd stopped in a submit, workers killed": make_stop_in_submit(chaos, schedd),
        "the schedd killed": kill_schedd,
    }
    return chaos


def requeue_lost_ends(pool: SlurmPool) -> None:
    """Put back what only seems to run: no job takes a minute; its end was forgotten, and the node does not have it."""
    for line in pool.run("squeue", "-h", "-t", "R", "-o", "%A %M").stdout.splitlines():
        job, minutes = line.partition(":")[0].split()
        if minutes != "0":
            pool.run("scontrol", "requeue", job)


async def make_slurm_chaos(
    services: Services,
    folder: Path,
    pool: SlurmPool,
    seed: int,
    within_s: float,
    disks: Mapping[str, SmallDisk],
) -> Chaos:
    """A house on the cluster, and what may be done to its controller."""
    given = engines.make_slurm_engine(pool).settings
    system = Slurm(pool.access(), folder / "spool")
    chaos = await make_chaos(system, services, folder, given, seed, within_s, disks)

    def controller() -> int:
        return pool.daemons["slurmctld"].pid

    async def restart_controller() -> None:
        pool.restart()

    async def kill_controller() -> None:
        pool.crash()

    def operate() -> None:
        pool.give_node_back()
        requeue_lost_ends(pool)

    async def lose_queue() -> None:
        pool.lose_queue()

    async def journals() -> list[Path]:
        folder = chaos.house.spool / system.name
        return [folder / native_id / "told" for _, native_id in await list_live_attempts(chaos)]

    chaos.away, chaos.look = pool.hidden, pool.describe_state
    chaos.operate, chaos.journals = operate, journals
    chaos.own = {
        QUEUE_LOST: lose_queue,
        "the controller stopped in a submit, workers killed": make_stop_in_submit(
            chaos, controller
        ),
        "the controller restarted": restart_controller,
        "the controller killed": kill_controller,
    }
    return chaos
