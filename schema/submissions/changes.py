"""Changes as they are watched, with the cursors from which a client goes on."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.submissions.submission_listings import OutputChunk
from domain.changes import ChangeKind
from door.describe import declare_input_type, declare_object_type
from door.pages import decode_cursor, encode_cursor, make_input_error
from feed import FeedHead
from schema.problems import NotFound
from schema.submissions.change_types import (
    ActionChange,
    BatchAllowanceChange,
    BatchSystemChange,
    CampaignChange,
    CatalogChange,
    CredentialChange,
    CursorChange,
    DatasetChange,
    DatasetListingChange,
    DiscrepancyChange,
    HandOverChange,
    InputsChange,
    JobsChange,
    JobTypeChange,
    LaunchHoldChange,
    LaunchHostChange,
    LaunchLimitsChange,
    LoginSetupChange,
    MembershipChange,
    OtherChange,
    PersonChange,
    PriorityChange,
    ScheduleChange,
    ServiceTokenChange,
    SilenceChange,
    SubmissionChange,
    UploadChange,
)
from schema.submissions.experiment_change_types import (
    ApprovalRulesChange,
    ExperimentChange,
    FoldersChange,
    LinksChange,
    RequestChange,
    SummariesChange,
    SummaryChange,
)
from schema.submissions.submissions import Submission


@declare_input_type
class ChangesFilter:
    """Which changes to watch; what is left out doesn't narrow."""

    experiment: str | None = None
    """The name of one of your experiments; what is everybody's comes, too."""
    campaign_id: strawberry.ID | None = None
    """What happens in one campaign."""
    submission_id: strawberry.ID | None = None
    """What happens to one submission."""
    kinds: list[ChangeKind] | None = None
    """Only changes of these kinds."""


@declare_object_type
class Heartbeat:
    """Nothing that you want happened up to here; comes when history ends, and every 5 seconds."""

    cursor: str
    """Give it as `after` to go on from here."""
    at: datetime
    """When it was sent: older than 10 seconds, and what you show may be stale."""


@declare_object_type
class CursorExpired:
    """History doesn't reach back to the cursor any more: read the state anew."""

    oldest: str
    """The cursor before the oldest change that is kept."""


@declare_object_type
class CursorFromAnotherHistory:
    """The cursor counts in a database that was replaced, for example by a backup: read anew."""

    head: str
    """Where changes are now."""


ChangesItem = Annotated[
    ActionChange
    | ApprovalRulesChange
    | BatchAllowanceChange
    | BatchSystemChange
    | CampaignChange
    | CredentialChange
    | CursorChange
    | CatalogChange
    | DatasetChange
    | DatasetListingChange
    | DiscrepancyChange
    | ExperimentChange
    | FoldersChange
    | HandOverChange
    | JobTypeChange
    | UploadChange
    | ServiceTokenChange
    | InputsChange
    | JobsChange
    | LaunchHoldChange
    | LaunchHostChange
    | LaunchLimitsChange
    | LinksChange
    | SummariesChange
    | SummaryChange
    | LoginSetupChange
    | MembershipChange
    | OtherChange
    | PersonChange
    | PriorityChange
    | RequestChange
    | ScheduleChange
    | SilenceChange
    | SubmissionChange
    | Heartbeat
    | CursorExpired
    | CursorFromAnotherHistory
    | NotFound,
    strawberry.union(
        "ChangesItem", description="What comes when changes are watched: each change is a `Change`."
    ),
]


@declare_object_type
class SubmissionNow:
    """A whole submission, and from where to watch it."""

    head: str
    """Read before the submission was: no change after this cursor is missing."""
    submission: Submission
    """The whole of it."""


SubmissionChangedItem = Annotated[
    SubmissionNow | NotFound,
    strawberry.union("SubmissionChangedItem", description="What comes of a watched submission."),
]


@declare_object_type
class LaunchOutput:
    """A piece of what a launch said."""

    cursor: str
    """Give it as `after` to go on behind this piece."""
    attempt: int
    """The attempt to launch that said it."""
    text: str
    """What it said."""
    at: datetime
    """When."""

    @classmethod
    def of(cls, row: OutputChunk) -> "LaunchOutput":
        """Show a row."""
        return cls(
            cursor=encode_cursor(row.sequence), attempt=row.attempt, text=row.text, at=row.at
        )


LaunchOutputItem = Annotated[
    LaunchOutput | NotFound,
    strawberry.union("LaunchOutputItem", description="What comes of a watched launch."),
]


def encode_change_cursor(head: FeedHead) -> str:
    """The cursor of where changes are."""
    return encode_cursor(head.history, head.position)


def decode_change_cursor(text: str) -> FeedHead:
    """What a cursor says; one that nobody was given is an error."""
    history, position = decode_cursor(text, 2)
    if not isinstance(history, str) or type(position) is not int or not 0 <= position < 2**63:
        raise make_input_error(f"Not a cursor of changes: {text[:100]!r}")
    return FeedHead(position, history)
