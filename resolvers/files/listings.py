"""Asking for listings of datasets, and deciding about those that wait for it."""

import strawberry

from db.files import listings
from domain.names import check_reason
from door.describe import declare_object_type
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import DATASET, find_allowed
from schema.context import Info
from schema.files.datasets import (
    Dataset,
    DecideListingInput,
    DecideListingResult,
    RefreshDatasetResult,
)
from schema.problems import Invalid, NotFound, NotPermitted


@declare_object_type
class ListingMutations:
    """Listings of datasets that refer to outside catalogs."""

    @declare_mutation("modify")
    async def refresh_dataset(self, info: Info, id: strawberry.ID) -> RefreshDatasetResult:
        """Have a dataset listed anew as soon as its catalog answers; what is under way is hurried."""
        row = await find_allowed(info, DATASET, id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if row.catalog_id is None:
            text = f"{row.name} refers to no catalog outside of ours: add files to it instead."
            return Invalid(message=text, field="id")
        person_id = info.context.viewer.person_id
        await listings.ask_for_listing(await begin_change(), row.id, person_id)
        return Dataset.of(row, info)

    @declare_mutation("modify")
    async def decide_listing(
        self,
        info: Info,
        input: DecideListingInput,  # noqa: A002
    ) -> DecideListingResult:
        """Say whether a listing is right that waits since so many files are gone from the catalog."""
        row = await find_allowed(info, DATASET, input.id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if said := check_reason(input.reason):
            return Invalid(message=said, field="reason")
        person_id = info.context.viewer.person_id
        decided = await listings.decide_listing(
            await begin_change(), row.id, person_id, input.reason, accepts=input.accept
        )
        if decided is None:
            return Invalid(message=f"No listing of {row.name} waits for a decision.", field="id")
        return Dataset.of(row, info)
