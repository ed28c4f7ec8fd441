"""Processes of this machine, as the kernel tells of them."""

import ctypes
import os
import signal
import time
from contextlib import suppress

MARK = "BATCH_LOCAL_SCRATCH"
"""In the environment of every process of an attempt: its folder."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_DEATH_SIGNAL, _SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Get this signal when the process that forked us ends."""
    _prctl(_DEATH_SIGNAL, number)


def adopt_orphans() -> None:
    """Stay the ancestor of whatever our descendants leave behind."""
    _prctl(_SUBREAPER, 1)


def boot_id() -> str:
    """Differs after each start of the machine."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def start_time(pid: int) -> int | None:
    """When a process started, in ticks since boot; with its pid and the boot it is one process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid: int) -> list[int]:
    """The children of a process, of all its threads."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


def descendants(pid: int) -> list[int]:
    """All that a process started, and what that started."""
    found = children(pid)
    for each in found:
        found += children(each)
    return found


def memory_mb(pids: list[int]) -> float:
    """Resident memory of processes together."""
    pages = 0
    for pid in pids:
        with (
            suppress(FileNotFoundError, ProcessLookupError),
            open(f"/proc/{pid}/statm", "rb") as file,
        ):
            pages += int(file.read().split()[1])
    return pages * _PAGE / 1_048_576


def send(pids: list[int], number: int) -> None:
    """Signal processes; those that are gone are no error."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def carrying(folder: str) -> list[int]:
    """Processes that were started for the attempt in this folder, whoever is their parent now."""
    mark, found = f"{MARK}={folder}".encode(), []
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit():
                with open(f"/proc/{name}/environ", "rb") as file:
                    found += [int(name)] * (mark in file.read().split(b"\0"))
    return found


def kill_carrying(folder: str, within_s: float = 2.0) -> None:
    """End what is left of an attempt whose starter vanished, so that the next one is alone."""
    until = time.monotonic() + within_s
    while (left := carrying(folder)) and time.monotonic() < until:
        send(left, signal.SIGKILL)
        time.sleep(0.01)
