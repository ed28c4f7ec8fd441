"""Starts one attempt, watches over it and writes down how it ended; outlives the runner."""

import fcntl
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from batch import process_tree
from batch.local import processes
from batch.local.environment import build_job_environment
from batch.local.folder import (
    CODE_MEMORY,
    CODE_WALL,
    CODE_WALLTIME,
    GRACE_S,
    SAMPLE_S,
    format_current_time,
    write_whole,
)
from batch.local.wall import JobView, Wall, WalledProcess

_WATCHED = {signal.SIGCHLD, signal.SIGTERM}
Order = dict[str, Any]
"""directory, number, attempt, slot, memory_mb, walltime_s, python; sequence and experiment_id for its account;
store and folders as `Launch` has them."""


def claim_attempt(folder: str) -> int:
    """Use an attempt's number up; whoever holds the returned file is its starter, or will be."""
    os.mkdir(folder)
    alive = os.open(f"{folder}/alive", os.O_RDWR | os.O_CREAT, 0o600)
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


def fork_starter(folder: str, order: Order, alive: int, wall: Wall) -> int:
    """Fork the starter of a claimed attempt."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        pid = os.fork()
        if pid == 0:
            _become_starter(folder, order, alive, wall)
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


def _become_starter(folder: str, order: Order, alive: int, wall: Wall) -> None:
    try:
        _leave_runner(folder, alive)
        process_tree.adopt_orphans()
        me = {"pid": os.getpid(), "start_time": processes.read_start_time(os.getpid())}
        told = {
            **me,
            "boot": processes.read_boot_id(),
            "slot": order["slot"],
            "at": format_current_time(),
        }
        write_whole(f"{folder}/started.json", told)
        try:
            ended = _Watch(order, _run_payload(folder, order, wall)).to_the_end()
        except OSError as wrong:
            ended = {"exit_code": None, "signal": None, "limit": None, "stopped": False}
            ended |= {
                "cpu_s": 0.0,
                "wall_s": 0.0,
                "memory_mb": 0.0,
                **_describe_failed_start(str(wrong)),
            }
        write_whole(f"{folder}/exit.json", ended)
    except BaseException as wrong:
        sys.stderr.write(f"batch.local: starter of {folder}: {wrong!r}\n")
    finally:
        process_tree.kill_tree(lambda: process_tree.walk_descendants(os.getpid()))
        os._exit(0)


def _describe_failed_start(why: str) -> dict[str, Any]:
    return {"code": CODE_WALL, "text": f"the job could not be started behind its wall: {why}"}


def _run_payload(folder: str, order: Order, wall: Wall) -> WalledProcess:
    view = JobView(
        f"{folder}/work", f"{folder}/temporary", f"{folder}/root", order["directory"],
        order["store"], order["folders"],
        f"{order['directory']}/units/{order['number']}.json",
    )  # fmt: skip
    if wall.accounts:
        account = wall.accounts.find(order["sequence"], order["experiment_id"])
        view = replace(view, account=account)
    for path in (view.work, view.temporary, view.root):
        os.mkdir(path)
    command = [order["python"], "-I", f"{order['directory']}/payload.py", order["directory"]]
    command += [str(order["number"]), str(order["attempt"])]
    return wall.start(view, command, build_job_environment(folder, view.work, view.temporary))


class _Watch:
    """One running payload, and what it has used so far."""

    def __init__(self, order: Order, started: WalledProcess) -> None:
        self._order, self._started = order, started
        self._first = started.first
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
        self._end_space()
        code = os.waitstatus_to_exitcode(self._status)
        how: dict[str, int | None] = {"exit_code": code} if code >= 0 else {"signal": -code}
        if complaint := self._started.complaint():
            how, self._why = {"exit_code": None}, self._why | _describe_failed_start(complaint)
        used = {"wall_s": wall_s, "cpu_s": self._cpu_s, "memory_mb": self._peak}
        return {
            "exit_code": None,
            "signal": None,
            **how,
            **self._why,
            **used,
            "at": format_current_time(),
        }

    def _sample(self) -> None:
        memory = processes.measure_memory_mb(self._list_rest())
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

    def _list_rest(self) -> list[int]:
        """All that is below this process, but for the first process of its space, which is ours."""
        return [pid for pid in process_tree.list_descendants(os.getpid()) if pid != self._first]

    def _end_rest(self) -> None:
        grace_s = GRACE_S
        while set(process_tree.end_descendants(grace_s, self._reap)) - {self._first}:
            grace_s = 0.0

    def _end_space(self) -> None:
        if self._first is not None:
            os.kill(self._first, signal.SIGKILL)
        while self._first is not None:
            self._take_leave(os.wait4(-1, 0))

    def _reap(self) -> bool:
        while True:
            try:
                ended = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if ended[0] == 0:
                return bool(self._list_rest())
            self._take_leave(ended)

    def _take_leave(self, ended: tuple[int, int, resource.struct_rusage]) -> None:
        pid, status, used = ended
        self._cpu_s += used.ru_utime + used.ru_stime
        if pid == self._started.pid:
            self._status, self._peak = status, max(self._peak, used.ru_maxrss / 1024)
        elif pid == self._first:
            self._first = None
