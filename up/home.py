"""Where one machine's POMS keeps its things: `.poms` in the checkout, and what is in it."""

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from up.children import Account
from up.faults import SetupError

# Where root's databases live when the checkout is somewhere that only root can enter.
ELSEWHERE = Path("/var/lib/poms")
NEEDED_MB = 400
# The longest name of a unix socket, less what Postgres and Valkey add to the folder's.
_LONGEST_FOLDER = 107 - len("/.s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation."""

    root: Path
    services: Path
    """What the databases' unprivileged user can reach: the root, or a folder elsewhere."""
    sockets: Path

    @property
    def postgres(self) -> Path:
        """The database."""
        return self.services / "postgres"

    @property
    def valkey(self) -> Path:
        """The queue."""
        return self.services / "valkey"

    @property
    def logs(self) -> Path:
        """One log for each process."""
        return self.root / "log"


def open_home(root: Path, run_as: Account | None, elsewhere: Path = ELSEWHERE) -> Home:
    """Make the folders that are not there yet."""
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o711 if run_as else 0o700)
    services = root
    if run_as is not None and barrier(root, run_as) is not None:
        services = _elsewhere(root, run_as, elsewhere)
    home = Home(root, services, _sockets(services, run_as))
    home.logs.mkdir(mode=0o700, exist_ok=True)
    for folder in (home.valkey, home.sockets):
        folder.mkdir(mode=0o700, exist_ok=True)
        give(folder, run_as)
    room_left(services)
    return home


def give(path: Path, run_as: Account | None) -> None:
    """Make a path belong to the databases' user."""
    if run_as is not None:
        os.chown(path, *run_as)


def barrier(path: Path, run_as: Account) -> Path | None:
    """Find the folder on the way to a path which the databases' user may not enter."""
    for folder in [*reversed(path.absolute().parents), path.absolute()]:
        status = folder.stat()
        bit = stat.S_IXUSR if status.st_uid == run_as.uid else stat.S_IXOTH
        if not status.st_mode & bit:
            return folder
    return None


def within_reach(folder: Path, home: Home, run_as: Account | None, *others: str) -> Path:
    """Give a folder of programs, or a copy of it that the databases' user can reach."""
    if run_as is None or barrier(folder, run_as) is None:
        return folder
    copies = home.services / "programs"
    mark = copies / "from"
    if not mark.exists() or mark.read_text() != _identity(folder):
        shutil.rmtree(copies, ignore_errors=True)
        for name in (folder.name, *others):
            if (folder.parent / name).is_dir():
                shutil.copytree(folder.parent / name, copies / name)
        copies.chmod(0o755)
        mark.write_text(_identity(folder))
    return copies / folder.name


def _identity(folder: Path) -> str:
    return f"{folder} {folder.stat().st_mtime_ns}"


def secret(root: Path) -> str:
    """Give this installation's secret; it is made once."""
    path = root / "secret"
    if not path.exists():
        new = path.with_name("secret.new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(48))
        new.rename(path)
    return path.read_text().strip()


def forget(root: Path) -> None:
    """Remove everything that an installation keeps, wherever that is."""
    if (link := root / "services").is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def only_one(root: Path, patience: float = 15) -> Iterator[int]:
    """Hold the lock of an installation; give its descriptor, for the children to hold as well.

    They do so that the next one waits until what a killed one left behind is over.
    """
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, root, time.monotonic() + patience)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, root: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        holder = os.pread(descriptor, 32, 0).decode()
        if _alive(holder) or time.monotonic() > deadline:
            raise SetupError(
                f"POMS already runs from {root} (process {holder or 'unknown'}): "
                "stop that one with Ctrl-C, or use it."
            )
        time.sleep(0.1)


def _alive(pid: str) -> bool:
    return pid.isdecimal() and Path(f"/proc/{pid}").exists()


def _elsewhere(root: Path, run_as: Account, base: Path) -> Path:
    link = root / "services"
    if not link.is_symlink():
        name = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:12]
        base.mkdir(mode=0o711, parents=True, exist_ok=True)
        (base / name).mkdir(mode=0o711, exist_ok=True)
        link.symlink_to(base / name)
    folder = link.readlink()
    folder.mkdir(mode=0o711, exist_ok=True)
    if (closed := barrier(folder, run_as)) is not None:
        raise SetupError(
            f"The databases can't run as root, and an unprivileged user can't enter {closed}: "
            f"`chmod o+x {closed}`, or start POMS as an ordinary user."
        )
    return folder


def _sockets(services: Path, run_as: Account | None) -> Path:
    folder = services / "run"
    if len(str(folder.absolute())) <= _LONGEST_FOLDER:
        return folder
    name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"poms-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    owners = {os.geteuid(), run_as.uid if run_as else os.geteuid()}
    if short.is_symlink() or short.stat().st_uid not in owners:
        raise SetupError(
            f"{short} is somebody else's: remove it, or set POMS_HOME to a short path."
        )
    return short


def room_left(folder: Path, needed: int = NEEDED_MB) -> None:
    """Refuse to start on a disk that is nearly full."""
    free = shutil.disk_usage(folder).free // 2**20
    if free < needed:
        raise SetupError(
            f"Only {free} MB are free where {folder} lies, and POMS needs {needed} MB: "
            "free some space, or set POMS_HOME to a folder on another disk."
        )
