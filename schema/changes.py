"""Changes as they are watched, with the cursors from which a client goes on."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from db import changes
from db.listings import Chunk
from door.describe import asked, thing
from door.pages import bad_input, cursor, keys
from feed import Head
from schema.ids import made
from schema.problems import NotFound
from schema.submissions import Submission


@asked
class ChangesFilter:
    """Which changes to watch; what is left out doesn't narrow."""

    experiment: str | None = None
    """The name of one of your experiments; what is everybody's comes, too."""
    campaign_id: strawberry.ID | None = None
    """What happens in one campaign."""
    submission_id: strawberry.ID | None = None
    """What happens to one submission."""
    kinds: list[str] | None = None
    """How the kind begins, such as `submission.` or `job_type.saved`; at most 20."""


@thing
class Change:
    """One fact with its place in the one order of all changes."""

    cursor: str
    """Give it as `after` to go on behind this change: nothing is missed, nothing comes twice."""
    kind: str
    """What happened, such as `submission.running`."""
    at: datetime
    """When it happened."""
    experiment_id: strawberry.ID | None
    """Whose it is; null: everybody's, as is what happens to a batch system."""
    campaign_id: strawberry.ID | None
    """The campaign that it is about, if it is about one."""
    submission_id: strawberry.ID | None
    """The submission that it is about, if it is about one."""
    body: JSON
    """What there is to say about it; of a submission's own change, how it was after it."""

    @classmethod
    def of(cls, row: changes.Change, history: str) -> "Change":
        """Show a row."""
        return cls(
            cursor=cursor(history, row.position),
            kind=row.kind,
            at=row.at,
            experiment_id=made("experiment", row.experiment_id) if row.experiment_id else None,
            campaign_id=made("campaign", row.campaign_id) if row.campaign_id else None,
            submission_id=made("submission", row.submission_id) if row.submission_id else None,
            body=row.body,
        )


@thing
class Heartbeat:
    """Nothing that you want happened up to here; comes when history ends, and every 5 seconds."""

    cursor: str
    """Give it as `after` to go on from here."""
    at: datetime
    """When it was sent: older than 10 seconds, and what you show may be stale."""


@thing
class CursorExpired:
    """History doesn't reach back to the cursor any more: read the state anew."""

    oldest: str
    """The cursor before the oldest change that is kept."""


@thing
class CursorFromAnotherHistory:
    """The cursor counts in a database that was replaced, for example by a backup: read anew."""

    head: str
    """Where changes are now."""


ChangesItem = Annotated[
    Change | Heartbeat | CursorExpired | CursorFromAnotherHistory | NotFound,
    strawberry.union("ChangesItem", description="What comes when changes are watched."),
]


@thing
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


@thing
class LaunchOutput:
    """A piece of what a launch said."""

    sequence: int
    """Give it as `after` to go on behind this piece."""
    attempt: int
    """The attempt to launch that said it."""
    text: str
    """What it said."""
    at: datetime
    """When."""

    @classmethod
    def of(cls, row: Chunk) -> "LaunchOutput":
        """Show a row."""
        return cls(sequence=row.sequence, attempt=row.attempt, text=row.text, at=row.at)


LaunchOutputItem = Annotated[
    LaunchOutput | NotFound,
    strawberry.union("LaunchOutputItem", description="What comes of a watched launch."),
]


def shown(head: Head) -> str:
    """The cursor of where changes are."""
    return cursor(head.history, head.position)


def read(text: str) -> Head:
    """What a cursor says; one that nobody was given is an error."""
    history, position = keys(text, 2)
    if not isinstance(history, str) or type(position) is not int or not 0 <= position < 2**63:
        raise bad_input(f"Not a cursor of changes: {text[:100]!r}")
    return Head(position, history)
