"""Batch systems under test, each behind the same few handles."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from batch import BatchSystem, ClusterRef, EventBatch, JobEvent, Launch
from batch.directory import InputFile, LaunchOrder, LaunchUnit, prepare_directory
from batch.htcondor import HTCondor, HTCondorAccess
from batch.htcondor.order import locate_event_log, put_script
from batch.local import LocalBatchSystem
from batch.local.processes import read_environment
from domain.setup.batch_options import BatchOptions
from domain.setup.resources import Resources
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.pools import Pool
from tests.conftest import wait_until
from up import home

ROOT = Path(__file__).resolve().parents[2]


async def wait_for_condition(
    condition: Callable[[], Awaitable[bool]], within_s: float = 120.0
) -> None:
    end = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.02)


def list_processes_with(what: str) -> list[str]:
    """The processes that have this in their environment."""
    pids = [*filter(str.isdigit, os.listdir("/proc"))]
    return [pid for pid in pids if what.encode() in read_environment(int(pid))]


@contextlib.contextmanager
def stop_process(pid: int) -> Iterator[None]:
    """A program that lives and does not answer."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class CommittingFeed:
    """A reader that commits every place, and keeps all that it was told."""

    def __init__(self, system: BatchSystem) -> None:
        self.system = system
        self.mark: str | None = None
        """Of the only launch that is wanted, where ids begin again."""
        self.events: list[JobEvent] = []
        self.places: list[str] = []

    async def read(self, bound: int = 1000) -> None:
        while True:
            batch: EventBatch = await self.system.read(
                self.places[-1] if self.places else None, bound
            )
            self.events += batch.events
            self.places.append(batch.read_to)
            if not batch.behind:
                return

    def states(self, native_id: str) -> dict[int, JobState]:
        events = [e for e in self.events if e.native_id == native_id]
        return {e.number: e.state for e in events if not self.mark or e.mark in (None, self.mark)}

    def list_states(self, number: int) -> list[tuple[str, int]]:
        return [(e.state.value, e.attempt) for e in self.events if e.number == number]

    async def until(self, native_id: str, state: JobState, numbers: Sequence[int]) -> None:
        async def there() -> bool:
            await self.read()
            return all(self.states(native_id).get(number) == state for number in numbers)

        await self._until(there, native_id)

    async def until_over(
        self, native_id: str, numbers: Sequence[int], within_s: float = 120.0
    ) -> dict[int, JobState]:
        async def over() -> bool:
            await self.read()
            states = self.states(native_id)
            return all(number in states and states[number].is_over for number in numbers)

        await self._until(over, native_id, within_s)
        return self.states(native_id)

    async def _until(
        self, condition: Callable[[], Awaitable[bool]], native_id: str, within_s: float = 120.0
    ) -> None:
        try:
            await wait_for_condition(condition, within_s)
        except AssertionError:
            told = [event for event in self.events if event.native_id == native_id][-6:]
            raise AssertionError(f"{Counter(self.states(native_id).values())}, of {told}") from None


