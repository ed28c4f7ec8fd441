"""Run a program whose descendants don't outlive it, also those that it let go: `python reaper.py PROGRAM ARGUMENTS`."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def list_children() -> list[int]:
    """Who is ours by birth, or was left to us."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(pid) for path in tasks for pid in path.read_text().split()]


def main() -> None:
    """Pass SIGTERM on, and once the program has ended kill what is left."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    program = subprocess.Popen(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: program.kill())
    while True:
        pid, _ = os.wait()
        if pid == program.pid:
            break
    # A descendant's own children become ours when it ends.
    while left := list_children():
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        for _ in left:
            os.wait()


if __name__ == "__main__":
    main()
