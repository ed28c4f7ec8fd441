"""Processes of this machine, as the kernel tells of them."""

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from batch.process_tree import kill_tree, list_children, send_signal, walk_descendants

MARK = "BATCH_LOCAL_SCRATCH"
"""In the environment of every process of an attempt: its folder."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PAUSE_S, _EXEC_S, _CLEAN_LOOKS = 0.005, 0.1, 2


def read_boot_id() -> str:
    """Differs after each start of the machine."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def read_start_time(pid: int) -> int | None:
    """When a process started, in ticks since boot; with its pid and the boot it is one process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def measure_memory_mb(pids: list[int]) -> float:
    """Resident memory of processes together."""
    pages = 0
    for pid in pids:
        with (
            suppress(FileNotFoundError, ProcessLookupError),
            open(f"/proc/{pid}/statm", "rb") as file,
        ):
            pages += int(file.read().split()[1])
    return pages * _PAGE / 1_048_576


def list_attempt_processes(is_wanted: Callable[[str], bool]) -> list[int]:
    """Processes that were started for attempts in such folders, whoever is their parent now."""
    mark, found = f"{MARK}=".encode(), []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        folders = [each for each in read_environment(pid).split(b"\0") if each.startswith(mark)]
        if any(is_wanted(os.fsdecode(each[len(mark) :])) for each in folders):
            found.append(pid)
    return found


def read_environment(pid: int) -> bytes:
    """What a process was started with; nothing of the kernel's own, of those that have ended, and of other people's.

    In the midst of `exec` a process shows none: it is looked at again until it has one.
    """
    until = time.monotonic() + _EXEC_S
    with suppress(OSError):
        while True:
            with open(f"/proc/{pid}/environ", "rb") as file:
                found = file.read()
            if found or time.monotonic() > until:
                return found
            os.readlink(f"/proc/{pid}/exe")  # the kernel's own and those that have ended have none
            time.sleep(_PAUSE_S)
    return b""


def kill_carrying(is_wanted: Callable[[str], bool], within_s: float = 2.0) -> None:
    """End what is left of attempts whose starters vanished, so that the next ones are alone.

    Nothing is left when two looks show nothing: who is forked during a look may be in none of it.
    """
    until, clean = time.monotonic() + within_s, 0
    while clean < _CLEAN_LOOKS and time.monotonic() < until:
        left = list_attempt_processes(is_wanted)
        clean = 0 if left else clean + 1
        send_signal(left, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def kill_strays(own: Collection[int], within_s: float = 2.0) -> None:
    """End what came to this process, a subreaper, from starters that were killed; its own children live on.

    These are known whatever they have done to their environment.
    """

    def walk_strays() -> Iterator[int]:
        for pid in list_children(os.getpid()):
            if pid not in own:
                yield pid
                yield from walk_descendants(pid)

    until = time.monotonic() + within_s
    while (left := [*walk_strays()]) and time.monotonic() < until:
        kill_tree(walk_strays)
        for pid in left:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)
