"""What every worker works with."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batch import BatchSystem
from catalogs import Catalog
from db.pool import Pool
from db.submissions import Submission
from domain.gates import Rate
from domain.submissions import SubmissionState
from workers.beside import Beside
from workers.vault import Vault

log = logging.getLogger("workers")
SCRIPT_LEASE_S = 300.0
"""The lease of a launch script, which is stopped when it can't be renewed: the database may be away for a while."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The database, the batch systems and the catalog, and who this process is to the others."""

    db: Pool
    systems: Mapping[str, BatchSystem]
    catalog: Catalog
    spool: Path
    store: Path
    holder: str
    """Unique to this process, for leases."""
    lease_s: float
    launch_lease_s: float
    ring: Callable[[], Awaitable[None]]
    """Tell that something was committed; bounded, never raises."""
    enqueue: Callable[[str, int, int], Awaitable[None]]
    """Hand (function, submission, attempt) to any worker; bounded, never raises, may be lost."""
    rate: Rate = field(default_factory=Rate)
    """How fast each batch system is given launches."""
    beside: Beside = field(default_factory=Beside)
    """Where launch scripts are followed, which take long."""
    script_limit_s: float = 1800.0
    ssh: Sequence[str] = ()
    """Options of ssh, by which launch scripts come to their hosts."""
    vault: Vault = field(default_factory=Vault)
    """Where credentials lie."""

    async def tell(self, made: Sequence[Submission]) -> None:
        """After a commit: ring, and hand new submissions over for their launch; the sweep finds what is lost."""
        for submission in made:
            if submission.state is SubmissionState.NEW:
                await self.enqueue("launch", submission.id, submission.launch_attempt + 1)
        await self.ring()
