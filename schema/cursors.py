"""Moving a stage's cursor by hand, as a client asks for it and sees it."""

from typing import Annotated

import strawberry

from door.describe import asked, thing
from schema.launches import Slice
from schema.numbers import BigInt
from schema.problems import IdempotencyKeyReused, Invalid, NotFound, NotPermitted, Problem
from schema.splits import SplitPreview
from schema.stages import Stage


@asked
class ResetStageInput:
    """A stage whose work shall be done again from its beginning."""

    stage_id: strawberry.ID
    """Which stage."""
    is_test: bool = False
    """Mean its test launches, which have an epoch and a cursor of their own."""
    reason: str = ""
    """Why; it is told with the change."""
    expected_split_seq: BigInt | None = None
    """Refuse when a launch or somebody has moved the cursor since the stage's `splitSeq` was this."""
    dry_run: bool = False
    """Move nothing, say what would come of it."""
    idempotency_key: str | None = None
    """Asking again with the same key gives the same answer, and moves nothing twice."""


@asked
class MoveCursorInput(ResetStageInput):
    """A stage whose cursor shall stand somewhere else: give the place, or a slice before which that is."""

    cursor: BigInt | None = None
    """The place, as its split counts: the next ordinal, run, bucket, place, time in seconds, or index."""
    before_slice: strawberry.ID | None = None
    """A slice of the epoch that goes on now, such as `slice:12`: it and what came after it comes again."""


@thing
class CursorSet:
    """The cursor stands where it should."""

    stage: Stage
    """The stage as it is now."""


@thing
class CursorPlanned:
    """What moving the cursor would do; nothing was moved."""

    epoch: int
    """The epoch then: another one than now where work begins again, which going back does."""
    cursor: BigInt
    """The place then."""
    split_seq: BigInt
    """Give it as `expectedSplitSeq` to move the cursor only if nothing has happened meanwhile."""
    next: SplitPreview
    """The slices that would come next, at most 100."""
    slices_again: int
    """How many slices were taken in this epoch from there on: their work would be done again."""
    files_again: BigInt
    """How many files those have."""
    again: list[Slice]
    """The first 100 of those slices: what they worked on."""


@thing
class CursorMoved(Problem):
    """A launch, a save or somebody has moved the cursor meanwhile: nothing was done."""

    split_seq: BigInt
    """The stage's `splitSeq` now."""


ResetStageResult = Annotated[
    CursorSet
    | CursorPlanned
    | CursorMoved
    | NotFound
    | NotPermitted
    | Invalid
    | IdempotencyKeyReused,
    strawberry.union("ResetStageResult"),
]
MoveCursorResult = Annotated[
    CursorSet
    | CursorPlanned
    | CursorMoved
    | NotFound
    | NotPermitted
    | Invalid
    | IdempotencyKeyReused,
    strawberry.union("MoveCursorResult"),
]
