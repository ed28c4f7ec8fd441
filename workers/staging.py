"""Bring a launch's files to disk before it begins, keep them there while it lives, and let them go."""

from collections.abc import Sequence
from datetime import timedelta

from catalogs import CatalogRefused, ListingCatalog, StagingCatalog, StagingState
from db.clock import read_time
from db.files.catalogs import Catalog
from db.launching import catalog_launches
from db.launching.catalog_launches import CatalogLaunch, CatalogLaunchClaim
from domain.launching.catalog_launches import LOOK, CatalogLaunchState
from workers.failpoints import wrap_failpoints
from workers.tools import WorkerTools

KEPT = timedelta(days=7)
"""For how long files are asked to be on disk; asked again each day while the submission lives."""
KEEP_AGAIN = timedelta(days=1)


def explain_staging(found: CatalogLaunch) -> str:
    """Why a launch waits whose files are not all on disk yet."""
    said = f": {found.trouble}" if found.trouble else ""
    if found.read_at is None:
        return f"It waits until its files are on disk{said or '.'}"
    total = found.waiting + found.delivered + found.failed
    stuck = f", {found.failed} are stuck" if found.failed else ""
    return f"It waits until its files are on disk: {found.delivered} of {total} are{stuck}{said}"


def require_one_catalog(files: Sequence[tuple[str, str]], catalog: str) -> None:
    """Raise CatalogRefused where a file, of these with their catalogs, is another's."""
    if elsewhere := next((name for name, where in files if where != catalog), None):
        raise CatalogRefused(f"{elsewhere} is not one of the files of {catalog}.")


async def take_staging_step(
    tools: WorkerTools, claim: CatalogLaunchClaim, catalog: Catalog, asked: ListingCatalog
) -> None:
    """Do what is next: ask for its files, look how many are there, keep them, or let them go."""
    if not isinstance(asked, StagingCatalog):
        raise CatalogRefused(f"{catalog.name} brings no files to disk.")
    if claim.is_over:
        async with wrap_failpoints("staging.release"):
            await asked.release(claim.staging)
        await catalog_launches.record_conclusion(tools.db, claim, claim.counts)
        return
    files = await catalog_launches.list_files(tools.db, claim.submission_id)
    require_one_catalog(files, catalog.name)
    state = await _read_staging(tools, claim, asked, [name for name, _ in files])
    counts = [state.coming, state.on_disk, 0, state.stuck]
    is_kept = claim.state is CatalogLaunchState.READY
    if not is_kept and state.on_disk == len(files):
        await catalog_launches.record_ready(tools.db, claim, KEEP_AGAIN, counts)
    else:
        look = KEEP_AGAIN if is_kept else LOOK
        await catalog_launches.record_progress(tools.db, claim, look, counts, state.reason)


async def _read_staging(
    tools: WorkerTools, claim: CatalogLaunchClaim, asked: StagingCatalog, names: Sequence[str]
) -> StagingState:
    """How far it is; asked for (for longer), if nobody has yet or it is being kept."""
    state = await asked.read_staging(claim.staging)
    if state is None or claim.state is CatalogLaunchState.READY:
        async with wrap_failpoints("staging.ask"):
            until = await read_time(tools.db) + KEPT
            await asked.stage(claim.staging, names, until)
        state = await asked.read_staging(claim.staging)
    if state is None:
        raise CatalogRefused(
            "The catalog knows nothing of what it was just asked to bring to disk."
        )
    return state
