"""All that a command starts is ended with it, wherever it goes: other sessions, groups and parents are no way out.

Run as a program it is the supervisor of one command. It stands alone: launch hosts are given its text (Python 3.9).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

STOP_S, LINGER_S, KILL_S = 5.0, 0.2, 20.0
"""How long SIGTERM may take when it is stopped, and when it has ended by itself; how long SIGKILL is repeated:
on a busy machine hundreds of processes that fork are not killed in a few seconds."""
_PAUSE_S, _MOST_PASSES, _MOST_NAMES, _NICEST = 0.02, 20, 20, 19
_DEATH_SIGNAL, _SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)
Reap = Callable[[], bool]
"""Takes leave of children that have ended; says whether any is left."""


def _set_process_option(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def set_parent_death_signal(number: int = signal.SIGKILL) -> None:
    """Get this signal when the process that forked us ends."""
    _set_process_option(_DEATH_SIGNAL, number)


def adopt_orphans() -> None:
    """Stay the ancestor of whatever our descendants leave behind."""
    _set_process_option(_SUBREAPER, 1)


def list_children(pid: int) -> list[int]:
    """The children of a process, of all its threads."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


def walk_descendants(pid: int) -> Iterator[int]:
    """All that a process started, and what that started, each as soon as it is seen: it may be gone a moment later."""
    found = [pid]
    for each in found:
        for child in list_children(each):
            yield child
            found.append(child)


def list_descendants(pid: int) -> list[int]:
    """All that a process started, and what that started."""
    return [*walk_descendants(pid)]


def send_signal(pids: list[int], number: int) -> None:
    """Signal processes; those that are gone, or another's by now, are no error."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def lower_priority(pid: int) -> None:
    """Leave a process, and what it forks from now on, only what others don't need of the machine."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _NICEST)


def kill_tree(walk_tree: Callable[[], Iterable[int]]) -> None:
    """Kill what the function tells of, once; first all of it is stopped, so that nothing forks meanwhile.

    Each is stopped as soon as it is seen: one that does nothing but fork and end is gone by the end of a list. What it
    forks until then is as nice as it: on a busy machine it would else fork faster than we look.
    """
    stopped: set[int] = set()
    for _ in range(_MOST_PASSES):
        before = len(stopped)
        for pid in walk_tree():
            if pid not in stopped:
                send_signal([pid], signal.SIGSTOP)
                lower_priority(pid)
                stopped.add(pid)
        if len(stopped) == before:
            break
    for pid in walk_tree():
        send_signal([pid], signal.SIGKILL)


def end_descendants(grace_s: float, reap: Reap) -> list[int]:
    """End all that this process, a subreaper, has below it; returns what could not be ended.

    It is over when no child is left: whoever still lived would be one, or have an ancestor that is.
    """
    me = os.getpid()
    asked = list_descendants(me)
    for number in (signal.SIGTERM, signal.SIGCONT):
        send_signal(asked, number)
    wait_until_alone(grace_s, reap)
    until = time.monotonic() + KILL_S
    while reap() and time.monotonic() < until:
        kill_tree(lambda: walk_descendants(me))
        wait_until_alone(_PAUSE_S, reap)
    return list_descendants(me)


def wait_until_alone(within_s: float, reap: Reap) -> None:
    """Wait until no child is left, so long at most."""
    until = time.monotonic() + within_s
    while reap() and time.monotonic() < until:
        time.sleep(_PAUSE_S)


def _read_process_name(pid: int) -> str:
    with suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
        return file.read().strip()
    return "?"


def _describe_processes(pids: list[int], what: str) -> str:
    names = sorted(_read_process_name(pid) for pid in pids[:_MOST_NAMES])
    more = ", …" if len(pids) > _MOST_NAMES else ""
    processes = "1 process" if len(pids) == 1 else f"{len(pids)} processes"
    return f"{processes} {what}: {', '.join(names)}{more}"


