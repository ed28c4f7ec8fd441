"""A Postgres and a Valkey of a test's own, to be killed."""

import asyncio
import os
import random
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.roles import make_test_roles
from up import children, home, postgres, valkey

WITHIN_S, ATTEMPTS = 60, 20


@dataclass
class Services:
    """Both, and their processes."""

    cluster: postgres.PostgresCluster
    server: valkey.ValkeyServer
    log: Path
    processes: dict[str, subprocess.Popen[bytes]]

    def start(self, name: str) -> None:
        """Start one of them, and wait until it answers."""
        if name == "valkey":
            self.processes[name] = self.server.start(out=subprocess.DEVNULL)
            spin_until(self.server.ready)
            return
        self._start_postgres()
        # What is left of one that was killed may still have its memory: then the next one ends at once.
        for _ in range(ATTEMPTS):
            if self.processes[name].poll() is None:
                return
            time.sleep(0.5)
            self._start_postgres()

    def _start_postgres(self) -> None:
        with self.log.open("ab") as log:
            process = self.processes["postgres"] = self.cluster.start(err=log.fileno())
        spin_until(lambda: self.cluster.ready(process.pid) or process.poll() is not None)

    def kill(self, name: str) -> None:
        """As the machine's own memory killer would: the server and all its children."""
        process = self.processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def restart(self, name: str) -> None:
        """Kill it, and start it again."""
        self.kill(name)
        self.start(name)

    def supervise(self, name: str) -> None:
        """Start it again if it has ended; wait until it answers."""
        process = self.processes[name]
        with suppress(AssertionError):
            spin_until(lambda: process.poll() is not None or self.cluster.ready(process.pid))
        if process.poll() is not None:
            self.start(name)

    async def flush(self) -> None:
        """Take from Valkey all that it has."""
        redis = Redis.from_url(self.server.url)
        with suppress(RedisError):
            await redis.flushall()
        await redis.aclose()


def spin_until(condition: Callable[[], object]) -> None:
    """Wait for a server, without an event loop."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "the server did not come up"
        time.sleep(0.02)


@contextmanager
def run_services(service_home: Path, **settings: str) -> Iterator[Services]:
    """Both, in a folder that their accounts may traverse."""
    folder = service_home / f"own{random.randrange(10**9)}"
    folder.mkdir()
    accounts = [children.choose_own_account(each) for each in (children.POSTGRES, children.VALKEY)]
    for name, account in zip(("s", "v"), accounts, strict=True):
        (folder / name).mkdir(mode=0o700)
        home.give_ownership(folder / name, account)
    cluster = postgres.PostgresCluster(
        data=folder / "pg", sockets=folder / "s", bin=postgres.locate_programs(), password=secrets.token_hex(16),
        run_as=accounts[0], settings={"fsync": "off"} | settings,
    )  # fmt: skip
    postgres.create_cluster(cluster, durable=False)
    server = valkey.ValkeyServer(
        data=folder / "v", bin=valkey.locate_server(), password=secrets.token_hex(16), socket=folder / "v" / "socket",
        run_as=accounts[1],
    )  # fmt: skip
    made = Services(cluster, server, folder / "log", {})
    made.start("postgres")
    made.start("valkey")
    with ThreadPoolExecutor(1) as aside:  # whoever calls this may have an event loop
        aside.submit(asyncio.run, make_test_roles(cluster.dsn())).result()
    try:
        yield made
    finally:
        for name in made.processes:
            if made.processes[name].poll() is None:
                made.kill(name)
