"""What every worker works with."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from batch import BatchSystem
from catalogs import Catalog
from db.pool import Pool

log = logging.getLogger("workers")


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
