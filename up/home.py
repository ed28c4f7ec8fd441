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

from up import children
from up.children import UnixAccount
from up.faults import SetupError

# Where root's databases live when the checkout is somewhere that only root can enter.
ELSEWHERE = Path("/var/lib/poms")
NEEDED_MB = 400
# The longest name of a unix socket, less what Postgres and Valkey add to the folder's.
_LONGEST_FOLDER = 107 - len("/postgres/.s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True)
class InstallationFolders:
    """The folders of one installation."""

    root: Path
    services: Path
    """What the databases' unprivileged user can reach: the root, or a folder elsewhere."""
    sockets: Path
    """A folder with one for each of the databases, its own account's alone."""

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


def open_home(root: Path, elsewhere: Path = ELSEWHERE) -> InstallationFolders:
    """Make the folders that are not there yet."""
    run_as = children.choose_own_account(children.POSTGRES)
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o711 if run_as else 0o700)
    services = root
    if run_as is not None and find_barrier(root, run_as) is not None:
        services = _choose_services_folder(root, run_as, elsewhere)
    home = InstallationFolders(root, services, _make_socket_folder(services))
    home.logs.mkdir(mode=0o700, exist_ok=True)
    home.valkey.mkdir(mode=0o700, exist_ok=True)
    give_all(home.valkey, children.choose_own_account(children.VALKEY))
    if home.postgres.exists():
        give_all(home.postgres, run_as)
    check_free_space(services)
    return home


def give_ownership(path: Path, run_as: UnixAccount | None) -> None:
    """Make a path belong to the user of a service."""
    if run_as is not None:
        os.chown(path, *run_as)


def give_all(folder: Path, run_as: UnixAccount | None, before: UnixAccount | None = None) -> None:
    """Make a folder of `before` (else of root or nobody, as whom older versions ran services) belong to a user,
    with all in it. What is somebody else's stays that, and is said."""
    old = folder.stat().st_uid
    given_by = {0, (before or children.find_run_account() or UnixAccount(0, 0)).uid}
    if run_as is None or old == run_as.uid or old not in given_by:
        return
    for where, folders, files, here in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            whose = os.stat(name, dir_fd=here, follow_symlinks=False).st_uid
            if whose not in (old, run_as.uid):
                raise SetupError(
                    f"{Path(where, name)} is somebody else's: `chown` it, or `make reset`."
                )
            os.chown(name, *run_as, dir_fd=here, follow_symlinks=False)
    os.chown(folder, *run_as)  # at last, so that one that is cut off begins again


def find_barrier(path: Path, run_as: UnixAccount) -> Path | None:
    """Find the folder on the way to a path which the databases' user may not enter."""
    for folder in [*reversed(path.absolute().parents), path.absolute()]:
        status = folder.stat()
        bit = stat.S_IXUSR if status.st_uid == run_as.uid else stat.S_IXOTH
        if not status.st_mode & bit:
            return folder
    return None


def copy_within_reach(
    folder: Path, home: InstallationFolders, run_as: UnixAccount | None, *others: str
) -> Path:
    """Give a folder of programs, or a copy of it that the databases' user can reach."""
    if run_as is None or find_barrier(folder, run_as) is None:
        return folder
    copies = home.services / f"programs-{folder.name}"
    mark = copies / "from"
    if not mark.exists() or mark.read_text() != _identify_folder(folder):
        shutil.rmtree(copies, ignore_errors=True)
        for name in (folder.name, *others):
            if (folder.parent / name).is_dir():
                shutil.copytree(folder.parent / name, copies / name)
        copies.chmod(0o755)
        mark.write_text(_identify_folder(folder))
    return copies / folder.name


def _identify_folder(folder: Path) -> str:
    return f"{folder} {folder.stat().st_mtime_ns}"


def ensure_secret(root: Path, name: str = "secret") -> str:
    """Give one of this installation's secrets; each is made once."""
    if not (root / name).exists():
        keep_secret(root, name, secrets.token_urlsafe(48))
    return (root / name).read_text().strip()


def keep_secret(root: Path, name: str, text: str) -> None:
    """Write a secret down, whole or not at all, for its owner's eyes only."""
    new = root / f"{name}.new"
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text)
    new.rename(root / name)


def find_saved_secret(root: Path) -> str:
    """Give the secret that somebody has put aside so that a new one is made; empty when there is none."""
    path = root / "secret-before"
    return path.read_text().strip() if path.exists() else ""


def remove_installation(root: Path) -> None:
    """Remove everything that an installation keeps, wherever that is."""
    if (link := root / "services").is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def hold_installation(root: Path, patience: float = 15) -> Iterator[int]:
    """Hold the lock of an installation; give its descriptor, for the children to hold as well.

    They do so that the next one waits until what a killed one left behind is over.
    """
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock_installation(descriptor, root, time.monotonic() + patience)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock_installation(descriptor: int, root: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        holder = os.pread(descriptor, 32, 0).decode()
        if _is_alive(holder) or time.monotonic() > deadline:
            raise SetupError(
                f"POMS already runs from {root} (process {holder or 'unknown'}): "
                "stop that one with Ctrl-C, or use it."
            )
        time.sleep(0.1)


def _is_alive(pid: str) -> bool:
    return pid.isdecimal() and Path(f"/proc/{pid}").exists()


def _choose_services_folder(root: Path, run_as: UnixAccount, base: Path) -> Path:
    link = root / "services"
    if not link.is_symlink():
        name = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:12]
        base.mkdir(mode=0o711, parents=True, exist_ok=True)
        (base / name).mkdir(mode=0o711, exist_ok=True)
        link.symlink_to(base / name)
    folder = link.readlink()
    folder.mkdir(mode=0o711, exist_ok=True)
    if (closed := find_barrier(folder, run_as)) is not None:
        raise SetupError(
            f"The databases can't run as root, and an unprivileged user can't enter {closed}: "
            f"`chmod o+x {closed}`, or start POMS as an ordinary user."
        )
    return folder


def _make_socket_folder(services: Path) -> Path:
    folder = services / "run"
    if len(str(folder.absolute())) > _LONGEST_FOLDER:
        name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"poms-run-{name}"
    elif folder.exists() and folder.stat().st_uid != os.geteuid():
        shutil.rmtree(folder)  # an older version gave it to nobody
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise SetupError(
            f"{folder} is somebody else's: remove it, or set POMS_HOME to a short path."
        )
    folder.chmod(0o711)
    for name, account in (("postgres", children.POSTGRES), ("valkey", children.VALKEY)):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
        give_ownership(folder / name, children.choose_own_account(account))
    return folder


def check_free_space(folder: Path, needed: int = NEEDED_MB) -> None:
    """Refuse to start on a disk that is nearly full."""
    free = shutil.disk_usage(folder).free // 2**20
    if free < needed:
        raise SetupError(
            f"Only {free} MB are free where {folder} lies, and POMS needs {needed} MB: "
            "free some space, or set POMS_HOME to a folder on another disk."
        )
