"""Real Postgres, real Valkey: each test owns a fresh database cloned from a migrated template.

The servers are throwaway children of pytest (one pair per xdist worker) that die with it. Set
POMS_TEST_DATABASE_URL (a superuser with a password, which the roles get, too) or POMS_TEST_REDIS_URL to use others.
"""

import asyncio
import gc
import itertools
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from db.migrate import apply_migrations
from db.reach import ApiConnection, ApiPool, ReachingPool
from db.typed_connection import TypedConnection
from domain.database_roles import API, OWNER, WORKER
from tests.database_reuse import Fresh
from tests.roles import build_role_url, make_test_roles
from up import children, home, postgres, valkey
from up.ports import find_free_port

# A busy machine is no fault of what is tested.
settings.register_profile(
    "busy",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=int(os.environ.get("POMS_TEST_EXAMPLES") or 30),
)
settings.load_profile("busy")

# Thousands of our own processes are started: without bytecode each would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

SERVER_FOLDERS = {"batch": 0, "catalogs": 1}
"""Folders whose tests share servers that cost the machine something as long as they run, in this order."""

Pool = asyncpg.Pool
_serial = itertools.count()


@dataclass(frozen=True)
class PostgresServer:
    """A running server on which tests make databases."""

    admin: str
    """A superuser's address of a database that is always there."""
    tcp_admin: str
    """The same by TCP: what a test needs that puts something in between."""
    template: str
    free: list[str] = field(default_factory=list)
    """Databases that are as the template again."""

    def url(self, database: str) -> str:
        """The superuser's address."""
        return urlunsplit(urlsplit(self.admin)._replace(path=f"/{database}"))

    def owner_url(self, database: str) -> str:
        return build_role_url(OWNER, self.url(database))

    def owner_tcp_url(self, database: str) -> str:
        return build_role_url(
            OWNER, urlunsplit(urlsplit(self.tcp_admin)._replace(path=f"/{database}"))
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may take long, as its bound says, begins first: then nobody waits for it in the end.

    What needs a batch system or a catalog comes together, before everything else: each process has those of its own,
    which end with the last test of the folder.
    """
    items.sort(key=order_test)


def order_test(item: pytest.Item) -> tuple[int, float]:
    bound = item.get_closest_marker("timeout")
    folder = SERVER_FOLDERS.get(item.path.parent.name, len(SERVER_FOLDERS))
    return folder, -bound.args[0] if bound else 0


def pytest_collection_finish() -> None:
    """What was collected stays: it need not be looked through for garbage again and again."""
    gc.freeze()


def wait_until(condition: Callable[[], object], *, within: float = 60, what: str = "it") -> None:
    """Return as soon as a condition holds; fail when it doesn't within the bound."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {within} s")
        time.sleep(0.01)


@pytest.fixture(scope="session")
def service_home() -> Iterator[Path]:
    """A short path that the unprivileged user may traverse, which pytest's own as root is not."""
    _remove_what_the_killed_left()
    folder = Path(tempfile.mkdtemp(prefix=f"poms-test-{os.getpid()}-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def _remove_what_the_killed_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob("poms-test-*-*"):
        if not Path("/proc", folder.name.split("-")[2]).exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(service_home: Path) -> Iterator[PostgresServer]:
    """A Postgres server that holds one migrated template database."""
    given = os.environ.get("POMS_TEST_DATABASE_URL")
    template = f"template_poms_{secrets.token_hex(4)}"
    if given:
        server = PostgresServer(given, given, template)
        _make_template(server)
        yield server
        asyncio.run(_execute_statement(given, f"DROP DATABASE {template} WITH (FORCE)"))
        return
    with (service_home / "postgres.log").open("ab") as log:
        cluster, process = _start_postgres(service_home, log.fileno())
    server = PostgresServer(cluster.dsn("postgres"), cluster.tcp_dsn("postgres"), template)
    _make_template(server)
    yield server
    process.send_signal(postgres.FAST)
    process.wait(timeout=20)


def _start_postgres(
    folder: Path, log: int
) -> tuple[postgres.PostgresCluster, subprocess.Popen[bytes]]:
    """Start a cluster that need not survive anything, hence is fast."""
    run_as = children.choose_own_account(children.POSTGRES)
    sockets = folder / "s"
    sockets.mkdir()
    home.give_ownership(sockets, run_as)
    cluster = postgres.PostgresCluster(
        data=folder / "postgres",
        sockets=sockets,
        bin=postgres.locate_programs(),
        password=secrets.token_hex(16),
        run_as=run_as,
        port=find_free_port(),
        # What it learnt of tables for one test would mislead it in the next.
        settings=postgres.THROWAWAY | {"max_connections": "100", "autovacuum": "off"},
    )
    postgres.create_cluster(cluster, durable=False)
    process = cluster.start(err=log)
    wait_until(lambda: cluster.ready(process.pid) or process.poll() is not None)
    assert process.poll() is None, (folder / "postgres.log").read_text()
    return cluster, process


def _make_template(server: PostgresServer) -> None:
    asyncio.run(make_test_roles(server.admin))
    asyncio.run(
        _execute_statement(server.admin, f"CREATE DATABASE {server.template} OWNER {OWNER}")
    )
    asyncio.run(apply_migrations(server.owner_url(server.template)))


async def _execute_statement(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


@pytest.fixture(scope="session")
def valkey_server(service_home: Path) -> Iterator[str]:
    """The address of a Valkey server that keeps nothing."""
    given = os.environ.get("POMS_TEST_REDIS_URL")
    if given:
        yield given
        return
    run_as = children.choose_own_account(children.VALKEY)
    data = service_home / "valkey"
    data.mkdir()
    home.give_ownership(data, run_as)
    server = valkey.ValkeyServer(
        data=data, bin=valkey.locate_server(), password=secrets.token_hex(16), port=find_free_port(),
        durable=False, run_as=run_as,
    )  # fmt: skip
    process = server.start(out=subprocess.DEVNULL)
    wait_until(lambda: server.ready() or process.poll() is not None)
    assert process.poll() is None, "Valkey ended at once"
    yield server.url
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
async def empty_database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The address of a database of this test's own, without any tables."""
    name = f"empty_{os.getpid()}_{next(_serial)}"
    made = f"CREATE DATABASE {name} OWNER {OWNER} STRATEGY file_copy"
    await _execute_statement(postgres_server.admin, made)
    yield postgres_server.owner_url(name)
    await _execute_statement(postgres_server.admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def fresh(postgres_server: PostgresServer) -> Fresh | None:
    """What the template is; None where we may not be allowed to make a database so again."""
    if os.environ.get("POMS_TEST_DATABASE_URL"):
        return None
    return asyncio.run(Fresh.of(postgres_server.url(postgres_server.template)))


@pytest.fixture
async def database_name(postgres_server: PostgresServer, fresh: Fresh | None) -> AsyncIterator[str]:
    """A migrated database of this test's own."""
    free, admin = postgres_server.free, postgres_server.admin
    if not free:
        free.append(f"test_{os.getpid()}_{next(_serial)}")
        made = f"CREATE DATABASE {free[0]} OWNER {OWNER} TEMPLATE {postgres_server.template}"
        await _execute_statement(admin, f"{made} STRATEGY file_copy")
    name = free.pop()
    yield name
    if fresh and await fresh.is_again(postgres_server.url(name)):
        free.append(name)
    else:
        await _execute_statement(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(postgres_server: PostgresServer, database_name: str) -> str:
    """The owner's address, by unix socket, of this test's database."""
    return postgres_server.owner_url(database_name)


@pytest.fixture
def api_url(database_url: str) -> str:
    """The address as whom processes of the API use it."""
    return build_role_url(API, database_url)


@pytest.fixture
def database_tcp_url(postgres_server: PostgresServer, database_name: str) -> str:
    """The owner's address, by TCP, of this test's database."""
    return postgres_server.owner_tcp_url(database_name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator["Pool[asyncpg.Record]"]:
    """The owner's pool on this test's database, to set up and to look."""
    from tests.change_checks import check_changes

    async with _open_test_pool(database_url) as pool:
        yield pool
        await check_changes(pool)


@pytest.fixture
async def api_pool(api_url: str) -> AsyncIterator[ApiPool]:
    """A pool as processes of the API open theirs: what they may not do fails."""
    async with _open_test_pool(api_url, ApiConnection) as pool:
        yield ApiPool(pool)


@pytest.fixture
def api_db(api_pool: ApiPool) -> ReachingPool:
    """The same for what reaches all experiments."""
    return api_pool.everything


@pytest.fixture
async def worker_db(database_url: str) -> AsyncIterator["Pool[asyncpg.Record]"]:
    """The same of workers."""
    async with _open_test_pool(build_role_url(WORKER, database_url)) as pool:
        yield pool


@asynccontextmanager
async def _open_test_pool(
    url: str, kind: type[TypedConnection] = TypedConnection
) -> AsyncIterator["Pool[asyncpg.Record]"]:
    from db.pool import open_pool

    pool = await open_pool(url, connection_class=kind)
    yield pool
    try:
        await asyncio.wait_for(pool.close(), 10)
    except TimeoutError:
        pool.terminate()
        pytest.fail("a connection of the pool was still in use when the test was over")


@pytest.fixture
async def redis_url(valkey_server: str) -> str:
    """The address of an empty logical database (channels are the whole server's)."""
    url = urlunsplit(urlsplit(valkey_server)._replace(path=f"/{next(_serial) % 16}"))
    async with Redis.from_url(url) as client:
        await client.flushdb()
    return url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of this test's logical database; answers are bytes, as arq needs them."""
    async with Redis.from_url(redis_url) as client:
        yield client
