"""Importing campaign files."""

from typing import Annotated

import strawberry

from door.describe import declare_input_type, declare_object_type
from schema.campaigns.campaign_saving import InvalidCampaignFile, StageChange, StaleRevision
from schema.campaigns.campaigns import Campaign
from schema.campaigns.file_findings import FileFinding
from schema.problems import Invalid, MutationProblem


@declare_input_type
class ImportCampaignInput:
    """A campaign file, POMS's `.ini`, that shall be a campaign from now on."""

    experiment: str
    """The experiment's name, whatever the file says."""
    file_name: str
    """What the file is called, for findings and the list of revisions; at most 200 characters."""
    text: str
    """The whole file, at most 500,000 characters."""
    comment: str = ""
    """Why, for the list of revisions; at most 1,000 characters."""
    expected_revision: int | None = None
    """Refuse when somebody has saved the campaign since this revision; 0: when it is there at all."""
    dry_run: bool = False
    """Import nothing, say what would change."""


@declare_object_type
class ImportEffect:
    """What an import does."""

    name: str
    """The campaign's name, as the file says it."""
    revision: int
    """The number of the revision that it makes, or of the newest one where it changes nothing."""
    is_unchanged: bool
    """The campaign is what the file says already: no revision is made."""
    draft: bool
    """Whether the campaign can't be launched like that, so that it becomes an inactive draft, whose
    stages stay as they were."""
    changes: list[StageChange]
    """What it does to the stages."""
    job_types: list[str]
    """The names of job types that it makes; what is there already is never changed."""
    login_setups: list[str]
    """The names of login setups that it makes; what is there already is never changed."""
    findings: list[FileFinding]
    """What is to be said about the file, at most 200."""


@declare_object_type
class CampaignImported:
    """The file is imported."""

    campaign: Campaign
    """As it is now."""
    effect: ImportEffect
    """What that did."""


@declare_object_type
class CampaignImportPlanned:
    """What an import would do; nothing was imported."""

    planned: ImportEffect
    """What it would do."""


ImportCampaignResult = Annotated[
    CampaignImported
    | CampaignImportPlanned
    | InvalidCampaignFile
    | MutationProblem
    | StaleRevision
    | Invalid,
    strawberry.union("ImportCampaignResult"),
]
