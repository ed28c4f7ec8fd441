"""What a stage that joins waits for, as a client sees it."""

from domain.campaigns.joins import JoinKey
from door.describe import declare_enum_type, declare_object_type
from schema.campaigns.stages import Stage
from schema.submissions.submissions import Submission

declare_enum_type(JoinKey)


@declare_object_type
class JoinParent:
    """One stage upstream, of what belongs together."""

    stage: Stage
    """The stage."""
    submission: Submission | None
    """What there is of it; null: nothing yet."""
    is_ready: bool
    """It is located, and waits for the others or has been joined with them."""


@declare_object_type
class JoinRow:
    """What belongs together, or would."""

    key: str
    """By what: a hash of the original files, a parameter, a slice's key or number."""
    turn: int
    """How many sets of the same key came before it."""
    parents: list[JoinParent]
    """One for each stage upstream, in the order of the table's."""
    is_complete: bool
    """One of each stage has come."""
    submission: Submission | None
    """What was launched for it in the epoch that goes on; null: nothing."""


@declare_object_type
class JoinTable:
    """Who goes with whom for a stage that joins."""

    by: JoinKey
    """By what submissions belong together."""
    parents: list[Stage]
    """The stages upstream."""
    rows: list[JoinRow]
    """What belongs together, the newest first: complete, waiting for others, or not there yet."""
