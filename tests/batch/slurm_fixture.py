"""Slurm under test, behind the handles that every batch system has."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from batch import BatchSystem, Launch
from batch.slurm import Slurm
from batch.slurm.order import locate_task_log, parse_slurm_id
from domain.submissions.jobs import JobActionVerb
from tests.batch.batch_fixtures import BatchFixture, list_processes_with, stop_process
from tests.batch.slurm_pool import SlurmPool
from tests.conftest import wait_until
from up import home


class SlurmFixture(BatchFixture):
    """A spool of its own in a real cluster, which all of a session's tests share."""

    least_walltime_s = 60

    def __init__(self, spool: Path, pool: SlurmPool) -> None:
        super().__init__()
        self.spool, self.pool, self._cpus = spool, pool, 1
        self.system = self.slurm = Slurm(pool.access(), spool)

    @classmethod
    @contextlib.contextmanager
    def within(cls, pool: SlurmPool, spool: Path) -> Iterator["SlurmFixture"]:
        """One with a new spool, which is its jobs' user's; what it launched ends with it."""
        spool.mkdir()
        home.give_ownership(spool, pool.run_as)
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
        locate_task_log(launch.directory, 0, 0).parent.mkdir(exist_ok=True)
        for path in (self.store, launch.directory, *launch.directory.rglob("*")):
            home.give_ownership(path, self.pool.run_as)
        return launch

    def again(self, call_s: float = 20) -> BatchSystem:
        return Slurm(replace(self.pool.access(), call_s=call_s), self.spool)

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        with stop_process(self.pool.daemons["slurmctld"].pid):
            yield

    def restart(self) -> None:
        self.pool.restart()

    def lose_queue(self) -> None:
        self.pool.lose_queue()
        wait_until(
            lambda: not self.left_over(), within=60, what="the end of what Slurm does not know"
        )
        wait_until(self._has_node, within=60, what="a node that takes jobs")

    def _has_node(self) -> bool:
        self.pool.give_node_back()
        return self.pool.is_up()

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        yield  # we write it ourselves, when we read

    def journal(self, launch: Launch, native_id: str) -> Path:
        return self.spool / self.slurm.name / native_id / "told"

    async def behind_our_back(self, verb: JobActionVerb, native_id: str) -> None:
        id = parse_slurm_id(native_id)
        assert id is not None
        jobs = ",".join(map(str, id.arrays))
        words = {
            JobActionVerb.REMOVE: ("scancel", *jobs.split(",")),
            JobActionVerb.HOLD: ("scontrol", "hold", jobs),
            JobActionVerb.RELEASE: ("scontrol", "release", jobs),
        }
        done = await asyncio.to_thread(self.pool.run, *words[verb])
        assert done.returncode == 0, done.stderr
        if verb is JobActionVerb.HOLD:
            # Of what runs already a hold says only that it does not start again.
            await asyncio.to_thread(self.pool.run, "scontrol", "requeuehold", jobs)

    def left_over(self) -> list[str]:
        return list_processes_with(f"SLURM_SUBMIT_DIR={self.spool}")

    def end(self) -> None:
        self.pool.empty()
        wait_until(lambda: not self.left_over(), what="the end of all jobs")
