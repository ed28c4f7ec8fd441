"""Opens files that a job or a user named: regular ones only, by their one name, through no symbolic link.

It travels with every job, and uses nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

PIECE = 1 << 20
PATIENCE_S, LEAST_RATE = 60.0, 1_000_000
"""Bytes a second, after some patience: what is read slower than that is given up."""
SPARSE_FROM, SPARSE_SHARE = 64 << 20, 100
"""A file of so many bytes, of which less than one part in so many is on the disk, costs only who reads it."""


class UnsafeFileError(Exception):
    """What lies there is not opened; the text says why, and nothing of what a link leads to."""


@contextmanager
def open_plain_file(path: str, folder: str, *, one_name: bool = False) -> Iterator[int]:
    """Open a regular file below a trusted folder for reading; yields its descriptor, and closes it.

    `folder` itself may be reached through links. Nothing blocks that is no regular file, and no device is touched.
    `one_name`: a file that has another (hard) link, by which others may change it, is refused.
    Raises UnsafeFileError, and OSError as `open` does.
    """
    with _open_parent(path, folder) as (at, name):
        _check_plain_file(os.stat(name, dir_fd=at, follow_symlinks=False), one_name=one_name)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        fd = os.open(name, flags, dir_fd=at)
    try:
        _check_plain_file(os.fstat(fd), one_name=one_name)
        yield fd
    finally:
        os.close(fd)


def measure_plain_file(path: str, folder: str) -> int:
    """The size of a regular file below a trusted folder, without opening it: that could fetch it from a tape.

    Raises as `open_plain_file` does.
    """
    with _open_parent(path, folder) as (at, name):
        status = os.stat(name, dir_fd=at, follow_symlinks=False)
        _check_plain_file(status, one_name=False)
        return status.st_size


@contextmanager
def _open_parent(path: str, folder: str) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder in which a file lies, and its name there."""
    parts = os.path.relpath(path, folder).split(os.sep)
    if os.pardir in parts or parts == [os.curdir]:
        raise UnsafeFileError("It lies elsewhere.")
    at = _open_folder(folder, parts[:-1])
    try:
        yield at, parts[-1]
    finally:
        os.close(at)


def _open_folder(folder: str, parts: list[str]) -> int:
    """A descriptor of the folder that so many steps lead to, none of them a link."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    at = os.open(folder, flags)
    for part in parts:
        try:
            inner = os.open(part, flags | os.O_NOFOLLOW, dir_fd=at)
        except NotADirectoryError:
            raise UnsafeFileError("On the way is something that is no folder.") from None
        finally:
            os.close(at)
        at = inner
    return at


def _check_plain_file(status: os.stat_result, *, one_name: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFileError("It is no regular file.")
    if one_name and status.st_nlink != 1:
        raise UnsafeFileError("It has other names (hard links).")


def check_size(fd: int, size: int) -> None:
    """Refuse a file of another size, and one that is hardly more than a hole; nothing of it is read."""
    status = os.fstat(fd)
    if status.st_size != size:
        raise UnsafeFileError(f"It has {status.st_size} bytes, not {size}.")
    if size >= SPARSE_FROM and status.st_blocks * 512 * SPARSE_SHARE < size:
        raise UnsafeFileError("It is nearly all holes (a sparse file).")


class _Adler32:
    """As the digests of hashlib are."""

    def __init__(self) -> None:
        self._sum = 1

    def update(self, piece: bytes) -> None:
        self._sum = zlib.adler32(piece, self._sum)

    def hexdigest(self) -> str:
        return f"{self._sum:08x}"


HASHES = ("md5", "sha1", "sha256", "sha512")
COMPARABLE = re.compile(rf"({'|'.join(HASHES)}|adler32):[0-9a-f]{{1,128}}", re.IGNORECASE)


def is_comparable(checksum: str | None) -> bool:
    """Whether we can compute what it says: an algorithm that we know, a colon, and hexadecimal digits."""
    return bool(checksum and COMPARABLE.fullmatch(checksum))


def has_checksum(fd: int, size: int, checksum: str) -> bool:
    """Whether the first so many bytes have this checksum, one that `is_comparable`, and no byte follows.

    Reads as `compute_checksums` does.
    """
    kind, _, wanted = checksum.partition(":")
    found = compute_checksums(fd, size, [kind.lower()])
    return found is not None and found[0] == wanted.lower().rjust(len(found[0]), "0")


def compute_checksums(fd: int, size: int, kinds: Sequence[str]) -> list[str] | None:
    """Checksums of the first so many bytes, of kinds that are comparable; None if they end before, or more follow.

    Reads never more than that and one byte, so that a file that grows is no reason to go on. Raises UnsafeFileError
    where reading is too slow.
    """
    digests = [
        hashlib.new(kind, usedforsecurity=False) if kind in HASHES else _Adler32() for kind in kinds
    ]
    until = time.monotonic() + PATIENCE_S + size / LEAST_RATE
    left = size
    while left and (piece := os.read(fd, min(PIECE, left))):
        for digest in digests:
            digest.update(piece)
        left -= len(piece)
        if time.monotonic() > until:
            raise UnsafeFileError("It can't be read in time.")
    if left or os.read(fd, 1):
        return None
    return [digest.hexdigest() for digest in digests]
