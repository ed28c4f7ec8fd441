"""A small house for tests: a database, a runner of local jobs, and workers that may be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from db.pool import Pool
from domain.database_roles import WORKER
from tests.roles import build_role_url
from tests.workers.warm_start import WarmProcess, start_worker
from up.children import spawn_process

ROOT = Path(__file__).parents[2]

JOB = """
import json, os, sys
index, inputs = os.environ.get("POMS_INDEX"), open(os.environ["POMS_INPUTS"]).read().split()
round_ = int(os.environ.get("POMS_RECOVERY_ROUND", "0"))
stage, bad = sys.argv[1], sys.argv[2:]
if inputs:
    parents = [os.path.basename(p) for p in inputs]
    name, text = stage + "_" + parents[0], "".join(open(p).read() for p in inputs)
else:
    parents, name, text = [], f"{stage}_{index}.txt", os.environ["POMS_SEED"] + "\\n"
here = [index, *(p.split("_")[-1].split(".")[0] for p in parents)]
if round_ == 0 and ("every" in bad or any(each in bad for each in here)):
    sys.exit(7)
open(name, "w").write(text)
with open(os.environ["POMS_OUTPUTS"], "w") as told:
    print(json.dumps({"path": name, "parents": parents, "events": text.count("\\n")}), file=told)
"""


Worker = subprocess.Popen[bytes] | WarmProcess


@dataclass
class House:
    """Where things are, and what was started."""

    db: Pool
    database_url: str
    redis_url: str
    tmp: Path
    settings: dict[str, str] = field(default_factory=dict)
    umask: int = 0o022
    """Of its processes: whether another user can reach what they make."""
    started: list[Worker] = field(default_factory=list)

    @property
    def spool(self) -> Path:
        return self.tmp / "spool"

    @property
    def programs(self) -> Path:
        """What all jobs may read."""
        made = self.tmp / "programs"
        made.mkdir(exist_ok=True)
        return made

    @property
    def store(self) -> Path:
        return self.tmp / "store"

    def stage_files(self, stage_id: int, pattern: str) -> list[Path]:
        """What its jobs have published in the store, by launch, job and attempt."""
        return sorted(self.store.glob(f"e*/c*/s{stage_id}/**/[!.]*/{pattern}"))

    def job(self, *words: str) -> list[str]:
        """The command of a stage, as a job type has it."""
        script = self.programs / "job.py"
        script.write_text(JOB)
        return [sys.executable, "-I", str(script), *words]

    def runner(self) -> subprocess.Popen[bytes]:
        return self._start(
            "batch.local", str(self.spool), "--slots", "2", "--reads", str(self.programs)
        )

    def worker(self, kill_at: str = "", **settings: str) -> Worker:
        env = self.build_environment(kill_at=kill_at, **settings)
        with (self.tmp / "workers.log").open("ab") as log:
            process = start_worker(env, log.fileno(), self.umask)
        self.started.append(process)
        return process

    def worker_on_wrong_clock(self, clock_s: float, **settings: str) -> Worker:
        """A worker whose clock is so many seconds ahead; below 0: behind."""
        return self._start("tests.workers.wrong_clock", str(clock_s), "workers", **settings)

    def build_environment(self, *, kill_at: str = "", **settings: str) -> dict[str, str]:
        """What a process of this house is told."""
        self.store.mkdir(exist_ok=True)
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "POMS_DATABASE_URL": build_role_url(WORKER, self.database_url),
            "POMS_REDIS_URL": self.redis_url,
            "POMS_SPOOL": str(self.spool),
            "POMS_STORE": str(self.store),
            "POMS_LEASE_S": "1",
            "POMS_LAUNCH_LEASE_S": "1",
            "POMS_KILL_AT": kill_at,
            "POMS_SCRIPTS_AS_WORKER": "1",
            **self.settings,
            **settings,
        }

    def _start(self, module: str, *words: str, **settings: str) -> subprocess.Popen[bytes]:
        before = os.umask(self.umask)
        try:
            with (self.tmp / f"{module}.log").open("ab") as log:
                process = spawn_process(
                    [sys.executable, "-m", module, *words],
                    cwd=ROOT,
                    env=self.build_environment(**settings),
                    out=log,
                    err=log,
                )
        finally:
            os.umask(before)
        self.started.append(process)
        return process

    def stop(self) -> None:
        """End what was started; local jobs end with their runner's SIGTERM."""
        for process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def read_logs(self) -> str:
        """The last of what the processes said, for a test that fails."""
        return "\n".join(f"{p.name}: {p.read_text()[-3000:]}" for p in self.tmp.glob("*.log"))


async def wait_until(
    condition: Callable[[], Coroutine[Any, Any, Any]], what: str, house: House, within: float = 120
) -> None:
    """Wait for a condition, and fail with what the processes said."""
    try:
        async with asyncio.timeout(within):
            while not await condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what} did not come in {within} s\n{house.read_logs()}") from None


async def is_stopped(process: Worker) -> bool:
    """Whether a process has stopped itself."""
    stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii")
    return stat.rpartition(")")[2].split()[0] == "T"
