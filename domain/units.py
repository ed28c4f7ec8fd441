"""Work units: what must be done, and survives every recovery of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a generator's unit is; a recovery makes the very same events again."""

    index: int
    seed: int
    run: int
    subrun: int
    first_event: int
    events: int


def identity(stage_id: int, epoch: int, index: int, events: int) -> Identity:
    """The identity of one unit: unique over stages, epochs (those of tests too) and indices.

    The run says which stage and epoch, the subrun which unit; event numbers go on from unit to unit.
    """
    return Identity(
        index=index,
        seed=(stage_id << 40) + ((epoch % 256) << 32) + index + 1,
        run=stage_id * 1000 + epoch % 1000,
        subrun=index + 1,
        first_event=index * events + 1,
        events=events,
    )


def identities(stage_id: int, epoch: int, low: int, high: int, events: int) -> list[Identity]:
    """The units of a generator's slice."""
    return [identity(stage_id, epoch, index, events) for index in range(low, high)]


def count(files: int, files_per_job: int) -> int:
    """How many units that many files make."""
    return -(-files // files_per_job)


def divide(files: Sequence[T], files_per_job: int) -> Iterator[list[T]]:
    """Files in order, as many as go into each unit."""
    rest = iter(files)
    while unit := list(islice(rest, files_per_job)):
        yield unit
