"""The catalog in our own database, for files under one folder, the store."""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from catalogs import Claimed

CHUNK = 1 << 20
PLAIN_NAME = re.compile(r"[^/\x00-\x1f\x7f]{1,255}")


class Embedded:
    """Looks at files of the store themselves: their size, and the checksum of their bytes."""

    def __init__(self, store: Path) -> None:
        self.store = store.resolve()

    async def confirm(self, claimed: Sequence[Claimed]) -> list[str | None]:
        """Look at each file; reading goes on beside the event loop."""
        return await asyncio.to_thread(lambda: [self._look(c) for c in claimed])

    def _look(self, claimed: Claimed) -> str | None:
        path = Path(claimed.path)
        try:
            if not PLAIN_NAME.fullmatch(path.name):
                return "The name has a slash or control characters, or is too long."
            if not path.resolve().is_relative_to(self.store):
                return "It lies outside the store."
            size = path.stat().st_size
            if size != claimed.size:
                return f"It has {size} bytes, not {claimed.size}."
            return None if checksum(path) == claimed.checksum else "Its checksum differs."
        except FileNotFoundError:
            return "It is not there."
        except OSError as e:
            return f"It can't be read: {e.strerror}."


def checksum(path: Path) -> str:
    """`sha256:` and the hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"
