"""Slurm under test, behind the handles that every batch system has."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from batch import BatchSystem, Launch
from batch.slurm import Slurm
from batch.slurm.order import log_of, native
from domain.jobs import Verb
from tests.batch.benches import Bench, carrying, stopped
from tests.batch.slurm_pool import SlurmPool
from tests.conftest import wait_until
from up import home


class SlurmBench(Bench):
    """A spool of its own in a real cluster, which all of a session's tests share."""

    least_walltime_s = 60

    def __init__(self, spool: Path, pool: SlurmPool) -> None:
        self.spool, self.pool, self._cpus = spool, pool, 1
        self.system = self.slurm = Slurm(pool.access(), spool)

    @classmethod
    @contextlib.contextmanager
    def within(cls, pool: SlurmPool, spool: Path) -> Iterator["SlurmBench"]:
        """One with a new spool, which is its jobs' user's; what it launched ends with it."""
        spool.mkdir()
        home.give(spool, pool.run_as)
        made = cls(spool, pool)
        yield made
        made.end()

    def start(self, slots: int = 2) -> SlurmPool:
        """The cluster runs already: each job takes so many of its cores that so many jobs fit."""
        self._cpus = self.pool.slots // slots
        return self.pool

    def launch(self, mark: str, script: str, jobs: int = 1, **asked: Any) -> Launch:
        # What this cluster remembers outlives a test, and with it the marks of others.
        launch = super().launch(f"{mark}.{self.spool.name}", script, jobs, **asked)
        launch = replace(launch, resources=replace(launch.resources, cpus=self._cpus))
        self.store.mkdir(exist_ok=True)
        log_of(launch.directory, 0, 0).parent.mkdir(exist_ok=True)
        for path in (self.store, launch.directory, *launch.directory.rglob("*")):
            home.give(path, self.pool.run_as)
        return launch

    def again(self, call_s: float = 20) -> BatchSystem:
        return Slurm(replace(self.pool.access(), call_s=call_s), self.spool)

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        with stopped(self.pool.daemons["slurmctld"].pid):
            yield

    def restart(self) -> None:
        self.pool.restart()

    async def behind_our_back(self, verb: Verb, native_id: str) -> None:
        id = native(native_id)
        assert id is not None
        jobs = ",".join(map(str, id.arrays))
        words = {
            Verb.REMOVE: ("scancel", *jobs.split(",")),
            Verb.HOLD: ("scontrol", "requeuehold", jobs),
            Verb.RELEASE: ("scontrol", "release", jobs),
        }
        done = await asyncio.to_thread(self.pool.run, *words[verb])
        assert done.returncode == 0, done.stderr

    def left_over(self) -> list[str]:
        return carrying(f"SLURM_SUBMIT_DIR={self.spool}")

    def end(self) -> None:
        self.pool.empty()
        wait_until(lambda: not self.left_over(), what="the end of all jobs")