class _Supervisor:
    """Runs a command until it ends, or until nobody is heard on stdin any more."""

    def __init__(
        self, quiet_s: float, prefix: str, guard: int, account: tuple[int, list[int]] | None
    ) -> None:
        self._quiet_s, self._prefix, self._guard = quiet_s, prefix, guard
        self._account = account
        self._command, self._status = 0, -1
        self._is_stopped = False
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: object) -> None:
        self._is_stopped = self._is_stopped or number != signal.SIGCHLD

    def run(self, argv: list[str]) -> int:
        """Run it, and leave nothing of it; returns its exit code, as shells tell it."""
        self._command = _exec_command(argv, self._account)
        if self._follow():
            wait_until_alone(LINGER_S, self._reap)
            left = list_descendants(os.getpid())
            said = [_describe_processes(left, "that it left had to be ended")] if left else []
            stuck = end_descendants(LINGER_S, self._reap)
        else:
            said, is_guarded = [], os.getppid() == self._guard
            stuck = end_descendants(STOP_S if is_guarded else 0.0, self._reap)
        said += [_describe_processes(stuck, "could not be ended")] if stuck else []
        for text in said:
            self._say(text)
        return self._status if self._status >= 0 else 128 + signal.SIGKILL

    def _follow(self) -> bool:
        """Wait until the command has ended by itself; false when it has to be stopped."""
        heard_at = time.monotonic()
        while self._reap() and self._status < 0:
            left_s = self._quiet_s - (time.monotonic() - heard_at)
            ready = select.select([0, self._wake], [], [], max(0.0, left_s))[0]
            if self._wake in ready:
                with suppress(BlockingIOError):
                    os.read(self._wake, 1 << 10)
            if 0 in ready:
                if not os.read(0, 1 << 10):
                    return False
                heard_at = time.monotonic()
            if self._is_stopped or not ready:
                return False
        return True

    def _reap(self) -> bool:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._command:
                self._status = _decode_exit_status(status)

    def _say(self, text: str) -> None:
        # Its last line may not be whole.
        with suppress(OSError):
            os.write(1, f"\n{self._prefix}{text}\n".encode("utf-8", "replace"))


def _decode_exit_status(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _exec_command(argv: list[str], account: tuple[int, list[int]] | None) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.set_wakeup_fd(-1)
        # Python ignores the first two, and what is ignored stays so through exec.
        for number in (
            signal.SIGPIPE,
            signal.SIGXFSZ,
            signal.SIGTERM,
            signal.SIGHUP,
            signal.SIGINT,
        ):
            signal.signal(number, signal.SIG_DFL)
        # Asked before: another account may not be able to read what Python asks it with.
        folders = [""] if "/" in argv[0] else os.get_exec_path()
        if account:
            _set_user_ids(*account)
        for folder in folders:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                os.execv(os.path.join(folder, argv[0]), argv)  # noqa: S606 - no shell is what we want
        os.execv(os.path.join(folders[-1], argv[0]), argv)  # noqa: S606 - to say what is wrong
    except OSError as wrong:
        os.write(2, f"{argv[0]} can't be started: {wrong}\n".encode("utf-8", "replace"))
    finally:
        os._exit(127)


def _set_user_ids(uid: int, groups: list[int]) -> None:
    os.setgroups(groups)
    os.setresgid(groups[0], groups[0], groups[0])
    os.setresuid(uid, uid, uid)


def supervise_command(
    quiet_s: float, prefix: str, argv: list[str], account: tuple[int, list[int]] | None = None
) -> int:
    """Run a command, as an account (uid, groups) if one is given, and leave nothing of it; returns its exit code.

    It is stopped when stdin has ended, or has told nothing for so many seconds. There are two of us, each a
    subreaper: when one is killed the other ends what there is. What is said begins with the prefix.
    """
    guard = os.getpid()
    adopt_orphans()
    inner = os.fork()
    if inner == 0:
        code = 1
        try:
            supervisor = _Supervisor(quiet_s, prefix, guard, account)
            adopt_orphans()
            set_parent_death_signal(signal.SIGTERM)
            if os.getppid() == guard:
                code = supervisor.run(argv)
        finally:
            os._exit(code)
    _, status = os.waitpid(inner, 0)
    end_descendants(0.0, _reap_all)
    return _decode_exit_status(status)


def _reap_all() -> bool:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def main(quiet_s: str, prefix: str, *words: str) -> int:
    """`process_tree.py SECONDS PREFIX [--as UID GID,GID...] COMMAND...`: only root can be told an account."""
    if words[0] != "--as":
        return supervise_command(float(quiet_s), prefix, [*words])
    account = int(words[1]), [int(group) for group in words[2].split(",")]
    return supervise_command(float(quiet_s), prefix, [*words[3:]], account)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
