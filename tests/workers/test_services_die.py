"""Postgres, Valkey, the runner and the workers are killed at arbitrary moments: the accounting is the same."""

import asyncio
import os
import random
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from db.migrate import migrate
from db.pool import Pool, open_pool
from tests.plant import Plant
from tests.workers.campaigns import Two, two
from tests.workers.house import House
from up import children, home, postgres, valkey

FAULTS = ("postgres", "valkey", "flushall", "worker", "runner", "worker")


@dataclass
class Services:
    """A Postgres and a Valkey of our own, to be killed."""

    cluster: postgres.Cluster
    server: valkey.Server
    log: Path
    processes: dict[str, subprocess.Popen[bytes]]

    def start_postgres(self) -> None:
        with self.log.open("ab") as log:
            process = self.processes["postgres"] = self.cluster.start(err=log.fileno())
        spin(lambda: self.cluster.ready(process.pid))

    def start_valkey(self) -> None:
        self.processes["valkey"] = self.server.start(out=subprocess.DEVNULL)
        spin(self.server.ready)

    def kill(self, name: str) -> None:
        """As the machine's own memory killer would: the server and all its children."""
        process = self.processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def spin(condition: Callable[[], object]) -> None:
    """Wait for a server, without an event loop."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the server did not come up"
        time.sleep(0.02)


@pytest.fixture
def services(service_home: Path) -> Iterator[Services]:
    folder = service_home / f"own{random.randrange(10**9)}"
    run_as = children.account()
    for name in ("", "s", "v"):
        (folder / name).mkdir()
        home.give(folder / name, run_as)
    cluster = postgres.Cluster(
        data=folder / "pg", sockets=folder / "s", bin=postgres.programs(), run_as=run_as,
        settings={"fsync": "off"},
    )  # fmt: skip
    postgres.create(cluster, durable=False)
    server = valkey.Server(
        data=folder / "v", bin=valkey.program(), socket=folder / "s" / "valkey", run_as=run_as
    )
    made = Services(cluster, server, folder / "log", {})
    made.start_postgres()
    made.start_valkey()
    yield made
    for name in made.processes:
        if made.processes[name].poll() is None:
            made.kill(name)


@pytest.fixture
async def own_db(services: Services) -> AsyncIterator[Pool]:
    await migrate(services.cluster.dsn())
    pool = await open_pool(services.cluster.dsn())
    yield pool
    pool.terminate()


@pytest.mark.timeout(280)
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_killed_whenever_nothing_is_lost_or_doubled(
    services: Services, own_db: Pool, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    house = House(own_db, services.cluster.dsn(), services.server.url, tmp_path)
    plant = await Plant.make(own_db)
    campaign = await two(house, plant)
    try:
        running = {"runner": house.runner(), "worker": house.worker()}
        await campaign.launch()
        for fault in dice.sample(FAULTS, len(FAULTS)):
            await asyncio.sleep(dice.uniform(0.2, 1.5))
            await inflict(fault, services, house, running)
        async with asyncio.timeout(120):
            while not await done(campaign):
                await asyncio.sleep(0.1)
        await campaign.check()
    except TimeoutError:
        pytest.fail(f"seed {seed}: the campaign did not end\n{house.said()}")
    finally:
        house.stop()


async def inflict(
    fault: str, services: Services, house: House, running: dict[str, subprocess.Popen[bytes]]
) -> None:
    """Kill one thing and start it again."""
    match fault:
        case "postgres":
            services.kill("postgres")
            services.start_postgres()
        case "valkey":
            services.kill("valkey")
            services.start_valkey()
        case "flushall":
            redis = Redis.from_url(services.server.url)
            with suppress(RedisError):
                await redis.flushall()
            await redis.aclose()
        case "worker" | "runner":
            running[fault].kill()
            running[fault].wait()
            running[fault] = house.worker() if fault == "worker" else house.runner()


async def done(campaign: Two) -> bool:
    """Whether it is over; a database that is just coming back doesn't say."""
    try:
        return await campaign.done()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