class BatchFixture(ABC):
    """A batch system in a folder of its own, and what the tests do to it."""

    spool: Path
    system: BatchSystem
    least_walltime_s = 1
    many, very_many = 48, 10_000
    """So many jobs as are run; and so many that anything done for each of them alone would be noticed."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}

    async def submit(self, launch: Launch) -> str:
        native_id = await self.system.submit(launch)
        self.marks[native_id] = launch.mark
        return native_id

    def ref(self, native_id: str) -> ClusterRef:
        return ClusterRef(native_id, self.marks.get(native_id, "never-launched"))

    async def open(self, native_id: str) -> None:
        await self.system.open(self.ref(native_id))

    async def act(
        self, verb: JobActionVerb, native_id: str, reason: str, numbers: Sequence[int] | None = None
    ) -> None:
        await self.system.act(verb, self.ref(native_id), reason, numbers)

    @property
    def store(self) -> Path:
        return self.spool / "store"

    def store_of(self, mark: str, experiment: int = 1) -> Path:
        """Where a launch puts what it makes: below its experiment's folder."""
        return self.store if experiment == 1 else self.store / f"e{experiment}"

    @property
    def shared(self) -> Path:
        """What all jobs may read."""
        return self.spool

    @property
    def aside(self) -> Path:
        """Where launches that are over are laid."""
        return self.spool / self.system.name / ".over"

    @abstractmethod
    def start(self, slots: int = 2) -> object:
        """Let jobs run, so many at once."""

    @abstractmethod
    def again(self, call_s: float = 20) -> BatchSystem:
        """Another watcher of the same system, who knows only what is written down."""

    @abstractmethod
    def cut(self) -> AbstractContextManager[None]:
        """As long as this lasts the system does not answer."""

    @abstractmethod
    def restart(self) -> None:
        """End the system's own program, and have it running again."""

    @abstractmethod
    def lose_queue(self) -> None:
        """All that the system knew of jobs is gone, as with a disk that was replaced; it works, and numbers anew."""

    @abstractmethod
    def journal(self, launch: Launch, native_id: str) -> Path:
        """The file that tells what became of the jobs."""

    @abstractmethod
    def at_rest(self) -> AbstractContextManager[None]:
        """As long as this lasts nobody writes that file; jobs go on."""

    @abstractmethod
    async def behind_our_back(self, verb: JobActionVerb, native_id: str) -> None:
        """What somebody does who does not ask us."""

    @abstractmethod
    def left_over(self) -> list[str]:
        """The processes of jobs that are alive."""

    @abstractmethod
    def end(self) -> None:
        """Leave nothing behind."""

    def launch(
        self,
        mark: str,
        script: str,
        jobs: int = 1,
        *,
        priority: int = 0,
        memory_mb: int = 2000,
        walltime_s: int = 3600,
        options: BatchOptions | None = None,
        files: Sequence[InputFile] = (),
        experiment: int = 1,
    ) -> Launch:
        order = LaunchOrder(
            mark=mark,
            command=["/bin/sh", "-c", script],
            store=str(self.store_of(mark, experiment)),
            units=[LaunchUnit(number, files) for number in range(1, jobs + 1)],
            patterns=["*.out"],
        )
        directory = prepare_directory(self.spool, order)
        numbers = list(range(1, jobs + 1))
        limits = Resources(memory_mb=memory_mb, walltime_s=walltime_s)
        asked = options or BatchOptions()
        return Launch(mark, directory, numbers, limits, "test/one", priority, options=asked)

    def starts(self, launch: Launch, number: int) -> int:
        path = launch.directory / f"starts/{number}.jsonl"
        return len(path.read_text().splitlines()) if path.exists() else 0

    async def has_started(self, launch: Launch, number: int) -> bool:
        return self.starts(launch, number) > 0


