"""A Postgres and a Valkey of a test's own, to be killed."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from up import children, home, postgres, valkey


@dataclass
class Services:
    """Both, and their processes."""

    cluster: postgres.Cluster
    server: valkey.Server
    log: Path
    processes: dict[str, subprocess.Popen[bytes]]

    def start(self, name: str) -> None:
        """Start one of them, and wait until it answers."""
        if name == "valkey":
            self.processes[name] = self.server.start(out=subprocess.DEVNULL)
            spin(self.server.ready)
            return
        with self.log.open("ab") as log:
            process = self.processes[name] = self.cluster.start(err=log.fileno())
        spin(lambda: self.cluster.ready(process.pid))

    def kill(self, name: str) -> None:
        """As the machine's own memory killer would: the server and all its children."""
        process = self.processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def restart(self, name: str) -> None:
        """Kill it, and start it again."""
        self.kill(name)
        self.start(name)

    async def flush(self) -> None:
        """Take from Valkey all that it has."""
        redis = Redis.from_url(self.server.url)
        with suppress(RedisError):
            await redis.flushall()
        await redis.aclose()


def spin(condition: Callable[[], object]) -> None:
    """Wait for a server, without an event loop."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the server did not come up"
        time.sleep(0.02)


@contextmanager
def serving(service_home: Path) -> Iterator[Services]:
    """Both, in a folder that the unprivileged user may traverse."""
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
    made.start("postgres")
    made.start("valkey")
    try:
        yield made
    finally:
        for name in made.processes:
            if made.processes[name].poll() is None:
                made.kill(name)
