"""Loops that never end: each does its step while there is work, sleeps while there is none, survives faults."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import metrics
from batch import BatchSystem, BatchUnavailable
from db import leases, watches
from db.watches import Fenced
from workers import watch
from workers.tools import Tools, log

FAULT_S = (0.5, 15.0)

Step = Callable[[Tools], Awaitable[bool]]


async def run(name: str, step: Step, tools: Tools, idle_s: float, bell: asyncio.Event) -> None:
    """Step until cancelled: at once again while there is work, else at the bell or after `idle_s`."""
    faults = 0
    while True:
        try:
            busy = await step(tools)
            faults = 0
        except Exception:
            faults += 1
            metrics.LOOP_FAULTS.labels(name).inc()
            log.exception("%s failed, for the %s. time in a row", name, faults)
            await asyncio.sleep(_backoff(faults))
            continue
        if not busy:
            await _wait(bell, idle_s)


def _backoff(faults: int) -> float:
    least, most = FAULT_S
    return min(most, least * 2.0 ** min(faults, 10)) * random.uniform(0.5, 1)  # noqa: S311


async def _wait(bell: asyncio.Event, seconds: float) -> None:
    # Not wait_for: it may swallow the cancellation that ends us.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
    bell.clear()


async def run_watch(system: BatchSystem, tools: Tools, idle_s: float) -> None:
    """Watch one batch system whenever the lease is ours; reading goes on where the last watcher stopped."""
    name, faults = f"watch:{system.name}", 0
    while True:
        epoch = None
        try:
            epoch = await leases.take(tools.db, name, tools.holder, tools.lease_s)
            if epoch is not None:
                await _lead(system, tools, name, epoch, idle_s)
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
        await asyncio.sleep(min(pause * 2**faults, 2 * tools.lease_s))


async def _lead(system: BatchSystem, tools: Tools, name: str, epoch: int, idle_s: float) -> None:
    clock = asyncio.get_running_loop().time
    renew_at = 0.0
    behind, read_to = True, await watches.lead(tools.db, system.name, epoch)
    while True:
        if clock() >= renew_at:
            if not await leases.renew(tools.db, name, epoch, tools.lease_s):
                return
            if not behind:
                await watches.read(tools.db, system.name, epoch)
            renew_at = clock() + tools.lease_s / 3
        read_to, behind = await watch.step(tools, system, epoch, read_to)
        if not behind:
            await asyncio.sleep(idle_s)