class LocalFixture(BatchFixture):
    """The local batch system with a runner of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.spool = folder, folder / "spool"
        for path in (self.spool, self.shared):
            path.mkdir()
        self.system: BatchSystem = LocalBatchSystem(self.spool)
        self.runner: subprocess.Popen[bytes] | None = None

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    @property
    def store(self) -> Path:
        return self.store_of("m1")

    def store_of(self, mark: str, experiment: int = 1) -> Path:
        """No launch writes into another's folder."""
        return self.folder / f"store/e{experiment}/c1/s1" / mark

    def launch(
        self, mark: str, script: str, jobs: int = 1, *, experiment: int = 1, **asked: Any
    ) -> Launch:
        launch = super().launch(mark, script, jobs, experiment=experiment, **asked)
        store = self.store_of(mark, experiment)
        return replace(
            launch,
            experiment=f"test{experiment}",
            experiment_id=experiment,
            folders=[store.parents[2]],
            store=str(store),
        )

    def start(self, slots: int = 2) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "batch.local", str(self.spool), "--die-with-parent"]
        command += ["--slots", str(slots), "--reads", f"{self.shared}:{ROOT}/tests/workers"]
        self.runner = subprocess.Popen(command, cwd=ROOT)
        return self.runner

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.runner is not None
        self.runner.send_signal(number)
        self.runner.wait()
        self.runner = None

    def again(self, call_s: float = 20) -> BatchSystem:
        return LocalBatchSystem(self.spool)

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Its folder is out of reach, as when a file server is."""
        (self.spool / "local").rename(self.spool / "away")
        yield
        (self.spool / "away").rename(self.spool / "local")

    def restart(self) -> None:
        self.kill()
        self.start()

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        self.kill()
        yield
        self.start()

    def lose_queue(self) -> None:
        with self.at_rest():
            shutil.rmtree(self.spool / "local", ignore_errors=True)
            (self.spool / "local/clusters").mkdir(parents=True)

    def journal(self, launch: Launch, native_id: str) -> Path:
        return max((self.spool / "local/journal").iterdir())

    async def behind_our_back(self, verb: JobActionVerb, native_id: str) -> None:
        await LocalBatchSystem(self.spool).act(verb, self.ref(native_id), "somebody else")

    def left_over(self) -> list[str]:
        return list_processes_with(f"BATCH_LOCAL_SCRATCH={self.spool}")

    def end(self) -> None:
        if self.runner is not None and self.runner.poll() is None:
            self.kill(signal.SIGTERM)
        for pid in self.left_over():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


class HTCondorFixture(BatchFixture):
    """A spool of its own in a real pool, which all of a session's tests share."""

    def __init__(self, spool: Path, pool: Pool, access: HTCondorAccess) -> None:
        super().__init__()
        self.spool, self.access, self._pool, self._cpus = spool, access, pool, 1
        self.system = self.condor = HTCondor(access, spool)
        self._made = [self.condor]

    def start(self, slots: int = 2) -> Pool:
        """The pool runs already: each job takes so many of its cores that so many jobs fit."""
        self._cpus = self._pool.slots // slots
        return self._pool

    def launch(self, mark: str, script: str, jobs: int = 1, **asked: Any) -> Launch:
        # One pool serves many tests, and remembers what it has had.
        launch = super().launch(f"{mark}.{self.spool.name}", script, jobs, **asked)
        launch = replace(launch, resources=replace(launch.resources, cpus=self._cpus, disk_mb=1))
        self.store.mkdir(exist_ok=True)
        put_script(launch.directory)
        # As a umask would have it that lets the jobs' user write, where that is not ours.
        for path in (self.store, launch.directory, *launch.directory.rglob("*")):
            home.give_ownership(path, self._pool.run_as)
        return launch

    def again(self, call_s: float = 20) -> BatchSystem:
        self.condor.close()
        self.condor = HTCondor(replace(self.access, call_s=call_s), self.spool)
        self._made.append(self.condor)
        return self.condor

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        with stop_process(self._pool.process("condor_schedd")):
            yield

    def restart(self) -> None:
        os.kill(self._pool.process("condor_schedd"), signal.SIGKILL)
        wait_until(
            lambda: self._pool.run("condor_q", "-totals").returncode == 0,
            within=60,
            what="a schedd",
        )

    def lose_queue(self) -> None:
        self._pool.lose_queue()
        self.condor.close()  # its sessions with the one that is gone would be refused once

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        yield

    def journal(self, launch: Launch, native_id: str) -> Path:
        return locate_event_log(launch.directory)

    async def behind_our_back(self, verb: JobActionVerb, native_id: str) -> None:
        program = {
            JobActionVerb.REMOVE: "condor_rm",
            JobActionVerb.HOLD: "condor_hold",
            JobActionVerb.RELEASE: "condor_release",
        }
        done = await asyncio.to_thread(self._pool.run, program[verb], native_id)
        assert done.returncode == 0, f"{done.stderr}\n{self._pool.show_state(native_id)}"

    def left_over(self) -> list[str]:
        return list_processes_with(f"_CONDOR_JOB_IWD={self.spool}")

    def end(self) -> None:
        self._pool.run("condor_rm", "-all")
        wait_until(lambda: not self._pool.queue(), what="an empty queue")
        wait_until(lambda: not self.left_over(), what="the end of all jobs")
        # A reader may have gone on with one that was closed, which opens it again.
        for made in {*self._made, self.condor}:
            made.close()


class QueryFixture(HTCondorFixture):
    """The same pool as if its schedd were far away: all is spooled, and watched by query."""

    if "POMS_TEST_LARGE" not in os.environ:
        # All that goes there and back takes its time.
        very_many = 1000

    def __init__(self, spool: Path, pool: Pool, access: HTCondorAccess) -> None:
        super().__init__(spool, pool, replace(access, spools=True, interval_s=0.5))
        self._starts = spool / "started"
        self._starts.mkdir()
        home.give_ownership(self._starts, pool.run_as)

    @property
    def aside(self) -> Path:
        return self.spool / self.system.name / ".queries/.over"

    def journal(self, launch: Launch, native_id: str) -> Path:
        return self.spool / self.system.name / ".queries" / native_id / "told"

    def launch(self, mark: str, script: str, jobs: int = 1, **asked: Any) -> Launch:
        # Which jobs have started is known where they run: the tests look there.
        noted = f'echo "$POMS_ATTEMPT" >> "{self._starts}/{mark}.$POMS_JOB"; {script}'
        return super().launch(mark, noted, jobs, **asked)

    def starts(self, launch: Launch, number: int) -> int:
        path = self._starts / f"{launch.mark.partition('.')[0]}.{number}"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def left_over(self) -> list[str]:
        return list_processes_with(f"_CONDOR_JOB_IWD={self._pool.folder}/spool")

    def end(self) -> None:
        self._pool.empty()
        super().end()
