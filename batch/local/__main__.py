"""The runner as a process: `python -m batch.local SPOOL --slots N`."""

import argparse
import fcntl
import os
import resource
import signal
import sys
import time
from pathlib import Path

from batch.local import processes
from batch.local.doorbell import complain
from batch.local.folder import TICK_S, Folder, write_whole
from batch.local.recovery import take_over
from batch.local.requests import Requests
from batch.local.runner import Runner

_UNKNOWN_S, _FILES = 0.05, 4096


def hold_lock(folder: Folder) -> int | None:
    """Be the only runner of a folder; None where another one is."""
    lock = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o644)
    # Who looks whether a runner lives holds the lock for a moment, as does a starter just forked.
    until = time.monotonic() + TICK_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > until:
                return None
            time.sleep(0.02)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


class Status:
    """What `health` reads: how much is in the runner's hands."""

    def __init__(self, runner: Runner) -> None:
        self._runner, self._told, self._at = runner, (-1, -1), 0.0

    def tell(self) -> None:
        """Write it down when it has changed, though not all the time."""
        now = (len(self._runner.running), self._runner.queue.idle)
        if now != self._told and time.monotonic() - self._at > TICK_S / 2:
            slots = {"slots": self._runner.slots, "pid": os.getpid()}
            told = {**slots, "running": now[0], "queued": now[1]}
            write_whole(self._runner.folder.status, told, lasting=False)
            self._told, self._at = now, time.monotonic()


def run(folder: Folder, slots: int) -> None:
    """Run jobs until told to stop."""
    runner = Runner(folder, slots)
    requests, status = Requests(folder, runner), Status(runner)
    take_over(runner)
    runner.settle()
    while not runner.bell.is_stopping:
        # Requests are listed first: the cluster that one is about is then found for certain.
        names = requests.waiting()
        for cluster in runner.queue.find_new():
            if cluster.is_open:
                runner.open(cluster)
        requests.begin(names)
        runner.start_jobs()
        runner.settle()
        requests.finish()
        status.tell()
        runner.collect(runner.bell.wait(_UNKNOWN_S if runner.unknown else TICK_S))
    runner.stop_all()


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m batch.local", description=__doc__)
    parser.add_argument("spool", type=Path, help="folder that it shares with its clients")
    parser.add_argument("--slots", type=int, default=2, help="how many jobs run at once")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the caller ends")
    given = parser.parse_args()
    if given.die_with_parent:
        processes.die_with_parent(signal.SIGTERM)
    folder = Folder(given.spool.absolute())
    folder.make()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, _FILES), most))
    if hold_lock(folder) is None:
        complain(f"another runner holds {folder.lock}: stop it first, or leave it its folder")
        return 1
    run(folder, max(1, given.slots))
    return 0


if __name__ == "__main__":
    sys.exit(main())
