"""`python -m workers`: every loop, and the arq worker, in one process; any number of such processes."""

import asyncio
import os
import signal
import socket
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

from arq import Worker, func
from arq.connections import ArqRedis

import doorbell
import metrics
from batch import BatchSystem, slurm
from batch.htcondor import HTCondor, HTCondorAccess
from batch.local import LocalBatchSystem
from batch.slurm import Slurm
from catalogs.embedded import EmbeddedCatalog
from catalogs.monitors import MonitorClients
from catalogs.opening import CatalogClients
from db.pool import open_pool
from domain.addresses import parse_hosts
from domain.batch.admission import LaunchRate
from domain.setup.batch_rules import BatchPolicy
from log_lines import configure_logs
from settings import Settings, read_log_settings
from workers import (
    act,
    advance,
    catalog_launches,
    clock,
    credentials,
    failpoints,
    file_checks,
    installation,
    listings,
    relay,
    repair,
    restore_guard,
    schedule,
    summaries,
)
from workers.approvals import look_at_doubted
from workers.background import BackgroundTasks
from workers.credential_store import CredentialStore
from workers.disks import DiskProbe
from workers.dispatch import TaskSource, run_pool
from workers.hanging import EVERY_S, HangingLanes
from workers.health import HealthCheck
from workers.launcher import WorkerLauncher
from workers.loops import LoopBell, Step, guard_step, run_loop, run_watch
from workers.reconcile import Reconciliation
from workers.retention import Retention
from workers.silence import SilenceLookup
from workers.sweep import PeriodicSweep, promote_launches
from workers.tools import WorkerTools, log

FINISH_S = 12.0
"""How long a step in hand may take when the process is to stop; what is cut off, another worker goes on with."""
TAKE_S = 30
"""How long it may take to begin a launch that Redis hands over; the launch itself goes on beside that."""
AGAIN_S = 5.0
RUNG = (advance, act, repair, file_checks, listings)
"""What hands work out that a change may bring."""
ASKING = (catalog_launches, summaries)
"""What hands out what is asked outside, for which a second is soon enough."""


async def launch_from_queue(ctx: dict[Any, Any], submission_id: int, attempt: int) -> None:
    """What Redis hands over; `attempt` only makes the job's id another one."""
    await ctx["launcher"].hand_over(ctx["tools"], submission_id)


