"""Whether the door's port is free, and if not, who has it."""

import errno
import os
import random
import socket
from contextlib import ExitStack
from pathlib import Path

from up.faults import SetupError

HOST = "127.0.0.1"
_LISTENING = "0A"
_GIVEN_BY_KERNEL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LEAST, _TRIES = 10_000, 1000


def choose_ports(wish: str, number: int = 1) -> list[int]:
    """Read POMS_PORT: the first of so many numbers that follow each other, or 0 for any free ports."""
    if not wish.isdecimal() or int(wish) + number - 1 > 65535:
        raise SetupError(f"POMS_PORT is {wish!r}: make it a number from 1024 to 65535.")
    with ExitStack() as stack:
        wishes = [int(wish) + n if int(wish) else find_free_port() for n in range(number)]
        return [_is_port_free(port, stack.enter_context(socket.socket())) for port in wishes]


def find_free_port() -> int:
    """A port on loopback that nobody listens on.

    It is below those that the kernel gives to connections: one of these may be taken at any moment, also while
    a server that is started again has left it.
    """
    below = max(int(_GIVEN_BY_KERNEL.read_text().split()[0]), 2 * _LEAST)
    for _ in range(_TRIES):
        port = random.randrange(_LEAST, below)  # noqa: S311 - nobody is to be kept from guessing it
        with socket.socket() as sock:
            try:
                sock.bind((HOST, port))
            except OSError:
                continue
        return port
    raise SetupError(f"No port on {HOST} from {_LEAST} to {below} is free.")


def _is_port_free(port: int, sock: socket.socket) -> int:
    """Listen there for a moment."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen(1)
    except OSError as error:
        raise SetupError(_explain_port(port, error)) from error
    found: int = sock.getsockname()[1]
    return found


def _explain_port(port: int, error: OSError) -> str:
    if error.errno == errno.EACCES:
        return f"Only root may listen on port {port}: set POMS_PORT to one above 1023."
    if error.errno != errno.EADDRINUSE:
        return f"Can't listen on {HOST}:{port} ({error.strerror}): set POMS_PORT to another port."
    who = find_port_holder(port)
    return (
        f"Port {port} is in use{f' by {who}' if who else ''}: "
        f"stop that, or choose another one, as in `POMS_PORT={port + 1} make run`."
    )


def find_port_holder(port: int) -> str | None:
    """Name the process that listens on a port, if we may see it."""
    sockets = {f"socket:[{inode}]" for inode in _list_listener_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        if sockets & _open_files(process):
            words = (process / "cmdline").read_bytes().split(b"\0")
            command = b" ".join(words).decode(errors="replace").strip()
            return f"process {process.name} ({command[:80]})"
    return None


def _list_listener_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(fields[9])
    return inodes


def _open_files(process: Path) -> set[str]:
    try:
        return {os.readlink(link.path) for link in os.scandir(process / "fd")}
    except OSError:
        return set()
