"""What may be done to a real HTCondor and a real Slurm while launches are made, and what their people do then."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batch.htcondor import Access, HTCondor
from batch.slurm import Slurm
from db import actions, discrepancies
from domain.discrepancies import DiscrepancyKind
from domain.jobs import Verb
from tests.batch import engines
from tests.batch.pools import Pool
from tests.batch.shared import chaos_on
from tests.batch.slurm_pool import SlurmPool
from tests.conftest import wait_until
from tests.workers.chaos import Chaos, Fault, stopped_in_a_submit
from tests.workers.services import Services

HELD = """
    SELECT id FROM submission s WHERE state = 'held'
       AND NOT EXISTS (SELECT FROM action a WHERE a.submission_id = s.id AND done_at IS NULL)
"""
TEND_EVERY_S = 2.0


async def on_htcondor(
    services: Services, folder: Path, access: Access, pool: Pool, seed: int, within_s: float
) -> Chaos:
    """A house on the pool, and what may be done to the schedd."""
    given = engines.on_htcondor(pool, access).settings
    system = HTCondor(access, folder / "spool")
    chaos = await chaos_on(system, services, folder, given, seed, within_s)

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

    chaos.away = off
    chaos.own = {
        "the schedd stopped in a submit, workers killed": stopped_in_a_submit(chaos, schedd),
        "the schedd killed": kill_schedd,
    }
    return chaos


def _tended(chaos: Chaos, pool: SlurmPool) -> Fault:
    """After a controller was killed: give the node back, put back what only seems to run, release, close."""
    tended_at = 0.0

    async def tend() -> None:
        nonlocal tended_at
        if time.monotonic() - tended_at < TEND_EVERY_S:
            return
        tended_at = time.monotonic()
        db, person = chaos.house.db, chaos.plant.person_id
        if "drain" in (state := pool.run("sinfo", "-h", "-o", "%T").stdout) or "down" in state:
            pool.run("scontrol", "update", "NodeName=localhost", "State=RESUME")
        for line in pool.run("squeue", "-h", "-t", "R", "-o", "%A %M").stdout.splitlines():
            job, minutes = line.partition(":")[0].split()
            if minutes != "0":
                # None takes so long: its end was forgotten, and the node does not have it.
                pool.run("scontrol", "requeue", job)
        for row in await db.fetch(HELD):
            await actions.ask(db, row["id"], Verb.RELEASE, "held again", person)
        wanted = discrepancies.Wanted(kinds=[DiscrepancyKind.VANISHED], is_open=True)
        for found in await discrepancies.some(db, wanted, 0, 1000, newest=False):
            await discrepancies.ask(db, found.id, person)

    return tend


async def on_slurm(
    services: Services, folder: Path, pool: SlurmPool, seed: int, within_s: float
) -> Chaos:
    """A house on the cluster, and what may be done to its controller."""
    given = engines.on_slurm(pool).settings
    system = Slurm(pool.access(), folder / "spool")
    chaos = await chaos_on(system, services, folder, given, seed, within_s)

    def controller() -> int:
        return pool.daemons["slurmctld"].pid

    async def restart_controller() -> None:
        pool.restart()

    async def kill_controller() -> None:
        pool.crash()

    chaos.away, chaos.look = pool.hidden, pool.shown
    chaos.tend = _tended(chaos, pool)
    chaos.own = {
        "the controller stopped in a submit, workers killed": stopped_in_a_submit(
            chaos, controller
        ),
        "the controller restarted": restart_controller,
        "the controller killed": kill_controller,
    }
    return chaos
