"""The runner as a process: `python -m batch.local SPOOL --slots N`."""

import argparse
import logging
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from batch import process_tree
from batch.local.accounts import IDS
from batch.local.environment import leave_secrets
from batch.local.folder import TICK_S, RunnerFolder, wait_for_lock, write_whole
from batch.local.probe import find_wall
from batch.local.recovery import take_over
from batch.local.requests import RequestFolder
from batch.local.runner import Runner
from batch.local.wall import EXAMPLE, Wall
from log_lines import FORMS, configure_logs

_log = logging.getLogger("batch.local")
_UNKNOWN_S, _FILES = 0.05, 4096


def acquire_runner_lock(folder: RunnerFolder) -> int | None:
    """Be the only runner of a folder; None where another one is."""
    lock = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o644)
    # Who looks whether a runner lives holds the lock for a moment, as does a starter just forked.
    if not wait_for_lock(lock, TICK_S):
        return None
    with suppress(OSError):  # a full disk: the pid is there for people only
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


class RunnerStatus:
    """What `health` reads: how much is in the runner's hands."""

    def __init__(self, runner: Runner) -> None:
        self._runner, self._told, self._at = runner, (-1, -1), 0.0

    def tell(self) -> None:
        """Write it down when it has changed, though not all the time."""
        now = (len(self._runner.running), self._runner.queue.idle)
        if now != self._told and time.monotonic() - self._at > TICK_S / 2:
            wall = self._runner.wall
            slots = {"slots": self._runner.slots, "pid": os.getpid(), "wall": wall.kind}
            told = {**slots, "running": now[0], "queued": now[1]}
            told |= {"refusal": wall.refusal and wall.refusal._asdict()}
            write_whole(self._runner.folder.status, told, lasting=False)
            self._told, self._at = now, time.monotonic()


def run_runner(folder: RunnerFolder, slots: int, wall: Wall) -> None:
    """Run jobs until told to stop."""
    # What a starter leaves behind that is killed comes to us.
    process_tree.adopt_orphans()
    runner = Runner(folder, slots, wall)
    requests, status = RequestFolder(folder, runner), RunnerStatus(runner)
    take_over(runner)
    runner.settle()
    while not runner.bell.is_stopping:
        # Requests are listed first: the cluster that one is about is then found for certain.
        names = requests.waiting()
        for cluster in runner.queue.find_new():
            if cluster.is_open:
                runner.open(cluster)
        for cluster in runner.queue.find_lost():
            runner.lose(cluster)
        requests.begin(names)
        runner.start_jobs()
        runner.settle()
        requests.finish()
        status.tell()
        runner.collect(runner.bell.wait(_UNKNOWN_S if runner.unknown else TICK_S))
    runner.stop_all()


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m batch.local", description=__doc__)
    parser.add_argument("spool", type=Path, help="folder that it shares with its clients")
    parser.add_argument("--slots", type=int, default=2, help="how many jobs run at once")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the caller ends")
    parser.add_argument(
        "--ids", default=IDS, help="where root runs it: uids and gids for jobs, FIRST-LAST"
    )
    parser.add_argument(
        "--reads", default="", help="what jobs may read besides the system: paths with `:`"
    )
    parser.add_argument("--hides", default="", help="what jobs never see of that: paths with `:`")
    parser.add_argument(
        "--unwalled",
        default=EXAMPLE,
        help="experiments whose jobs run also without a wall, with `,`",
    )
    parser.add_argument("--log", choices=FORMS, default="text", help="the form of what it logs")
    return parser.parse_args()


def _choose_wall(given: argparse.Namespace, folder: RunnerFolder) -> Wall:
    """The wall that can be had; what there is, is said."""
    wanted = Wall(
        reads=[*filter(None, given.reads.split(os.pathsep))],
        hides=[os.path.dirname(folder.root), *filter(None, given.hides.split(os.pathsep))],
        unwalled=frozenset(filter(None, given.unwalled.split(","))),
    )
    wall = find_wall(folder, wanted, given.ids)
    _log.info("the wall around jobs: %s", wall.describe())
    return wall


def main() -> int:
    """Run as the command line says."""
    leave_secrets()
    given = read_arguments()
    configure_logs(given.log)
    if given.die_with_parent:
        process_tree.set_parent_death_signal(signal.SIGTERM)
    folder = RunnerFolder(given.spool.absolute())
    folder.make()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, _FILES), most))
    if acquire_runner_lock(folder) is None:
        _log.error("another runner holds %s: stop it first, or leave it its folder", folder.lock)
        return 1
    try:
        run_runner(folder, max(1, given.slots), _choose_wall(given, folder))
    except OSError as error:
        # What is known is in the folder: whoever starts next goes on from there, when there is room.
        _log.error("%s can't be used (%s): ending, to be started again", folder.root, error)
        return os.EX_TEMPFAIL
    return 0


if __name__ == "__main__":
    sys.exit(main())
