"""Starts workers in a few milliseconds: a process that has imported them already, and forks.

A test of a place where workers die starts three of them, and each would need more than a second of processor time for
its imports. What is started so is the same program, in a process and a session of its own, with its own environment;
tests of `make run` and of the logs start theirs as users do.

`python -m tests.workers.warm_start SOCKET` is the process; it ends with who started it.
"""

import asyncio
import atexit
import ctypes
import gc
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from up.children import spawn_process

ROOT = Path(__file__).parents[2]
_MOST = 1 << 18
_PR_SET_PDEATHSIG = 1


class WarmProcess:
    """A worker that was forked, with what tests use of a `Popen`; its parent tells how it ended."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self._connection, self.pid = connection, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._await_end(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._await_end(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("workers", timeout or 0)
        return code

    def _await_end(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                told = self._connection.recv(64)
            except (BlockingIOError, TimeoutError):
                return None
            # Whoever tells no end has died itself, and its workers with it.
            self.returncode = int(told) if told else -signal.SIGKILL
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def start_worker(env: Mapping[str, str], out: int, umask: int) -> WarmProcess:
    """Start a worker with this environment, whose words go to a file."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(_start_forker()[1])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
    asked = json.dumps({"env": dict(env), "umask": umask}).encode()
    socket.send_fds(connection, [asked], [out])
    return WarmProcess(connection, int(connection.recv(64)))


@cache
def _start_forker() -> tuple[subprocess.Popen[bytes], str]:
    """The one of this process of pytest, which dies with it; the name is of no file."""
    place = f"poms-test-{os.getpid()}-{secrets.token_hex(8)}"
    words = [sys.executable, "-m", "tests.workers.warm_start", place]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    forker = spawn_process(words, cwd=ROOT, env=env, out=subprocess.PIPE, err=2)
    atexit.register(forker.kill)
    assert forker.stdout is not None
    with forker.stdout:
        assert forker.stdout.readline(), "what starts workers has ended"
    return forker, f"\0{place}"


class Forker:
    """Forks a worker for each connection, and tells there how it ended."""

    def __init__(self, place: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(f"\0{place}")
        self.listener.listen(64)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, self.fork_worker)

    def run(self) -> None:
        while True:
            for key, _ in self.selector.select():
                key.data()

    def fork_worker(self) -> None:
        connection, _ = self.listener.accept()
        asked, fds, _, _ = socket.recv_fds(connection, _MOST, 1)
        pid = os.fork()
        if pid == 0:
            self._become_worker(json.loads(asked), fds[0])
        os.close(fds[0])
        connection.send(str(pid).encode())
        # One that has died at once waits for us as a zombie, whose number nobody else gets.
        watched = os.pidfd_open(pid)

        def tell_end() -> None:
            self.selector.unregister(watched)
            os.close(watched)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with connection, suppress(OSError):  # nobody may wait for it any more
                connection.send(str(code).encode())

        self.selector.register(watched, selectors.EVENT_READ, tell_end)

    def _become_worker(self, asked: Mapping[str, Any], out: int) -> None:
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        code = 1
        try:
            if os.getppid() != parent:
                return
            os.setsid()
            os.umask(asked["umask"])
            os.environ.clear()
            os.environ.update(asked["env"])
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.closerange(3, 1 << 16)
            run_worker()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def run_worker() -> None:
    """As `python -m workers` does."""
    from workers.__main__ import main

    asyncio.run(main())


if __name__ == "__main__":
    import workers.__main__  # noqa: F401 - so that it is there after the fork

    gc.freeze()
    ready = Forker(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    ready.run()
