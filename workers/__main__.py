"""`python -m workers`: every loop, and the arq worker, in one process; any number of such processes."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

from arq import Worker, func
from arq.connections import ArqRedis, RedisSettings
from redis.asyncio import ConnectionPool

import doorbell
import metrics
from batch import BatchSystem, slurm
from batch.htcondor import Access, HTCondor
from batch.local import Local
from batch.slurm import Slurm
from catalogs.embedded import Embedded
from db.pool import open_pool
from domain.gates import Rate
from settings import Settings
from workers import act, advance, credentials, launch, memory, points, relay, repair, schedule
from workers.beside import Beside
from workers.health import Look
from workers.loops import Bell, run, run_watch
from workers.reconcile import Reconcile
from workers.sweep import Sweep
from workers.tools import Tools, log
from workers.vault import Vault

FINISH_S = 12.0
"""How long a step in hand may take when the process is to stop; what is cut off, another worker goes on with."""
LAUNCH_S = 1800
"""A launch that takes longer than this is cut off; whoever finds it goes on. Spooled jobs take 10 ms each, and more."""
AGAIN_S = 5.0


async def arq_launch(ctx: dict[Any, Any], submission_id: int, attempt: int) -> None:
    """What Redis hands over; `attempt` only makes the job's id another one."""
    await launch.launch(ctx["tools"], submission_id)


async def serve_arq(tools: Tools, redis_url: str) -> None:
    """Take launches from Redis, and come back whenever Redis does: without it the sweep launches."""
    launches = func(
        arq_launch,
        name="launch",
        keep_result=0,
        timeout=LAUNCH_S,
        max_tries=1,
    )
    while True:
        worker = None
        try:
            worker = Worker(
                [launches],
                redis_settings=RedisSettings.from_dsn(redis_url),
                ctx={"tools": tools},
                handle_signals=False,
                poll_delay=0.5,
                health_check_interval=3600,
                log_results=False,
            )
            await worker.main()
        except Exception as e:
            log.warning("Redis can't be used (%s): the sweep launches meanwhile", e)
        except asyncio.CancelledError:
            if worker is not None and worker.tasks:
                await asyncio.wait(worker.tasks.values())
            raise
        await asyncio.sleep(AGAIN_S)


def loops(
    tools: Tools, settings: Settings, rung: list[Bell], unrung: list[Bell]
) -> list[Coroutine[Any, Any, None]]:
    """Everything that goes on at the same time; `rung` are the bells of those that a change may concern."""

    def bell(of: list[Bell]) -> Bell:
        of.append(Bell())
        return of[-1]

    def loop(name: str, step: Any, idle_s: float) -> Coroutine[Any, Any, None]:
        return run(name, step, tools, idle_s, bell(rung))

    def clock(name: str, step: Any) -> Coroutine[Any, Any, None]:
        return run(name, step, tools, 1.0, bell(unrung))

    def of_each(system: BatchSystem) -> Iterator[Coroutine[Any, Any, None]]:
        yield run_watch(system, tools, 0.1, bell(unrung))
        yield clock(f"health:{system.name}", Look(system).step)
        yield clock(f"reconcile:{system.name}", Reconcile(system, settings.reconcile_s).step)

    return [
        *(task for system in tools.systems.values() for task in of_each(system)),
        loop("relay", relay.step, 0.25),
        loop("advance", advance.step, 1.0),
        loop("act", act.step, 1.0),
        loop("repair", repair.step, 1.0),
        loop("sweep", Sweep().step, 1.0),
        loop("schedule", schedule.step, 5.0),
        clock("credentials", credentials.look),
        clock("renewals", credentials.renew),
    ]


def batch_systems(settings: Settings, stack: AsyncExitStack) -> Iterator[BatchSystem]:
    """Where jobs run in this deployment; what they hold open ends with the stack."""
    yield Local(settings.spool)
    for one in settings.htcondor:
        access = Access(
            one.collector,
            schedd=one.schedd,
            tokens=one.tokens,
            authorities=one.authorities,
            file_system=one.file_system,
            carries=one.carries,
            spools=one.feed == "query",
            interval_s=one.interval_s,
        )
        condor = HTCondor(access, settings.spool, one.name)
        stack.callback(condor.close)
        yield condor
    if settings.slurm:
        yield Slurm(_slurm(settings), settings.spool)


def _slurm(settings: Settings) -> slurm.Access:
    return slurm.Access(
        programs=settings.slurm_programs,
        configuration=settings.slurm_configuration,
        partition=settings.slurm_partition,
        account=settings.slurm_account,
        qos=settings.slurm_qos,
        interval_s=settings.slurm_interval_s,
    )


def measured(listen: str) -> None:
    """Answer Prometheus; a port that is taken is no reason to do nothing else."""
    try:
        metrics.serve(listen)
    except OSError as error:
        log.error("POMS_METRICS_LISTEN=%s can't be had, nobody can scrape us: %s", listen, error)


async def main() -> None:
    """Run until SIGTERM or SIGINT; what is cut off is found and gone on with by whoever comes next."""
    settings = Settings.from_env()
    points.arm(settings.kill_at)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if settings.metrics_listen:
        measured(settings.metrics_listen)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        db = await open_pool(settings.database_url, most=12)
        stack.push_async_callback(db.close)
        redis = ArqRedis(ConnectionPool.from_url(settings.redis_url))
        stack.push_async_callback(redis.aclose, close_connection_pool=True)
        tools = Tools(
            db=db,
            systems={system.name: system for system in batch_systems(settings, stack)},
            catalog=Embedded(settings.store),
            spool=settings.spool,
            store=settings.store,
            lease_s=settings.lease_s,
            launch_lease_s=settings.launch_lease_s,
            beside=Beside(settings.scripts_at_once),
            script_limit_s=settings.script_limit_s,
            ssh=("-F", str(ssh)) if (ssh := settings.ssh_configuration) else (),
            holder=f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}",
            ring=lambda: doorbell.ring(redis),
            enqueue=lambda *what: doorbell.enqueue(redis, *what),
            rate=Rate(settings.launches_per_minute, max(1, settings.launches_at_once)),
            vault=Vault(
                settings.credentials,
                timedelta(seconds=settings.credential_margin_s),
                settings.renewal_s,
            ),
        )
        await memory.notice(tools)
        await work(tools, settings, redis, stop)


async def work(tools: Tools, settings: Settings, redis: ArqRedis, stop: asyncio.Event) -> None:
    """Run every loop until told to stop; then each has a while for the step that it has in hand."""
    rung: list[Bell] = []
    unrung: list[Bell] = []
    steps = [asyncio.create_task(c) for c in loops(tools, settings, rung, unrung)]

    def ring() -> None:
        for bell in rung:
            bell.set()

    arq = asyncio.create_task(serve_arq(tools, settings.redis_url))
    ear = asyncio.create_task(doorbell.hear(redis, ring))
    await stop.wait()
    log.info("stopping: the steps in hand are finished")
    for task in (arq, ear):
        task.cancel()
    for bell in (*rung, *unrung):
        bell.end()
    scripts = asyncio.create_task(tools.beside.end(FINISH_S))
    _, late = await asyncio.wait([*steps, arq, ear, scripts], timeout=FINISH_S + 1)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
