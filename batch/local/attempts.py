"""Attempts that are running now: starters that this runner forked or found."""

import os
import signal
import sys
from contextlib import suppress
from typing import Any

from batch.local import processes, starter
from batch.local.folder import KEPT_LOG_BYTES, Folder, read_whole, sync, visible

Key = tuple[str, int, int]
"""Cluster, number, attempt."""


class Running:
    """A starter, known by a pidfd: that can't be another process of the same number."""

    def __init__(self, key: Key, pid: int, slot: str, *, is_child: bool) -> None:
        self.key, self.pid, self.slot, self.is_child = key, pid, slot, is_child
        self.pidfd = os.pidfd_open(pid)

    def stop(self) -> None:
        """Ask the starter to end its payload."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)

    def leave(self) -> None:
        """Let go of a starter that has ended."""
        os.close(self.pidfd)
        if self.is_child:
            os.waitpid(self.pid, 0)


def found(folder: Folder) -> list[Key]:
    """The attempts that have a scratch folder, oldest first."""
    keys = []
    for name in visible(folder.scratch):
        with suppress(ValueError):
            native_id, number, attempt = name.split(".")
            keys.append((native_id, int(number), int(attempt)))
    return sorted(keys, key=lambda key: (key[0], key[1], key[2]))


def has_started(path: str) -> dict[str, Any] | None:
    """What a starter wrote of itself before it ran anything."""
    told: dict[str, Any] | None = read_whole(f"{path}/started.json")
    return told


def adopt(path: str, key: Key) -> Running | None:
    """Take over the starter of an attempt; None while, or since, it can't be known."""
    told = has_started(path)
    if told is None or told["boot"] != processes.boot_id():
        return None
    try:
        running = Running(key, told["pid"], told["slot"], is_child=False)
    except ProcessLookupError:
        return None
    if processes.start_time(told["pid"]) != told["start_time"]:
        running.leave()
        return None
    return running


def ending(path: str) -> dict[str, Any] | None:
    """How an attempt whose starter is gone ended; None: it vanished without a word."""
    told: dict[str, Any] | None = read_whole(f"{path}/exit.json")
    return told


def start(path: str, order: starter.Order, key: Key) -> Running:
    """Use up the attempt's number and fork its starter."""
    alive = starter.claim(path)
    try:
        sync(os.path.dirname(path))
        order |= {"python": sys.executable, "number": key[1], "attempt": key[2]}
        pid = starter.start(path, order, alive)
    finally:
        os.close(alive)
    return Running(key, pid, order["slot"], is_child=True)


def clean(path: str, *, keep_log: bool) -> None:
    """Remove what an attempt left; of one that failed the end of its log stays."""
    log = b""
    if keep_log:
        with suppress(OSError), open(os.path.join(path, "work", "job.log"), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - KEPT_LOG_BYTES))
            log = file.read()
    if log:
        with suppress(OSError), open(f"{path}/job.log", "wb") as file:
            file.write(log)
    _remove(path, "job.log" if keep_log else None)


def _remove(path: str, keep: str | None) -> None:
    # shutil can do this, but brings a megabyte of archive formats into the runner.
    for folder, folders, files in os.walk(path, topdown=False):
        for name in (*files, *folders):
            each = f"{folder}/{name}"
            if folder != path or name != keep:
                with suppress(OSError):
                    os.rmdir(each) if name in folders and not os.path.islink(each) else os.unlink(
                        each
                    )
    if keep is None:
        with suppress(OSError):
            os.rmdir(path)
