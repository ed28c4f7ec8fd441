"""Copying, renaming, tagging and deleting campaigns, as a client asks for it."""

from typing import Annotated

import strawberry

from door.describe import asked, thing
from schema.campaigns import Campaign
from schema.problems import (
    IdempotencyKeyReused,
    Invalid,
    NameTaken,
    NotFound,
    NotPermitted,
    Problem,
)
from schema.saving import InvalidCampaignFile


@asked
class CloneCampaignInput:
    """A copy of a campaign, which launches as little as you do with it."""

    campaign_id: strawberry.ID
    """The campaign that is copied, as its newest revision has it."""
    name: str
    """The copy's name, which no campaign of the experiment has."""
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and copies nothing twice."""


@thing
class CampaignDeleted:
    """The campaign is gone, with its stages and revisions; or with `dryRun`, it could be."""

    id: strawberry.ID
    """What was its id."""
    name: str
    """What was its name."""


@thing
class CampaignHasSubmissions(Problem):
    """What launched something stays, so that it is known what that was; let it be inactive instead."""


CloneCampaignResult = Annotated[
    Campaign
    | NotFound
    | NotPermitted
    | NameTaken
    | Invalid
    | InvalidCampaignFile
    | IdempotencyKeyReused,
    strawberry.union("CloneCampaignResult"),
]
RenameCampaignResult = Annotated[
    Campaign | NotFound | NotPermitted | NameTaken | Invalid,
    strawberry.union("RenameCampaignResult"),
]
SetCampaignTagsResult = Annotated[
    Campaign | NotFound | NotPermitted | Invalid, strawberry.union("SetCampaignTagsResult")
]
DeleteCampaignResult = Annotated[
    CampaignDeleted | NotFound | NotPermitted | CampaignHasSubmissions,
    strawberry.union("DeleteCampaignResult"),
]
