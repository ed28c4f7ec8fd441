"""As whom launch scripts run on the workers' own host, and what is that account's there."""

import os
import pwd
import stat
from pathlib import Path
from typing import NamedTuple

from batch.local.accounts import allow_passage

KEPT = ("PATH", "LANG", "LC_ALL", "KRB5_CONFIG")
"""What of the workers' environment another account gets: neither their home nor their tickets."""
AS_WORKER = "POMS_SCRIPTS_AS_WORKER"


class AccountMissing(Exception):
    """No launch script runs here as this account: the text says why, and what to do."""


class ScriptAccount(NamedTuple):
    """An account of this host that is not the workers' own."""

    name: str
    uid: int
    groups: list[int]
    """Its own first."""
    home: str

    @property
    def words(self) -> list[str]:
        """As batch/process_tree.py is told it."""
        return ["--as", str(self.uid), ",".join(map(str, self.groups))]

    def build_environment(self) -> dict[str, str]:
        """What its programs find before anything of the launch's."""
        own = {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}
        return {name: os.environ[name] for name in KEPT if name in os.environ} | own


def find_account(name: str, *, as_worker: bool) -> ScriptAccount | None:
    """The account that a service admin named; None: the workers' own, where that is allowed. Raises AccountMissing."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise AccountMissing(
            f"this host has no account {name}: make it, or name another one with changeLaunchHost."
        ) from None
    if entry.pw_uid == os.geteuid():
        if as_worker:
            return None
        raise AccountMissing(
            f"{name} is the workers' own account, whose files scripts must not reach: name another one with"
            f" changeLaunchHost. For development {AS_WORKER}=1 allows it."
        )
    if entry.pw_uid == 0:
        raise AccountMissing("no launch script runs as root: name another account.")
    if os.geteuid() != 0:
        raise AccountMissing(
            f"the workers run as {_read_own_name()}, which can't become {name}: run them as root, or make this a launch"
            " host by ssh."
        )
    groups = [entry.pw_gid, *set(os.getgrouplist(name, entry.pw_gid)) - {entry.pw_gid}]
    return ScriptAccount(name, entry.pw_uid, groups, entry.pw_dir)


def _read_own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def give_sandbox(
    account: ScriptAccount, spool: Path, folder: Path, credential: tuple[str, bytes] | None
) -> dict[str, str]:
    """Make the working folder its own, with what lies in it and a copy of its credential.

    Returns the variable that names that copy. Raises AccountMissing where it can't get there.
    """
    for path in (spool, spool / "launches"):
        allow_passage(str(path))
    if closed := _find_barrier(folder.parent, account):
        raise AccountMissing(
            f"{account.name} can't enter {closed}: `chmod o+x` it, or let the spool lie elsewhere."
        )
    for path in (folder, *folder.iterdir()):
        os.chown(path, account.uid, account.groups[0], follow_symlinks=False)
    if credential is None:
        return {}
    variable, content = credential
    copy = folder / ".credential"
    copy.unlink(missing_ok=True)
    fd = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        os.fchown(file.fileno(), account.uid, account.groups[0])
    return {variable: str(copy)}


def take_credential(folder: Path) -> None:
    """Once the script is over: remove the copy."""
    (folder / ".credential").unlink(missing_ok=True)


def _find_barrier(path: Path, account: ScriptAccount) -> Path | None:
    """The folder on the way that the account may not enter."""
    for folder in [*reversed(path.absolute().parents), path.absolute()]:
        status = folder.stat()
        bit = stat.S_IXOTH
        if status.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif status.st_gid in account.groups:
            bit = stat.S_IXGRP
        if not status.st_mode & bit:
            return folder
    return None
