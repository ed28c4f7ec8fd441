"""Files in folders where jobs can write: nothing but a plain file is opened, and none is waited for."""

import errno
import os
import stat
from io import FileIO


class NotPlainError(OSError):
    """What has the file's name is a link, a pipe, a device, a folder, or too large."""


def open_plain(path: str | os.PathLike[str]) -> FileIO:
    """Open a plain file for reading; raises OSError, NotPlainError where it is something else."""
    try:
        # Without O_NONBLOCK a pipe keeps whoever opens it for ever.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as wrong:
        if wrong.errno in (errno.ELOOP, errno.ENXIO):
            raise NotPlainError(wrong.errno, "not a plain file", str(path)) from wrong
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotPlainError(errno.EINVAL, "not a plain file", str(path))
    return FileIO(fd)


def read_plain(path: str | os.PathLike[str], most: int) -> bytes:
    """Read a plain file whole; raises OSError, NotPlainError where it is something else or has more bytes."""
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(min(size, most) + 1)
    if len(content) > most:
        raise NotPlainError(errno.EFBIG, f"more than {most} bytes", str(path))
    return content


def read_tail(path: str | os.PathLike[str], most: int) -> bytes:
    """The last bytes of a plain file; raises OSError, NotPlainError where it is something else."""
    with open_plain(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        return file.read(most)
