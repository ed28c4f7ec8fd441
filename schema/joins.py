"""What a stage that joins waits for, as a client sees it."""

from domain.joins import JoinKey
from door.describe import choice, thing
from schema.stages import Stage
from schema.submissions import Submission

choice(JoinKey)


@thing
class JoinParent:
    """One stage upstream, of what belongs together."""

    stage: Stage
    """The stage."""
    submission: Submission | None
    """What there is of it; null: nothing yet."""
    has_come: bool
    """It is located, and waits for the others or has been joined with them."""


@thing
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


@thing
class JoinTable:
    """Who goes with whom for a stage that joins."""

    by: JoinKey
    """By what submissions belong together."""
    parents: list[Stage]
    """The stages upstream."""
    rows: list[JoinRow]
    """What belongs together, the newest first: complete, waiting for others, or not there yet."""
