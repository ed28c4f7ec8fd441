"""Readiness tells the truth, also when the database neither answers nor refuses."""

import os
import signal
from dataclasses import asdict

from batch import BatchHealth
from db import clock, hanging_lanes
from db.batch import batch_systems
from db.hanging_lanes import HangingLane
from db.pool import open_pool
from resolvers.health import check_readiness
from resolvers.timeouts import PATIENCE_S


async def test_a_house_that_works_is_ready(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    ready, said = await check_readiness(pool, "here")
    assert ready, said
    assert said["job_partitions_ahead"] >= 1
    await pool.close()


async def test_without_redis_it_is_ready_and_degraded(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    ready, said = await check_readiness(pool, "away")
    assert (ready, said["degraded"]) == (True, True)
    await pool.close()


async def test_lanes_that_hang_are_named_as_long_as_their_worker_tells_of_them(
    database_url: str,
) -> None:
    pool = await open_pool(database_url, most=1)
    now = await pool.fetchval("SELECT now()")
    mine = [HangingLane("pool:act", 4, True, now), HangingLane("store", 1, False, now)]
    await hanging_lanes.record(pool, "me", mine)
    await hanging_lanes.record(pool, "you", [HangingLane("pool:act", 2, False, now)])
    ready, said = await check_readiness(pool, "here")
    assert (ready, said["degraded"]) == (True, True)
    shown = {name: (lane["hung"], lane["open"]) for name, lane in said["hanging_lanes"].items()}
    assert shown == {"pool:act": (6, True), "store": (1, False)}
    await hanging_lanes.record(pool, "me", [])
    await pool.execute("UPDATE hanging_lane SET seen_at = now() - interval '1 minute'")
    ready, said = await check_readiness(pool, "here")
    assert said["hanging_lanes"] == {}
    assert await pool.fetchval("SELECT count(*) FROM hanging_lane") == 1
    await pool.close()


async def test_a_database_that_hangs_is_said_to_be_away_in_time(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    backend = await pool.fetchval("SELECT pg_backend_pid()")
    os.kill(backend, signal.SIGSTOP)
    try:
        ready, said = await check_readiness(pool, "here")
        assert not ready
        assert said["database"] == f"away: no answer in {PATIENCE_S:.0f} s"
    finally:
        os.kill(backend, signal.SIGCONT)
    await pool.close()


async def test_a_database_that_is_gone_is_said_to_be_away(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    await pool.close()
    ready, said = await check_readiness(pool, "here")
    assert not ready
    assert said["database"].startswith("away: ")


async def test_what_is_between_jobs_and_the_service_is_told(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    for name, wall in (("local", "namespaces"), ("slurm", "one user"), ("pool", "")):
        asked_at = await batch_systems.claim_health_check(pool, name, 1, 10)
        assert asked_at is not None
        health = asdict(BatchHealth(reachable=True, text="", wall=wall))
        await batch_systems.record_health(pool, name, asked_at, health, reachable=True)
    ready, said = await check_readiness(pool, "here")
    assert (ready, said["walls"]) == (True, {"local": "namespaces", "slurm": "one user"})
    await pool.close()


async def test_processes_whose_clocks_are_wrong_are_named(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    await clock.record_offset(pool, "right", 1.5)
    await clock.record_offset(pool, "wrong", -3.0)
    await pool.execute("INSERT INTO host_clock VALUES ('gone', 600, now() - interval '61 seconds')")
    ready, said = await check_readiness(pool, "here", 600)
    assert (ready, said["degraded"]) == (True, True)
    assert said["wrong_clocks"] == {"wrong": -3.0, "this process": 600}
    await pool.close()
