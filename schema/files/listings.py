"""Listings of datasets that refer to outside catalogs, as a client sees them."""

from datetime import datetime

import strawberry

from db.files import listings
from domain.files.listings import DifferenceKind, ListingState
from door.describe import declare_enum_type, declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.numbers import BigInt
from schema.people.people import Person, load_person

declare_enum_type(ListingState)
declare_enum_type(DifferenceKind)


@declare_object_type
class ListingDifference:
    """What a dataset's catalog has otherwise than the dataset; it is noted, and nothing of the dataset changes."""

    name: str
    """The file's name."""
    kind: DifferenceKind
    """In what it differs."""
    since: datetime
    """When it was first seen so."""
    details: str
    """What each of them has."""

    @classmethod
    def of(cls, row: listings.ListingDifference) -> "ListingDifference":
        """Show a row."""
        return cls(name=row.name, kind=row.kind, since=row.since, details=row.details)


@declare_object_type
class DatasetListing:
    """What a catalog has of a dataset at a time: all of it, or nothing of it counts."""

    state: ListingState
    """How far it is."""
    requested_at: datetime
    """When it was asked for."""
    begun_at: datetime | None
    """When the reading began that counts: the files are as they were then."""
    ended_at: datetime | None
    """When all was published, or it failed."""
    retry_at: datetime | None
    """When it is gone on with, where the catalog did not answer."""
    attempts_failed: int
    """How often the catalog did not answer, or not in full."""
    trouble: str
    """What is wrong, in the catalog's words or ours; empty: nothing."""
    expected_count: BigInt | None
    """How many files the catalog says there are; null where it can't say."""
    listed_count: BigInt
    """How many were read by now."""
    fresh_count: BigInt
    """How many of them the dataset had not; known once all are read."""
    published_count: BigInt
    """How many of these have their place in the dataset by now."""
    gone_count: BigInt
    """Files of the dataset that the catalog has no more; while it waits, those that were there at the last one."""
    differing_count: BigInt
    """Files that the catalog has otherwise than the experiment, or several times."""
    unchanged: bool
    """Whether nothing was read, since the catalog told the same numbers as before."""
    reason: str
    """What was said when somebody decided about it."""
    requested_by_id: strawberry.Private[int | None]
    decided_by_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: listings.DatasetListing) -> "DatasetListing":
        """Show a row."""
        is_open = row.ended_at is None and row.state is not ListingState.WAITING
        return cls(
            state=row.state,
            requested_at=row.requested_at,
            begun_at=row.begun_at,
            ended_at=row.ended_at,
            retry_at=row.next_try_at if is_open and row.attempts else None,
            attempts_failed=row.attempts,
            trouble=row.trouble,
            expected_count=row.told_before if row.told_after is None else row.told_after,
            listed_count=row.listed,
            fresh_count=row.fresh,
            published_count=min(row.placed_to, row.fresh),
            gone_count=row.gone,
            differing_count=row.differing + row.doubled,
            unchanged=row.is_unchanged,
            reason=row.reason,
            requested_by_id=row.requested_by,
            decided_by_id=row.decided_by,
        )

    @declare_query()
    async def requested_by(self, info: Info) -> Person | None:
        """Who asked for it; null: its time had come."""
        return (
            None if self.requested_by_id is None else await load_person(info, self.requested_by_id)
        )

    @declare_query()
    async def decided_by(self, info: Info) -> Person | None:
        """Who has said whether it is right, where it had to wait for that."""
        return None if self.decided_by_id is None else await load_person(info, self.decided_by_id)
