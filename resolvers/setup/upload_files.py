"""The bytes of uploads on the disk: written beside those that are there, and put in place by a rename."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from domain.setup.uploads import locate_upload_folder
from lanes import Lane

LANE = Lane("uploads", 30.0)
"""Whatever touches that disk in this process."""
BEGUN = ".new-"
STALE_S = 86_400.0
"""A file that was begun so long ago is nobody's any more."""


class UploadFile:
    """A new file of a person, of which nobody knows until it is published. Blocking: call it in the lane."""

    def __init__(self, root: Path, experiment_id: int, person_id: int) -> None:
        self._steps = locate_upload_folder(root, experiment_id, person_id).relative_to(root).parts
        self._root, self._name = root, f"{BEGUN}{uuid4().hex}"
        self._digest, self.size, self._is_published = sha256(), 0, False
        with self._open_folder() as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self._name, flags, 0o600, dir_fd=folder), "wb")
            _drop_stale(folder, os.fstat(self._file.fileno()).st_mtime)

    @property
    def checksum(self) -> str:
        """Of what was written until now."""
        return f"sha256:{self._digest.hexdigest()}"

    def write(self, piece: bytes) -> None:
        """Put bytes at its end."""
        self._file.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def finish(self) -> None:
        """Have all of it on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def publish(self, upload_id: int) -> None:
        """Give it the name under which it is looked for: an id that no other file has had."""
        with self._open_folder() as folder:
            os.rename(self._name, str(upload_id), src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        self._is_published = True

    def discard(self) -> None:
        """Leave nothing of it, unless it is published: whether what names it was committed may be in doubt."""
        with suppress(OSError):
            self._file.close()
        if self._is_published:
            return
        with suppress(OSError), self._open_folder() as folder:
            os.unlink(self._name, dir_fd=folder)

    @contextmanager
    def _open_folder(self) -> Iterator[int]:
        """A descriptor of the person's folder, made where it is not there; no step of it is a link."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        at = os.open(self._root, flags)
        for step in self._steps:
            try:
                with suppress(FileExistsError):
                    os.mkdir(step, 0o700, dir_fd=at)
                inner = os.open(step, flags | os.O_NOFOLLOW, dir_fd=at)
            finally:
                os.close(at)
            at = inner
        try:
            yield at
        finally:
            os.close(at)


def _drop_stale(folder: int, now: float) -> None:
    """Remove what was begun by processes that are gone."""
    with os.scandir(folder) as there:
        old = [entry.name for entry in there if _is_stale(entry, now)]
    for name in old:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)


def _is_stale(entry: "os.DirEntry[str]", now: float) -> bool:
    if not entry.name.startswith(BEGUN):
        return False
    with suppress(OSError):
        return now - entry.stat(follow_symlinks=False).st_mtime > STALE_S
    return False
