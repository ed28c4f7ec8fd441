"""A local batch system that can be read, but takes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.workers.house import House


@contextmanager
def block_batch_system(house: House) -> Iterator[None]:
    """A folder lies where it keeps a file: until then every submission is a fault of the system."""
    obstacle = house.spool / "local" / "number.lock"
    aside = obstacle.with_name("number.lock.aside")
    if obstacle.exists():
        obstacle.rename(aside)
    obstacle.mkdir(parents=True)
    yield
    obstacle.rmdir()
    if aside.exists():
        aside.rename(obstacle)
