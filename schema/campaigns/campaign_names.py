"""Copying, renaming, tagging and deleting campaigns, as a client asks for it."""

from typing import Annotated

import strawberry

from door.describe import declare_input_type, declare_object_type
from schema.campaigns.campaign_saving import InvalidCampaignFile
from schema.campaigns.campaigns import Campaign
from schema.campaigns.stages import Stage
from schema.problems import (
    Invalid,
    MutationProblem,
    NameTaken,
    Problem,
)


@declare_input_type
class CloneCampaignInput:
    """A copy of a campaign, which launches as little as you do with it."""

    id: strawberry.ID
    """The campaign that is copied, as its newest revision has it."""
    name: str
    """The copy's name, which no campaign of the experiment has."""


@declare_object_type
class CampaignDeleted:
    """The campaign is gone, with its stages and revisions; or with `dryRun`, it could be."""

    id: strawberry.ID
    """What was its id."""
    name: str
    """What was its name."""


@declare_object_type
class CampaignHasSubmissions(Problem):
    """What launched something stays, so that it is known what that was; let it be inactive instead."""


CloneCampaignResult = Annotated[
    Campaign | MutationProblem | NameTaken | Invalid | InvalidCampaignFile,
    strawberry.union("CloneCampaignResult"),
]
RenameCampaignResult = Annotated[
    Campaign | MutationProblem | NameTaken | Invalid,
    strawberry.union("RenameCampaignResult"),
]
RenameStageResult = Annotated[
    Stage | MutationProblem | NameTaken | Invalid, strawberry.union("RenameStageResult")
]
SetCampaignTagsResult = Annotated[
    Campaign | MutationProblem | Invalid, strawberry.union("SetCampaignTagsResult")
]
DeleteCampaignResult = Annotated[
    CampaignDeleted | MutationProblem | CampaignHasSubmissions,
    strawberry.union("DeleteCampaignResult"),
]
