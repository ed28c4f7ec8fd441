"""Importing campaign files."""

from typing import Annotated

import strawberry

from door.describe import asked, thing
from schema.campaigns import Campaign
from schema.file_findings import FileFinding
from schema.problems import IdempotencyKeyReused, Invalid, NotFound, NotPermitted
from schema.saving import InvalidCampaignFile, StageChange, StaleRevision


@asked
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
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and imports nothing twice."""


@thing
class ImportEffect:
    """What an import does."""

    name: str
    """The campaign's name, as the file says it."""
    revision: int
    """The number of the revision that it makes."""
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


@thing
class CampaignImported:
    """The file is imported."""

    campaign: Campaign
    """As it is now."""
    effect: ImportEffect | None
    """What that did; null when it had been imported with this idempotency key already."""


@thing
class CampaignImportPlanned:
    """What an import would do; nothing was imported."""

    planned: ImportEffect
    """What it would do."""


ImportCampaignResult = Annotated[
    CampaignImported
    | CampaignImportPlanned
    | InvalidCampaignFile
    | NotFound
    | NotPermitted
    | StaleRevision
    | Invalid
    | IdempotencyKeyReused,
    strawberry.union("ImportCampaignResult"),
]
