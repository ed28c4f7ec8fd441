"""Where files are known. A catalog says whether a file is really there; a job's word is not enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a job says that it wrote: where, how many bytes, and their checksum (`sha256:hex`)."""

    path: str
    size: int
    checksum: str


class Catalog(Protocol):
    """One file catalog."""

    async def confirm(self, claimed: Sequence[Claimed]) -> list[str | None]:
        """Look at each file: None where it is as claimed, else what was found instead."""
        ...