async def serve_arq(tools: WorkerTools, launcher: WorkerLauncher, redis: ArqRedis) -> None:
    """Take launches from Redis, and come back whenever Redis does: without it the sweep launches."""
    launches = func(
        launch_from_queue,
        name="launch",
        keep_result=0,
        timeout=TAKE_S,
        max_tries=1,
    )
    while True:
        worker = None
        try:
            worker = Worker(
                [launches],
                redis_pool=redis,
                job_serializer=doorbell.encode_job,
                job_deserializer=doorbell.decode_job,
                keep_result=0,
                ctx={"tools": tools, "launcher": launcher},
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


def build_loops(
    tools: WorkerTools,
    settings: Settings,
    launcher: WorkerLauncher,
    rung: list[LoopBell],
    unrung: list[LoopBell],
) -> list[Coroutine[Any, Any, None]]:
    """Everything that goes on at the same time; `rung` are the bells of those that a change may concern."""

    def bell(of: list[LoopBell]) -> LoopBell:
        of.append(LoopBell())
        return of[-1]

    def loop(name: str, step: Any, idle_s: float) -> Coroutine[Any, Any, None]:
        return run_loop(name, step, tools, idle_s, bell(rung))

    def pool(source: TaskSource, of: list[LoopBell]) -> Coroutine[Any, Any, None]:
        return run_pool(source, tools, 1.0, bell(of))

    def now_and_then(name: str, step: Any, idle_s: float = 1.0) -> Coroutine[Any, Any, None]:
        return run_loop(name, step, tools, idle_s, bell(unrung))

    def of_each(system: BatchSystem) -> Iterator[Coroutine[Any, Any, None]]:
        yield run_watch(system, tools, 0.1, bell(unrung))
        yield now_and_then(f"health:{system.name}", HealthCheck(system).step)
        for name, step in (
            ("reconcile", Reconciliation(system, settings.reconcile_s).step),
            ("silence", SilenceLookup(system, settings.silent_s).step),
        ):
            yield now_and_then(f"{name}:{system.name}", guard_step(step))

    return [
        *(task for system in tools.systems.values() for task in of_each(system)),
        loop("relay", relay.relay_once, 0.25),
        *(pool(each.make_dispatcher(), rung) for each in RUNG),
        *(pool(each.make_dispatcher(), unrung) for each in ASKING),
        pool(launcher, rung),
        loop("approvals", look_at_doubted, 1.0),
        loop("promote", promote_launches, 1.0),
        loop("sweep", PeriodicSweep().step, 1.0),
        loop("schedule", guard_step(schedule.take_turn), 5.0),
        now_and_then("credentials", credentials.inspect_next),
        pool(credentials.make_dispatcher(), unrung),
        now_and_then("installation", installation.check_once),
        now_and_then("clock", clock.measure_clock, clock.EVERY_S),
        now_and_then("disks", DiskProbe().step),
        now_and_then("hanging", HangingLanes().step, EVERY_S),
        now_and_then("retention", guard_step(make_retention(settings)), 10.0),
    ]


def make_retention(settings: Settings) -> Step:
    """What archives and drops as these settings want it."""
    return Retention(settings.keep_days, settings.keep_changes_days, settings.archive).step


def open_batch_systems(settings: Settings, stack: AsyncExitStack) -> Iterator[BatchSystem]:
    """Where jobs run in this deployment; what they hold open ends with the stack."""
    yield LocalBatchSystem(settings.spool)
    for one in settings.htcondor:
        access = HTCondorAccess(
            one.collector,
            schedd=one.schedd,
            tokens=one.tokens,
            authorities=one.authorities,
            file_system=one.file_system,
            carries=one.carries,
            copies_mb=one.copies_mb,
            spools=one.feed == "query",
            interval_s=one.interval_s,
        )
        condor = HTCondor(access, settings.spool, one.name)
        stack.callback(condor.close)
        yield condor
    if settings.slurm:
        yield Slurm(_build_slurm_access(settings), settings.spool)


def _build_slurm_access(settings: Settings) -> slurm.SlurmAccess:
    return slurm.SlurmAccess(
        programs=settings.slurm_programs,
        configuration=settings.slurm_configuration,
        partition=settings.slurm_partition,
        account=settings.slurm_account,
        qos=settings.slurm_qos,
        interval_s=settings.slurm_interval_s,
    )


def serve_metrics(listen: str) -> None:
    """Answer Prometheus; a port that is taken is no reason to do nothing else."""
    try:
        metrics.serve_metrics(listen)
    except OSError as error:
        log.error("POMS_METRICS_LISTEN=%s can't be had, nobody can scrape us: %s", listen, error)


async def main() -> None:
    """Run until SIGTERM or SIGINT; what is cut off is found and gone on with by whoever comes next."""
    configure_logs(*read_log_settings())
    settings = Settings.from_env()
    failpoints.arm_failpoint(settings.kill_at)
    if settings.metrics_listen:
        serve_metrics(settings.metrics_listen)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        db = await open_pool(settings.database_url, most=12)
        stack.push_async_callback(db.close)
        redis = doorbell.open_queue(settings.redis_url)
        stack.push_async_callback(redis.aclose, close_connection_pool=True)
        tools = WorkerTools(
            db=db,
            systems={system.name: system for system in open_batch_systems(settings, stack)},
            catalog=EmbeddedCatalog(),
            catalogs=CatalogClients(parse_hosts(settings.catalog_hosts)),
            monitors=MonitorClients(parse_hosts(settings.catalog_hosts)),
            spool=settings.spool,
            store=settings.store,
            lease_s=settings.lease_s,
            launch_lease_s=settings.launch_lease_s,
            background=BackgroundTasks(settings.scripts_at_once),
            script_limit_s=settings.script_limit_s,
            scripts_as_worker=settings.scripts_as_worker,
            uploads=settings.uploads,
            verify_inputs=settings.verify_inputs,
            ssh_keys=settings.ssh_keys,
            batch_policy=BatchPolicy.of(settings.htcondor_attributes, settings.containers),
            holder=f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}",
            ring=lambda: doorbell.ring_bell(redis),
            enqueue=lambda *what: doorbell.enqueue_job(redis, *what),
            rate=LaunchRate(settings.launches_per_minute, max(1, settings.launches_at_once)),
            vault=CredentialStore(
                settings.credentials,
                timedelta(seconds=settings.credential_margin_s),
                settings.renewal_s,
            ),
        )
        try:
            if not await installation.check_installation(tools):
                await restore_guard.notice_restore(tools)
        except OSError as error:
            log.error("the spool can't be used, launches wait until it can: %s", error)
        await run_worker(tools, settings, redis, stop)


async def run_worker(
    tools: WorkerTools, settings: Settings, redis: ArqRedis, stop: asyncio.Event
) -> None:
    """Run every loop until told to stop; then each has a while for the step that it has in hand."""
    rung: list[LoopBell] = []
    unrung: list[LoopBell] = []
    launcher = WorkerLauncher()
    steps = [asyncio.create_task(c) for c in build_loops(tools, settings, launcher, rung, unrung)]

    def ring() -> None:
        for bell in rung:
            bell.set()

    arq = asyncio.create_task(serve_arq(tools, launcher, redis))
    ear = asyncio.create_task(doorbell.hear_rings(redis, ring))
    await stop.wait()
    log.info("stopping: the steps in hand are finished")
    for task in (arq, ear):
        task.cancel()
    for bell in (*rung, *unrung):
        bell.end()
    scripts = asyncio.create_task(tools.background.end(FINISH_S))
    _, late = await asyncio.wait([*steps, arq, ear, scripts], timeout=FINISH_S + 1)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
