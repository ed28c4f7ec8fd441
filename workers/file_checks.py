"""Look at whether files are there that people ask about: workers only, in the store's lane, some at a time."""

from collections.abc import Sequence

from catalogs import CatalogUnavailable
from db.files import file_checks
from db.files.file_checks import DueFileCheck
from domain.files.file_checks import FileCheckTally, list_sampled_ordinals
from workers.dispatch import Dispatcher, TaskPool
from workers.folders import list_experiment_folders
from workers.setbacks import hold_thing
from workers.tools import WorkerTools

OF_EACH, MOST = 1, 4
"""Looks at once for each experiment, and for all."""
LEASE_S = 180.0
"""More than the store may take for one part."""


def make_dispatcher() -> Dispatcher[DueFileCheck, int]:
    """Hand looks out by their experiments."""
    pool = TaskPool[int](file_checks.LOOP, OF_EACH, MOST)
    return Dispatcher(pool, _take_check, _look_at_files, lambda row: row.experiment_id)


async def _take_check(tools: WorkerTools, full: Sequence[int]) -> DueFileCheck | None:
    return await file_checks.claim_check(tools.db, LEASE_S, full)


async def _look_at_files(tools: WorkerTools, row: DueFileCheck) -> None:
    async with hold_thing(tools, file_checks.LOOP) as thing:
        thing.name(f"file_check:{row.id}", experiment_id=row.experiment_id)
        try:
            tally = await _tally_files(tools, row)
        except CatalogUnavailable as error:
            await file_checks.give_up_check(tools.db, row, str(error))
            return
        if tally is not None:
            await file_checks.record_check(tools.db, row, tally)


async def _tally_files(tools: WorkerTools, row: DueFileCheck) -> FileCheckTally | None:
    """What is found part by part; None: it was asked for anew."""
    folders = await list_experiment_folders(tools, row.experiment_id)
    tally = FileCheckTally()
    for part in list_sampled_ordinals(row.low, row.high, row.listed, is_whole=row.is_whole):
        places = await file_checks.list_places(tools.db, row.dataset_id, part)
        for place, seen in zip(places, await tools.catalog.look(places, folders), strict=True):
            tally.add(place.name, place.location, seen)
        if not await file_checks.renew_check(tools.db, row, LEASE_S):
            return None
    return tally
