"""Clusters that a protocol of ours would never make, and a batch system may have all the same."""

from batch import BatchSystem, Launch
from batch.directory import locate_launch_directory
from db.batch import discrepancies
from db.batch.discrepancies import Discrepancy
from db.launching import launches
from domain.discrepancies import DiscrepancyKind, Resolution
from domain.setup.resources import Resources
from tests.workers.house import House, wait_until


async def submit_again(system: BatchSystem, house: House, id: int, mark: str | None = None) -> str:
    """Another cluster of a launch, as a client that was thought dead would still submit it."""
    attempt = await launches.find_current_attempt(house.db, id)
    assert attempt is not None
    directory = locate_launch_directory(house.spool, attempt.mark)
    limits = Resources(memory_mb=100, disk_mb=1)
    order = Launch(mark or attempt.mark, directory, [1, 2], limits, "toy/gen")
    return await system.submit(order)


async def find_open(house: House, kind: DiscrepancyKind) -> Discrepancy:
    """The one open discrepancy, once it is filed."""
    wanted = discrepancies.DiscrepancyFilter(is_open=True)

    async def filed() -> bool:
        return bool(await discrepancies.list_page(house.db, wanted, 0, 10, newest=False))

    await wait_until(filed, f"a discrepancy of kind {kind}", house)
    (row,) = await discrepancies.list_page(house.db, wanted, 0, 10, newest=False)
    assert row.kind is kind
    return row


async def repair_open(house: House, person_id: int, id: int) -> Discrepancy:
    await discrepancies.request_repair(house.db, id, person_id)

    async def over() -> bool:
        (row,) = await discrepancies.find_by_ids(house.db, [id])
        return row.resolution is not None

    await wait_until(over, "the repair", house)
    (row,) = await discrepancies.find_by_ids(house.db, [id])
    assert row.resolution is Resolution.REPAIRED, row.result_message
    assert row.resolved_by == person_id
    return row
