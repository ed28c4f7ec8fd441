"""A child that does not want to end with its parent: `hostile.py KIND FOLDER`; the folder shows when it is in place."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

BOMB = 7
"""So many times all processes of the bomb double."""


def leave_session() -> None:
    os.setsid()


def leave_group() -> None:
    os.setpgid(0, 0)


def fork_away() -> None:
    if os.fork():
        os._exit(0)


def fork_twice() -> None:
    fork_away()
    os.setsid()
    fork_away()


def become_daemon() -> None:
    """Without any file, parent, folder or environment of its parent's."""
    if len(sys.argv) == 3:
        os.chdir("/")
        fork_twice()
        os.closerange(0, 256)
        os.open(os.devnull, os.O_RDWR)
        os.execve(sys.executable, [sys.executable, "-I", *sys.argv, "again"], {})


def ignore_signals() -> None:
    os.setsid()
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        with suppress(OSError):
            signal.signal(number, signal.SIG_IGN)


def stop_self() -> None:
    os.setsid()
    if os.fork():
        return
    os.kill(os.getpid(), signal.SIGSTOP)


def exec_again() -> None:
    with suppress(PermissionError):  # it has done so before
        os.setsid()
    announce_place()
    time.sleep(0.02)
    os.execv(sys.executable, [sys.executable, "-I", *sys.argv])


def fork_on() -> None:
    """Never the same process for long."""
    os.setsid()
    while True:
        fork_away()
        announce_place()
        time.sleep(0.001)


def fork_forever() -> None:
    for _ in range(BOMB):
        os.fork()


KINDS = {
    "session": leave_session,
    "group": leave_group,
    "twice": fork_twice,
    "daemon": become_daemon,
    "signals": ignore_signals,
    "stopped": stop_self,
    "exec": exec_again,
    "moving": fork_on,
    "bomb": fork_forever,
}


def announce_place() -> None:
    Path(sys.argv[2], sys.argv[1]).touch()


def main() -> None:
    KINDS[sys.argv[1]]()
    announce_place()
    time.sleep(600)


if __name__ == "__main__":
    main()
