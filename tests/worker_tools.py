"""The tools of a worker from which nobody needs to hear."""

from pathlib import Path
from typing import Any

from catalogs.embedded import EmbeddedCatalog
from db.pool import Pool
from workers.guard import InstallationGuard
from workers.tools import WorkerTools


async def ignore_ring(*_: object) -> None:
    return None


def make_worker_tools(db: Pool, folder: Path = Path("nowhere"), **given: Any) -> WorkerTools:
    """`given`: what is otherwise than usual."""
    usual: dict[str, Any] = {
        "systems": {},
        "catalog": EmbeddedCatalog(),
        "spool": folder,
        "store": folder,
    }
    guard = InstallationGuard()
    guard.doubt = ""
    usual |= {
        "guard": guard,
        "holder": "test",
        "lease_s": 10,
        "launch_lease_s": 60,
        "ring": ignore_ring,
        "enqueue": ignore_ring,
    }
    return WorkerTools(db=db, **(usual | given))
