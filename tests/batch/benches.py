"""Batch systems under test, each behind the same few handles."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from batch import Batch, BatchSystem, JobEvent, Launch
from batch.directory import Order, Unit, prepare
from batch.local import Local
from domain.jobs import JobState, Resources

ROOT = Path(__file__).resolve().parents[2]


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.02)


class Feed:
    """A reader that commits every place, and keeps all that it was told."""

    def __init__(self, system: BatchSystem) -> None:
        self._system = system
        self.events: list[JobEvent] = []
        self.places: list[str] = []

    async def read(self, bound: int = 1000) -> None:
        while True:
            batch: Batch = await self._system.read(self.places[-1] if self.places else None, bound)
            self.events += batch.events
            self.places.append(batch.read_to)
            if not batch.behind:
                return

    def states(self, native_id: str) -> dict[int, JobState]:
        return {e.number: e.state for e in self.events if e.native_id == native_id}

    def told(self, number: int) -> list[tuple[str, int]]:
        return [(e.state.value, e.attempt) for e in self.events if e.number == number]

    async def until(self, native_id: str, state: JobState, numbers: Sequence[int]) -> None:
        async def there() -> bool:
            await self.read()
            return all(self.states(native_id).get(number) == state for number in numbers)

        try:
            await until(there)
        except AssertionError:
            raise AssertionError(f"{Counter(self.states(native_id).values())}") from None

    async def until_over(self, native_id: str, numbers: Sequence[int]) -> dict[int, JobState]:
        async def over() -> bool:
            await self.read()
            states = self.states(native_id)
            return all(number in states and states[number].is_over for number in numbers)

        await until(over)
        return self.states(native_id)


class LocalBench:
    """The local batch system with a runner of its own."""

    def __init__(self, spool: Path) -> None:
        self.spool, self.store = spool, spool / "store"
        self.system: BatchSystem = Local(spool)
        self.runner: subprocess.Popen[bytes] | None = None

    def start(self, slots: int = 2) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "batch.local", str(self.spool), "--die-with-parent"]
        self.runner = subprocess.Popen([*command, "--slots", str(slots)], cwd=ROOT)
        return self.runner

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.runner is not None
        self.runner.send_signal(number)
        self.runner.wait()
        self.runner = None

    def launch(
        self,
        mark: str,
        script: str,
        jobs: int = 1,
        *,
        priority: int = 0,
        memory_mb: int = 2000,
        walltime_s: int = 3600,
    ) -> Launch:
        order = Order(
            mark=mark,
            command=["/bin/sh", "-c", script],
            store=str(self.store),
            units=[Unit(number) for number in range(1, jobs + 1)],
            patterns=["*.out"],
        )
        directory = prepare(self.spool, order)
        numbers = list(range(1, jobs + 1))
        limits = Resources(memory_mb=memory_mb, walltime_s=walltime_s)
        return Launch(mark, directory, numbers, limits, "test/one", priority)

    def starts(self, launch: Launch, number: int) -> int:
        path = launch.directory / f"starts/{number}.jsonl"
        return len(path.read_text().splitlines()) if path.exists() else 0

    async def has_started(self, launch: Launch, number: int) -> bool:
        return self.starts(launch, number) > 0

    def left_over(self) -> list[str]:
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if f"BATCH_LOCAL_SCRATCH={self.spool}".encode() in environ.read_bytes():
                    found.append(environ.parent.name)
        return found

    def end(self) -> None:
        if self.runner is not None and self.runner.poll() is None:
            self.kill(signal.SIGTERM)
        for pid in self.left_over():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
