"""Launches that are over, laid aside in a folder: for a reader whose database is restored from an older dump."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

KEPT_S = 30 * 86400.0
"""For how long: as old as a dump may be."""


def list_expired_folders(folder: Path) -> Iterator[Path]:
    """What was laid aside longer ago than that."""
    until = time.time() - KEPT_S
    for path in [*folder.iterdir()]:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < until:
                yield path
