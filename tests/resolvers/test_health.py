"""Readiness tells the truth, also when the database neither answers nor refuses."""

import os
import signal

from db.pool import open_pool
from resolvers.asking import PATIENCE_S
from resolvers.health import readiness


async def test_a_house_that_works_is_ready(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    ready, said = await readiness(pool, "here")
    assert ready, said
    assert said["job_partitions_ahead"] >= 1
    await pool.close()


async def test_without_redis_it_is_ready_and_degraded(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    ready, said = await readiness(pool, "away")
    assert (ready, said["degraded"]) == (True, True)
    await pool.close()


async def test_a_database_that_hangs_is_said_to_be_away_in_time(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    backend = await pool.fetchval("SELECT pg_backend_pid()")
    os.kill(backend, signal.SIGSTOP)
    try:
        ready, said = await readiness(pool, "here")
        assert not ready
        assert said["database"] == f"away: no answer in {PATIENCE_S:.0f} s"
    finally:
        os.kill(backend, signal.SIGCONT)
    await pool.close()


async def test_a_database_that_is_gone_is_said_to_be_away(database_url: str) -> None:
    pool = await open_pool(database_url, most=1)
    await pool.close()
    ready, said = await readiness(pool, "here")
    assert not ready
    assert said["database"].startswith("away: ")
