"""Loops that never end: each does its step while there is work, sleeps while there is none, survives faults."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import monotonic

import log_lines
import metrics
from batch import BatchSystem, BatchUnavailable
from db import leases, loop_progress
from db.batch import feeds, restores
from db.batch.feeds import WatcherFenced
from workers import watch
from workers.leases import keep_lease
from workers.tools import WorkerTools, log

FAULT_S = (0.5, 15.0)
NOTE_EVERY_S = 10.0
"""How often a good step is written down."""

Step = Callable[[WorkerTools], Awaitable[bool]]


class LoopBell(asyncio.Event):
    """Wakes a loop; and at its end tells it to take no further step."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = False

    def end(self) -> None:
        """Let the loop end after the step in hand."""
        self.is_over = True
        self.set()

    async def rest(self, seconds: float) -> None:
        """Sleep until it is rung or the time is over."""
        # Not wait_for: it may swallow the cancellation that ends us.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()
        self.clear()


class LoopProgress:
    """Notes for everybody, now and then, that a loop's steps end well."""

    def __init__(self, loop: str) -> None:
        self._loop, self._noted_at = loop, float("-inf")

    async def note(self, tools: WorkerTools) -> None:
        """A step has just ended well."""
        if monotonic() - self._noted_at >= NOTE_EVERY_S:
            await loop_progress.record(tools.db, self._loop, tools.holder)
            self._noted_at = monotonic()
            metrics.LOOP_GOOD_STEP.labels(self._loop).set_to_current_time()


async def run_loop(
    name: str, step: Step, tools: WorkerTools, idle_s: float, bell: LoopBell
) -> None:
    """Step until the bell's end: at once again while there is work, else when it is rung or after `idle_s`."""
    log_lines.add_subjects(loop=name)
    faults, progress = 0, LoopProgress(name)
    while not bell.is_over:
        try:
            busy = await step(tools)
            faults = 0
            await progress.note(tools)
        except Exception:
            faults += 1
            metrics.LOOP_FAULTS.labels(name).inc()
            log.exception("%s failed, for the %s. time in a row", name, faults)
            await asyncio.sleep(draw_backoff(faults))
            continue
        if not busy and not bell.is_over:
            await bell.rest(idle_s)


def guard_step(step: Step) -> Step:
    """The same, but nothing at all while it is in doubt whose clusters these are."""

    async def unless_in_doubt(tools: WorkerTools) -> bool:
        return not tools.guard.doubt and await step(tools)

    return unless_in_doubt


def draw_backoff(faults: int) -> float:
    """How long to wait after so many faults in a row, with jitter."""
    least, most = FAULT_S
    return min(most, least * 2.0 ** min(faults, 10)) * random.uniform(0.5, 1)  # noqa: S311


async def run_watch(system: BatchSystem, tools: WorkerTools, idle_s: float, bell: LoopBell) -> None:
    """Watch one batch system whenever the lease is ours; reading goes on where the last watcher stopped."""
    name, faults = f"watch:{system.name}", 0
    log_lines.add_subjects(loop=name)
    while not bell.is_over:
        epoch = None
        try:
            if not tools.guard.doubt and not await restores.has_doubtful_launches(
                tools.db, system.name
            ):
                epoch = await leases.claim(tools.db, name, tools.holder, tools.lease_s)
            if epoch is not None:
                # A reading that takes longer than the lease must not let another begin the same.
                renew = partial(_renew_leadership, tools, name)
                async with keep_lease(name, epoch, renew, tools.lease_s / 3):
                    await _watch_as_leader(system, tools, (name, epoch), idle_s, bell)
            faults = 0
        except (BatchUnavailable, WatcherFenced) as e:
            faults += 1
            log.warning("%s: %s", name, e)
        except Exception:
            faults += 1
            metrics.LOOP_FAULTS.labels(name).inc()
            log.exception("%s failed", name)
        finally:
            if epoch is not None:
                with suppress(Exception):
                    await leases.release(tools.db, name, epoch)
        # Not all at once, and a system that is away is not asked again and again.
        pause = tools.lease_s * random.uniform(0.1, 0.2)  # noqa: S311
        await bell.rest(min(pause * 2**faults, 2 * tools.lease_s))


async def _renew_leadership(tools: WorkerTools, name: str, epoch: int) -> int | None:
    return epoch if await leases.renew_lease(tools.db, name, epoch, tools.lease_s) else None


async def _watch_as_leader(
    system: BatchSystem, tools: WorkerTools, lease: tuple[str, int], idle_s: float, bell: LoopBell
) -> None:
    clock, (name, epoch), progress = asyncio.get_running_loop().time, lease, LoopProgress(lease[0])
    renew_at = 0.0
    behind, read_to = True, await feeds.begin_watch(tools.db, system.name, epoch)
    while not bell.is_over and not tools.guard.doubt:
        if clock() >= renew_at:
            if not await leases.renew_lease(tools.db, name, epoch, tools.lease_s):
                return
            if not behind:
                await feeds.record_reading(tools.db, system.name, epoch)
            renew_at = clock() + tools.lease_s / 3
        read_to, behind = await watch.watch_once(tools, system, epoch, read_to)
        await progress.note(tools)
        if not behind:
            await asyncio.sleep(idle_s)
