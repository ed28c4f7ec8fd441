"""Files of the archive: written beside, read again, and only then called by their names."""

import gzip
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK = 1 << 20


class ArchiveFileError(Exception):
    """A file of the archive is not what it has to be."""


@dataclass(frozen=True, slots=True)
class ArchiveFileFacts:
    """What a file says of itself."""

    row_count: int
    sha256: str
    bytes: int


class ArchiveWriter:
    """A file that is being written; the caller's thread waits for the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._beside = path.with_name(f".{path.name}.part")
        # Not its parents: the archive's disk may be away.
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._raw = self._beside.open("wb")
        os.fchmod(self._raw.fileno(), 0o600)
        self._file: Any = gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=6, mtime=0)

    def write(self, data: bytes) -> None:
        """Append a piece of CSV."""
        self._file.write(data)

    def finish(self, row_count: int) -> ArchiveFileFacts:
        """Bring it to the disk, and read it again: it has so many rows, or `ArchiveFileError` is raised."""
        self._file.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        facts = read_archive_file(self._beside)
        if facts.row_count != row_count:
            raise ArchiveFileError(
                f"{self._beside} has {facts.row_count} rows, not {row_count}: look at the disk."
            )
        return facts

    def publish(self) -> None:
        """Give it its name; one that was never recorded is replaced."""
        self._beside.replace(self.path)
        for folder in (self.path.parent, self.path.parent.parent):
            _sync_folder(folder)

    def close(self) -> None:
        """Let go of what was not finished."""
        self._raw.close()


def read_archive_file(path: Path) -> ArchiveFileFacts:
    """Read all of a file, to its last row."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as raw:
        while block := raw.read(BLOCK):
            digest.update(block)
            size += len(block)
    rows, quotes = -1, 0  # the header is none
    with gzip.open(path, "rb") as lines:
        for line in lines:
            # A line ends a row unless it ends inside of a quoted text; quotes in those are doubled.
            quotes += line.count(b'"')
            rows += quotes % 2 == 0
    return ArchiveFileFacts(rows, f"sha256:{digest.hexdigest()}", size)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
