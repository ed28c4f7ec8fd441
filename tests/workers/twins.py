"""Clusters that a protocol of ours would never make, and a batch system may have all the same."""

from batch import Launch
from batch.directory import directory_of
from batch.local import Local
from db import launches
from domain.jobs import Resources
from tests.workers.house import House


async def submitted_again(house: House, id: int, mark: str | None = None) -> str:
    """Another cluster of a launch, as a client that was thought dead would still submit it."""
    attempt = await launches.current(house.db, id)
    assert attempt is not None
    directory = directory_of(house.spool, attempt.mark)
    order = Launch(mark or attempt.mark, directory, [1, 2], Resources(), "toy/gen")
    return await Local(house.spool).submit(order)
