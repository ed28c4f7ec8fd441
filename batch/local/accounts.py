"""Accounts of jobs, where the runner is root: numbers that no passwd needs to know, and what they may reach.

Each launch has one, so that no launch can change or signal what is another's, not even of its own experiment; its
experiment is a group, which reads the experiment's files.
"""

import os
import stat
from contextlib import suppress
from typing import NamedTuple

from batch.local.folder import RunnerFolder

IDS = "1900000000-2099999999"
"""A range that systemd, containers and directories of people leave alone."""


class JobAccount(NamedTuple):
    """Whom the jobs of a launch run as."""

    number: int
    """The uid and the gid of the launch."""
    experiment: int
    """The gid of its experiment."""


class AccountRange:
    """The numbers that are the local batch system's: the lower half are launches', the upper half experiments'."""

    def __init__(self, ids: str) -> None:
        first, _, last = ids.partition("-")
        self._first, self._middle = int(first), (int(first) + int(last) + 1) // 2
        self._last = int(last)
        if not 0 < self._first < self._middle <= self._last < 1 << 32:
            raise ValueError(f"{ids!r} is no range of ids above 0, such as {IDS}")

    def find(self, sequence: int, experiment_id: int) -> JobAccount:
        """The account of the so manieth launch; raises OSError where the range has no group for its experiment."""
        experiment = self._middle + experiment_id
        if experiment > self._last:
            raise OSError(f"experiment {experiment_id} has no group in the range of POMS_LOCAL_IDS")
        return JobAccount(self._first + sequence % (self._middle - self._first), experiment)


def become_account(account: JobAccount) -> None:
    """Be this account and nothing else, for good."""
    os.setgroups([account.experiment])
    os.setresgid(account.number, account.number, account.number)
    os.setresuid(account.number, account.number, account.number)


def give_scratch(account: JobAccount, *paths: str) -> None:
    """Make folders an attempt's own."""
    for path in paths:
        os.chown(path, account.number, account.number)
        os.chmod(path, 0o700)


def give_launch_directory(account: JobAccount, directory: str) -> None:
    """Let the launch's jobs alone read it, and leave their starts and reports in it."""
    _open_for(directory, account.number, 0o750)
    for name in ("starts", "reports"):
        _open_for(f"{directory}/{name}", account.number, 0o1770)
    with suppress(FileNotFoundError):
        _open_for(f"{directory}/secrets.json", account.number, 0o640)


def give_store(account: JobAccount, folder: str, store: str) -> None:
    """Let the experiment's jobs alone read its folder, and the launch's alone add to their own in it."""
    _open_for(folder, account.experiment, 0o750)
    _open_for(store, account.number, 0o1775)


def _open_for(path: str, group: int, mode: int) -> None:
    # Whose it is it stays: workers read, and remove, what is theirs.
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.fchown(fd, -1, group)
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def allow_passage(path: str) -> None:
    """Let accounts of jobs pass through a folder to what they know in it."""
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o011 != 0o011:
        os.chmod(path, mode | 0o011)  # noqa: S103 - to pass, not to list


def close_queue(folder: RunnerFolder) -> None:
    """Keep what the runner and its clients share from the accounts of jobs, which come by on the way to their own."""
    for path in (folder.clusters, folder.requests, folder.journal):
        os.chmod(path, 0o700)
    os.chmod(folder.lock, 0o600)
    for path in (folder.root, folder.scratch, folder.launches):
        os.chmod(path, 0o711)  # noqa: S103 - to pass, not to list
