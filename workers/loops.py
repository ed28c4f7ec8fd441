"""Loops that never end: each does its step while there is work, sleeps while there is none, survives faults."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import metrics
from batch import BatchSystem, BatchUnavailable
from db import leases, restores, watches
from db.watches import Fenced
from workers import watch
from workers.tools import Tools, log

FAULT_S = (0.5, 15.0)

Step = Callable[[Tools], Awaitable[bool]]


class Bell(asyncio.Event):
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


async def run(name: str, step: Step, tools: Tools, idle_s: float, bell: Bell) -> None:
    """Step until the bell's end: at once again while there is work, else when it is rung or after `idle_s`."""
    faults = 0
    while not bell.is_over:
        try:
            busy = await step(tools)
            faults = 0
        except Exception:
            faults += 1
            metrics.LOOP_FAULTS.labels(name).inc()
            log.exception("%s failed, for the %s. time in a row", name, faults)
            await asyncio.sleep(_backoff(faults))
            continue
        if not busy and not bell.is_over:
            await bell.rest(idle_s)


def _backoff(faults: int) -> float:
    least, most = FAULT_S
    return min(most, least * 2.0 ** min(faults, 10)) * random.uniform(0.5, 1)  # noqa: S311


async def run_watch(system: BatchSystem, tools: Tools, idle_s: float, bell: Bell) -> None:
    """Watch one batch system whenever the lease is ours; reading goes on where the last watcher stopped."""
    name, faults = f"watch:{system.name}", 0
    while not bell.is_over:
        epoch = None
        try:
            if not await restores.in_doubt(tools.db, system.name):
                epoch = await leases.take(tools.db, name, tools.holder, tools.lease_s)
            if epoch is not None:
                await _lead(system, tools, (name, epoch), idle_s, bell)
            faults = 0
        except (BatchUnavailable, Fenced) as e:
            faults += 1
            log.warning("%s: %s", name, e)
        except Exception:
            faults += 1
            metrics.LOOP_FAULTS.labels(name).inc()
            log.exception("%s failed", name)
        finally:
            if epoch is not None:
                with suppress(Exception):
                    await leases.drop(tools.db, name, epoch)
        # Not all at once, and a system that is away is not asked again and again.
        pause = tools.lease_s * random.uniform(0.1, 0.2)  # noqa: S311
        await bell.rest(min(pause * 2**faults, 2 * tools.lease_s))


async def _lead(
    system: BatchSystem, tools: Tools, lease: tuple[str, int], idle_s: float, bell: Bell
) -> None:
    clock, (name, epoch) = asyncio.get_running_loop().time, lease
    renew_at = 0.0
    behind, read_to = True, await watches.lead(tools.db, system.name, epoch)
    while not bell.is_over:
        if clock() >= renew_at:
            if not await leases.renew(tools.db, name, epoch, tools.lease_s):
                return
            if not behind:
                await watches.read(tools.db, system.name, epoch)
            renew_at = clock() + tools.lease_s / 3
        read_to, behind = await watch.step(tools, system, epoch, read_to)
        if not behind:
            await asyncio.sleep(idle_s)
