"""Where the local batch system keeps what, how it writes there, and its numbers."""

import fcntl
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from batch.files import NotPlainError, open_plain
from domain.submissions.jobs import JobState

GRACE_S = 2.0
"""Between asking a job to end and killing it."""
SAMPLE_S = 0.2
"""How often a running job's memory and time are looked at."""
TICK_S = 1.0
"""What a lost ring of the doorbell costs at most."""
LOST_STARTS = 3
"""So many starts may vanish without a trace before the job is called failed."""
JOURNAL_BYTES = 64_000_000
KEPT_LOG_BYTES = 1_000_000
KEPT_GENERATIONS = 2
"""Journals kept behind the one that the reader committed a place in."""
CODE_PERSON, CODE_MEMORY, CODE_WALLTIME, CODE_LOST, CODE_STOPPED, CODE_WALL = (
    1,
    34,
    46,
    100,
    101,
    102,
)
"""Asked for by somebody; over a limit; starter vanished; runner was stopped; it can't be walled off."""
SITE = "local"
_NATIVE_ID = re.compile(r"(\d{1,15})(?:@[0-9a-f]+)?", re.ASCII)


class RunnerFolder:
    """The folder that client and runner share."""

    def __init__(self, spool: Path) -> None:
        self.root = str(spool / "local")
        self.launches = str(spool / "launches")
        """Where launch directories are."""
        self.clusters = f"{self.root}/clusters"
        self.requests = f"{self.root}/requests"
        self.scratch = f"{self.root}/scratch"
        self.journal = f"{self.root}/journal"
        self.lock = f"{self.root}/lock"
        self.bell = f"{self.root}/bell"
        self.status = f"{self.root}/status.json"

    def make(self) -> None:
        """Make the folders that are not there."""
        for path in (self.clusters, self.requests, self.scratch, self.journal, self.launches):
            os.makedirs(path, exist_ok=True)

    def cluster(self, native_id: str) -> str:
        """Where a cluster is."""
        return f"{self.clusters}/{native_id}"

    def attempt(self, native_id: str, number: int, attempt: int) -> str:
        """Where an attempt keeps its scratch folder and how it went."""
        return f"{self.scratch}/{native_id}.{number}.{attempt}"


def sync_folder(path: str) -> None:
    """Make what was renamed into a folder outlive a power failure."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: str, value: object, *, lasting: bool = True) -> None:
    """Write JSON so that a reader finds all of it or nothing."""
    folder, name = os.path.split(path)
    part = f"{folder}/.{name}.{os.getpid()}"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(value, file)
        if lasting:
            file.flush()
            os.fsync(file.fileno())
    os.replace(part, path)
    if lasting:
        sync_folder(folder)


def read_whole(path: str) -> Any:
    """Read JSON; None where there is none (yet), or what is no plain file."""
    try:
        with open_plain(path) as file:
            return json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError, NotPlainError, ValueError):
        return None


def list_visible_names(path: str) -> list[str]:
    """Names in a folder, in order, without what is just being written."""
    return sorted(name for name in os.listdir(path) if not name.startswith("."))


def parse_sequence(native_id: str) -> int | None:
    """As the how manieth a cluster was submitted; None: that is no cluster's id."""
    known = _NATIVE_ID.fullmatch(native_id)
    return int(known[1]) if known else None


def list_clusters(folder: RunnerFolder) -> list[str]:
    """The clusters that are there, oldest first, whatever else lies beside them."""
    names = [name for name in os.listdir(folder.clusters) if parse_sequence(name) is not None]
    return sorted(names, key=lambda name: (parse_sequence(name), name))


def format_current_time() -> str:
    """The time, as the journal tells it."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1e6):06d}+00:00"


OVER = frozenset(state.value for state in JobState if state.is_over)
"""States after which the runner does nothing more for a job."""


def wait_for_lock(lock: int, seconds: float) -> bool:
    """Take the lock of an open file, waiting no longer than that for who has it; false when it can't be had."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
