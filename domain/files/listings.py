"""Listings: what an outside catalog has of a dataset at a time, and what follows from it."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.files.catalogs import DatasetPolicy

PERIOD, LONGEST_PERIOD = timedelta(minutes=10), timedelta(hours=1)
"""How often a growing dataset is listed, and at least while nothing comes."""
READ_ALL_EVERY = timedelta(days=1)
"""After so long all files are read, also where the catalog tells the same number as before."""
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=5), timedelta(minutes=15)
MOST_SHRINKING = 0.1
"""The share of a dataset's files that may be gone at once without somebody saying that it is right."""


class ListingState(StrEnum):
    """How far a listing is."""

    REQUESTED = "requested"
    """It waits for a worker, or for its catalog to answer again."""
    READING = "reading"
    """A worker reads it; nothing of it counts before it is complete."""
    PUBLISHING = "publishing"
    """It is complete, and what is new gets its ordinals."""
    WAITING = "waiting"
    """It is complete, but so many files are gone that somebody has to say that it is right."""
    PUBLISHED = "published"
    """The dataset has all its files."""
    FAILED = "failed"
    """The catalog refuses, or somebody has said that it is wrong: nothing of it was taken."""


OPEN_STATES = (
    ListingState.REQUESTED,
    ListingState.READING,
    ListingState.PUBLISHING,
    ListingState.WAITING,
)


class DifferenceKind(StrEnum):
    """What a listing has otherwise than its dataset."""

    GONE = "gone"
    """The dataset has the file, the catalog has it no more."""
    DIFFERS = "differs"
    """The experiment has a file of this name with another size or checksum."""
    DOUBLED = "doubled"
    """The catalog lists the name more than once, with different sizes or checksums."""


@dataclass(frozen=True, slots=True)
class ToldCounts:
    """What the catalog said of a definition at a time."""

    files: int | None
    bytes: int | None = None
    revision: str | None = None


def is_complete(listed: int, before: int | None, after: int | None) -> bool:
    """Whether a listing lies between what the catalog said before and after it; who can't count has to be believed."""
    if before is None or after is None:
        return True
    return min(before, after) <= listed <= max(before, after)


def is_told_unchanged(last: ToldCounts, now: ToldCounts, *, is_closed: bool) -> bool:
    """Whether nothing need be read, by the catalog's own word."""
    if now.revision is not None:
        return now.revision == last.revision
    if now.files is None or now.files != last.files:
        return False
    return is_closed or (now.bytes is not None and now.bytes == last.bytes)


def must_wait_for_decision(gone: int, had: int) -> bool:
    """Whether so many of the files that were there are gone that a person has to look."""
    return gone > had * MOST_SHRINKING


def compute_next_listing(policy: DatasetPolicy, idle: int, now: datetime) -> datetime | None:
    """When a dataset is listed again, after so many listings in a row that brought nothing; None: not by itself."""
    if policy is DatasetPolicy.ONCE:
        return None
    return now + _draw_wait(min(LONGEST_PERIOD, PERIOD * 2 ** min(idle, 10)))


def compute_next_try(attempts: int, now: datetime) -> datetime:
    """When a listing is tried again, after so many tries in vain."""
    return now + _draw_wait(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(max(attempts - 1, 0), 20)))


def _draw_wait(wait: timedelta) -> timedelta:
    """Not all at the same time."""
    return wait * random.uniform(0.8, 1)  # noqa: S311
