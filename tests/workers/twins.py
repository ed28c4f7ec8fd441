"""Clusters that a protocol of ours would never make, and a batch system may have all the same."""

from batch import BatchSystem, Launch
from batch.directory import directory_of
from db import discrepancies, launches
from db.discrepancies import Discrepancy
from domain.discrepancies import DiscrepancyKind, Resolution
from domain.jobs import Resources
from tests.workers.house import House, until


async def submitted_again(
    system: BatchSystem, house: House, id: int, mark: str | None = None
) -> str:
    """Another cluster of a launch, as a client that was thought dead would still submit it."""
    attempt = await launches.current(house.db, id)
    assert attempt is not None
    directory = directory_of(house.spool, attempt.mark)
    limits = Resources(memory_mb=100, disk_mb=1)
    order = Launch(mark or attempt.mark, directory, [1, 2], limits, "toy/gen")
    return await system.submit(order)


async def found(house: House, kind: DiscrepancyKind) -> Discrepancy:
    """The one open discrepancy, once it is filed."""
    wanted = discrepancies.Wanted(is_open=True)

    async def filed() -> bool:
        return bool(await discrepancies.some(house.db, wanted, 0, 10, newest=False))

    await until(filed, f"a discrepancy of kind {kind}", house)
    (row,) = await discrepancies.some(house.db, wanted, 0, 10, newest=False)
    assert row.kind is kind
    return row


async def repaired(house: House, person_id: int, id: int) -> Discrepancy:
    await discrepancies.ask(house.db, id, person_id)

    async def over() -> bool:
        (row,) = await discrepancies.by_ids(house.db, [id])
        return row.resolution is not None

    await until(over, "the repair", house)
    (row,) = await discrepancies.by_ids(house.db, [id])
    assert row.resolution is Resolution.REPAIRED, row.said
    assert row.resolved_by == person_id
    return row
