"""Programs that die with us, whatever kills us."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

_CHILD = Path(__file__).with_name("child.py")
Output = int | IO[bytes] | None


class UnixAccount(NamedTuple):
    """An unprivileged user as whom something runs when root starts it."""

    uid: int
    gid: int


POSTGRES, VALKEY = UnixAccount(65521, 65521), UnixAccount(65522, 65522)
"""Those of our services alone, without names: systemd, Debian and container runtimes leave these ids to nobody."""


def choose_own_account(account: UnixAccount) -> UnixAccount | None:
    """Say as whom root has a service run; nobody else changes who they are."""
    return account if os.geteuid() == 0 else None


def find_run_account() -> UnixAccount | None:
    """Say as whom root has programs run that want a user with a name."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return UnixAccount(65534, 65534)
    return UnixAccount(entry.pw_uid, entry.pw_gid)


def spawn_process(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    feed: Output = subprocess.DEVNULL,
    out: Output = subprocess.DEVNULL,
    err: Output = subprocess.DEVNULL,
    death: signal.Signals = signal.SIGKILL,
    run_as: UnixAccount | None = None,
    keep: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start a program (an absolute path) in a session of its own, so that Ctrl-C reaches only us.

    It gets `death` when the thread that calls this ends: call it from the main thread. The
    descriptors in `keep` stay open in it.
    """
    who = run_as or (-1, -1)
    tie = [sys.executable, "-I", "-S", str(_CHILD), str(os.getpid()), str(int(death))]
    return subprocess.Popen(  # noqa: S603  # our own programs, no shell
        [*tie, *(str(number) for number in who), *(str(word) for word in argv)],
        env=dict(os.environ if env is None else env),
        cwd=cwd,
        stdin=feed,
        stdout=out,
        stderr=err,
        start_new_session=True,
        pass_fds=keep,
    )
