"""What the processes say: a file for each, the one before it, and a bound on both."""

import os
from pathlib import Path

LIMIT = 16 * 2**20
_KEPT = 2**20


def open_log(path: Path) -> int:
    """Open a process's log for appending; a large one is put aside first."""
    trim_log(path)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def rotate_log(path: Path) -> None:
    """Put the last run's log aside, in place of the one before."""
    if path.exists():
        path.rename(path.with_name(path.name + ".1"))


def trim_log(path: Path, limit: int = LIMIT) -> None:
    """Put the end of a log aside and empty it when it has grown past the bound.

    The writer goes on at the new end, since it appends.
    """
    if not path.exists() or path.stat().st_size <= limit:
        return
    with path.open("rb+") as file:
        file.seek(-min(_KEPT, limit), os.SEEK_END)
        path.with_name(path.name + ".1").write_bytes(file.read())
        file.truncate(0)


def measure_log(path: Path) -> int:
    """Say where a log ends now."""
    return path.stat().st_size if path.exists() else 0


def read_last_lines(path: Path, since: int = 0, count: int = 8, width: int = 400) -> list[str]:
    """Read the end of what was written to a log since it had a size, however long it is."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(since if since <= end else 0, end - count * width))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line[:width] for line in text.splitlines() if line.strip()][-count:]
