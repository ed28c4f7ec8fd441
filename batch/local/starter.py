"""Starts one attempt, watches over it and writes down how it ended; outlives the runner."""

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

from batch.local import processes
from batch.local.folder import (
    CODE_MEMORY,
    CODE_WALLTIME,
    GRACE_S,
    SAMPLE_S,
    stamp,
    write_whole,
)

_KEPT_ENVIRONMENT = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR")
_WATCHED = {signal.SIGCHLD, signal.SIGTERM}
Order = dict[str, Any]
"""directory, number, attempt, slot, memory_mb, walltime_s, python."""


def claim(folder: str) -> int:
    """Use an attempt's number up; whoever holds the returned file is its starter, or will be."""
    os.mkdir(folder)
    alive = os.open(f"{folder}/alive", os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return alive


def is_alive(folder: str) -> bool:
    """True while the starter of an attempt lives, or a runner is about to fork it."""
    try:
        alive = os.open(f"{folder}/alive", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(alive)
    return False


def start(folder: str, order: Order, alive: int) -> int:
    """Fork the starter of a claimed attempt."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        pid = os.fork()
        if pid == 0:
            _be_starter(folder, order, alive)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)


def _leave_runner(folder: str, alive: int) -> None:
    # Whoever holds the runner's lock is the runner, and whoever holds its output is waited for.
    os.setsid()
    signal.set_wakeup_fd(-1)
    said = os.open(f"{folder}/said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for fd, old in ((os.open(os.devnull, os.O_RDONLY), 0), (said, 1), (said, 2)):
        os.dup2(fd, old)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != alive:
            with suppress(OSError):
                os.close(int(name))


def _be_starter(folder: str, order: Order, alive: int) -> None:
    try:
        _leave_runner(folder, alive)
        processes.adopt_orphans()
        me = {"pid": os.getpid(), "start_time": processes.start_time(os.getpid())}
        told = {**me, "boot": processes.boot_id(), "slot": order["slot"], "at": stamp()}
        write_whole(f"{folder}/started.json", told)
        ended = _Watch(order, _run_payload(folder, order)).to_the_end()
        write_whole(f"{folder}/exit.json", ended)
    except BaseException as wrong:
        sys.stderr.write(f"batch.local: starter of {folder}: {wrong!r}\n")
    finally:
        processes.send(processes.descendants(os.getpid()), signal.SIGKILL)
        os._exit(0)


def _run_payload(folder: str, order: Order) -> int:
    work, parent = f"{folder}/work", os.getpid()
    os.mkdir(work)
    env = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    env |= {n: v for n, v in os.environ.items() if n.startswith("LC_")} | {processes.MARK: folder}
    command = [order["python"], "-I", f"{order['directory']}/payload.py", order["directory"]]
    command += [str(order["number"]), str(order["attempt"])]
    pid = os.fork()
    if pid == 0:
        try:
            _exec(work, command, env, parent)
        finally:
            os._exit(127)
    return pid


def _exec(work: str, command: list[str], env: dict[str, str], parent: int) -> None:
    processes.die_with_parent()
    if os.getppid() != parent:
        os._exit(127)
    os.chdir(work)
    # Python ignores these, and what is ignored stays so through exec; so do blocked signals.
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execve(command[0], command, env)  # noqa: S606 - no shell is what we want


class _Watch:
    """One running payload, and what it has used so far."""

    def __init__(self, order: Order, payload: int) -> None:
        self._order, self._payload = order, payload
        self._begin, self._peak, self._cpu_s = time.monotonic(), 0.0, 0.0
        self._status: int | None = None
        self._why: dict[str, Any] = {"limit": None, "code": None, "text": None, "stopped": False}

    def to_the_end(self) -> dict[str, Any]:
        """Watch until the payload and all that it left is gone."""
        while self._status is None:
            self._sample()
            got = signal.sigtimedwait(_WATCHED, SAMPLE_S)
            if got is not None and got.si_signo == signal.SIGTERM:
                self._stop(stopped=True)
            self._reap()
        wall_s = time.monotonic() - self._begin
        self._end_rest()
        code = os.waitstatus_to_exitcode(self._status)
        how = {"exit_code": code, "signal": None} if code >= 0 else {"signal": -code}
        used = {"wall_s": wall_s, "cpu_s": self._cpu_s, "memory_mb": self._peak}
        return {"exit_code": None, **how, **self._why, **used, "at": stamp()}

    def _sample(self) -> None:
        memory = processes.memory_mb(processes.descendants(os.getpid()))
        self._peak = max(self._peak, memory)
        most, longest = self._order["memory_mb"], self._order["walltime_s"]
        if 0 < most < memory:
            text = f"memory limit: used {memory:.0f} of {most} MB"
            self._stop(limit="memory", code=CODE_MEMORY, text=text)
        elif 0 < longest < time.monotonic() - self._begin:
            text = f"wall time limit: ran longer than {longest} s"
            self._stop(limit="walltime", code=CODE_WALLTIME, text=text)

    def _stop(self, **why: object) -> None:
        self._reap()
        if self._status is None:
            self._why |= why
            self._end_rest()

    def _end_rest(self) -> None:
        until, me = time.monotonic() + GRACE_S, os.getpid()
        number: int = signal.SIGTERM
        while left := processes.descendants(me):
            processes.send(left, number)
            number = signal.SIGKILL if time.monotonic() > until else 0
            signal.sigtimedwait({signal.SIGCHLD}, 0.05)
            self._reap()

    def _reap(self) -> None:
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._cpu_s += used.ru_utime + used.ru_stime
            if pid == self._payload:
                self._status, self._peak = status, max(self._peak, used.ru_maxrss / 1024)
