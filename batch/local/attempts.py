"""Attempts that are running now: starters that this runner forked or found."""

import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from batch.files import open_plain
from batch.local import processes, starter
from batch.local.folder import (
    KEPT_LOG_BYTES,
    RunnerFolder,
    list_visible_names,
    read_whole,
    sync_folder,
)
from batch.local.wall import Wall
from domain.submissions.jobs import JobState

_STARTS_BYTES = 1 << 20
Key = tuple[str, int, int]
"""Cluster, number, attempt."""


class RunningAttempt:
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


def list_attempts(folder: RunnerFolder) -> list[Key]:
    """The attempts that have a scratch folder, oldest first."""
    keys = []
    for name in list_visible_names(folder.scratch):
        with suppress(ValueError):
            native_id, number, attempt = name.split(".")
            keys.append((native_id, int(number), int(attempt)))
    return sorted(keys, key=lambda key: (key[0], key[1], key[2]))


def has_started(path: str) -> dict[str, Any] | None:
    """What a starter wrote of itself before it ran anything."""
    told: dict[str, Any] | None = read_whole(f"{path}/started.json")
    return told


def adopt_attempt(path: str, key: Key) -> RunningAttempt | None:
    """Take over the starter of an attempt; None while, or since, it can't be known."""
    told = has_started(path)
    if told is None or told["boot"] != processes.read_boot_id():
        return None
    try:
        running = RunningAttempt(key, told["pid"], told["slot"], is_child=False)
    except ProcessLookupError:
        return None
    if processes.read_start_time(told["pid"]) != told["start_time"]:
        running.leave()
        return None
    return running


def read_ending(path: str) -> dict[str, Any] | None:
    """How an attempt whose starter is gone ended; None: it vanished without a word."""
    told: dict[str, Any] | None = read_whole(f"{path}/exit.json")
    return told


def read_reported_ending(directory: str, number: int, attempt: int) -> dict[str, Any] | None:
    """How an attempt ended by its payload's report, as its starter would have written it."""
    told = read_whole(f"{directory}/reports/{number}.{attempt}.json")
    if not isinstance(told, dict):
        return None
    used = {name: told.get(name) for name in ("cpu_s", "wall_s", "memory_mb")}
    how = {"exit_code": told.get("exit_code"), "signal": told.get("signal")}
    return {**how, **used, "limit": None, "code": None, "text": None, "stopped": False}


def end_of(told: dict[str, Any]) -> dict[str, Any]:
    """What is said of a job whose attempt ended so, and was not stopped."""
    good = told["exit_code"] == 0 and told["limit"] is None
    names = ("exit_code", "signal", "code", "text", "cpu_s", "wall_s", "memory_mb")
    state = JobState.SUCCEEDED if good else JobState.FAILED
    return {"state": state} | {name: told.get(name) for name in names}


def list_last_attempts(directory: str) -> dict[int, int]:
    """The last attempt of each job that began, by the jobs' own word in the launch directory."""
    found: dict[int, int] = {}
    with suppress(FileNotFoundError):
        for name in os.listdir(f"{directory}/starts"):
            number = name.partition(".")[0]
            if number.isdecimal() and (last := _read_last_start(f"{directory}/starts/{name}")):
                found[int(number)] = last
    return found


def _read_last_start(path: str) -> int:
    last = 0
    # Jobs write there: what is a pipe instead is not waited for, and what has no end is not read to it.
    with suppress(OSError), open(path, "rb", opener=_open_at_once) as file:
        for line in file.read(_STARTS_BYTES).splitlines():
            with suppress(ValueError, TypeError, KeyError):
                last = max(last, int(json.loads(line)["attempt"]))
    return last


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def start_attempt(path: str, order: starter.Order, key: Key, wall: Wall) -> RunningAttempt:
    """Use up the attempt's number and fork its starter."""
    alive = starter.claim_attempt(path)
    try:
        sync_folder(os.path.dirname(path))
        order |= {"python": sys.executable, "number": key[1], "attempt": key[2]}
        pid = starter.fork_starter(path, order, alive, wall)
    finally:
        os.close(alive)
    return RunningAttempt(key, pid, order["slot"], is_child=True)


def clean_attempt(path: str, *, keep_log: bool) -> None:
    """Remove what an attempt left; of one that failed the end of its log stays."""
    log = b""
    if keep_log:
        with suppress(OSError), open_plain(os.path.join(path, "work", "job.log")) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - KEPT_LOG_BYTES))
            log = file.read()
    if log:
        with suppress(OSError), open(f"{path}/job.log", "wb") as file:
            file.write(log)
    _remove_scratch_folder(path, "job.log" if keep_log else None)


def _remove_scratch_folder(path: str, keep: str | None) -> None:
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
