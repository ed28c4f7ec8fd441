"""What one process knows of whether it may act on clusters, and its hold on the spool for its own database."""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO

from domain.batch.installations import InstallationIdentity


class InstallationGuard:
    """Closed until the installation was looked at (workers/installation.py)."""

    def __init__(self) -> None:
        self.doubt = "nobody has looked yet whose database and spool these are"
        """Why nothing may act on clusters; empty: it may."""
        self.identity: InstallationIdentity | None = None
        """What the spool said when there was no doubt."""
        self._held: IO[str] | None = None

    def take(self, spool: Path, database: str) -> bool:
        """Hold the spool for a database, together with all its workers; False while those of another one do."""
        path = spool / f".database-{hashlib.sha256(database.encode()).hexdigest()[:16]}.lock"
        if self._holds(path):
            return True
        self.release()
        lock = path.open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._held = lock
        if any(_is_held(other) for other in spool.glob(".database-*.lock") if other != path):
            self.release()
        return self._held is not None

    def _holds(self, path: Path) -> bool:
        if self._held is None or not path.exists():
            return False
        return os.path.samestat(os.fstat(self._held.fileno()), path.stat())

    def release(self) -> None:
        """Let workers of another database have the spool."""
        if self._held is not None:
            self._held.close()
        self._held = None


def _is_held(path: Path) -> bool:
    """Whether some process does; it is asked for by trying to have it alone."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
