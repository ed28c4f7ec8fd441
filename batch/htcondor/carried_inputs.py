"""Inputs that go with the jobs: what was looked at gets a name that only we give, since HTCondor takes no opened files.

Each is a hard link in the launch directory to the file that was opened, so that what takes its place in its own
folder meanwhile, such as a link to another's file, does not travel. Where no link can be made it is a copy.
"""

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from batch import BatchRefused, Launch
from batch.payload.plain_files import UnsafeFileError, open_plain_file
from domain.people.experiment_folders import find_folder

FOLDER = "inputs"
_NO_LINK = frozenset(
    {
        *(errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK),
        *(errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOENT),
    }
)
"""Another file system, one without hard links, too many of them, a file that is not ours, or that was removed."""
COPIED_PER_S = 10e6
"""How slowly the store may be read."""


def put_inputs(launch: Launch, *, copies_mb: int, only_ours: bool) -> list[str]:
    """Put the inputs into the launch directory; returns, for each job, how HTCondor lists them.

    `only_ours`: nobody but our own account reads them there. What is no plain file of the experiment's does not
    travel: the payload misses it. Raises BatchRefused where more than so many MB would have to be copied.
    """
    folder = launch.directory / FOLDER
    folder.mkdir(exist_ok=True)
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(at, 0o700 if only_ours else 0o755)
        target = _Folder(at, copies_mb)
        return [
            ",".join(f"{folder}/{name}" for name in _put_job(launch, number, target))
            for number in launch.jobs
        ]
    finally:
        os.close(at)


def drop_inputs(directory: Path) -> None:
    """Remove them once nothing carries them any more: what was deleted elsewhere shall not lie on here."""
    shutil.rmtree(directory / FOLDER, ignore_errors=True)


def _put_job(launch: Launch, number: int, target: "_Folder") -> Iterator[str]:
    """The names, `JOB.PLACE`, of what may travel with one job; the payload gives each its own name again."""
    files = json.loads((launch.directory / f"units/{number}.json").read_text())["files"]
    for place, file in enumerate(files):
        with ExitStack() as opened:
            is_here = not file.get("is_elsewhere")
            fd = _open_input(file["path"], launch.folders, opened) if is_here else None
            if fd is not None:
                target.take(fd, f"{number}.{place}", file["path"])
                yield f"{number}.{place}"


def _open_input(path: str, folders: Sequence[Path], opened: ExitStack) -> int | None:
    """An input, read with our own rights, so that no link may lead to another's; None: it may not travel."""
    folder = find_folder(path, folders) if folders else Path(path).parent
    if folder is None:
        return None
    try:
        return opened.enter_context(open_plain_file(path, str(folder)))
    except (OSError, UnsafeFileError):
        return None


class _Folder:
    """Where inputs are put, and how much may still be copied there."""

    def __init__(self, fd: int, copies_mb: int) -> None:
        self._fd, self._copies_mb, self._left = fd, copies_mb, copies_mb * 1_000_000

    def take(self, fd: int, name: str, path: str) -> None:
        """Give an opened file a name there, or copy it; what lay there of an earlier try is replaced."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)
        try:
            # Only with a folder's descriptor does Python follow this link, to the opened file itself.
            os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=self._fd)
        except OSError as wrong:
            if wrong.errno not in _NO_LINK:
                raise
            self._copy(fd, name, path)

    def _copy(self, fd: int, name: str, path: str) -> None:
        status = os.fstat(fd)
        self._left -= status.st_size
        if self._left < 0:
            raise BatchRefused(
                f"{path} can't be linked into the launch directory, and this launch would copy more than"
                f" {self._copies_mb} MB of such inputs: put the spool on the file system of the inputs,"
                " let them be the workers' own files, or have an admin raise the schedd's _COPIES_MB"
            )
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        target = os.open(name, flags, 0o600, dir_fd=self._fd)
        try:
            _copy_bytes(fd, target, status.st_size)
            # Whoever may read the file reads its copy, too, as far as that is ours to give.
            with suppress(PermissionError):
                os.fchown(target, status.st_uid, status.st_gid)
            os.fchmod(target, stat.S_IMODE(status.st_mode) & 0o777)
        finally:
            os.close(target)


def _copy_bytes(source: int, target: int, size: int) -> None:
    """So many bytes and not one more, so that a file that grows is no reason to go on."""
    done = 0
    while done < size and (sent := os.sendfile(target, source, done, min(1 << 24, size - done))):
        done += sent
