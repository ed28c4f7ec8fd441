"""Moving a stage's cursor by hand, as a client asks for it and sees it."""

from typing import Annotated

import strawberry

from door.describe import declare_input_type, declare_object_type
from schema.campaigns.stages import Stage
from schema.launching.slice_previews import SplitPreview
from schema.numbers import BigInt
from schema.problems import Invalid, MutationProblem, Problem
from schema.submissions.launches import Slice


@declare_input_type
class ResetStageInput:
    """A stage whose work shall be done again from its beginning."""

    id: strawberry.ID
    """Which stage."""
    is_test: bool = False
    """Mean its test launches, which have an epoch and a cursor of their own."""
    reason: str = ""
    """Why; it is told with the change."""
    expected_split_seq: BigInt | None = None
    """Refuse when a launch or somebody has moved the cursor since the stage's `splitSeq` was this."""
    dry_run: bool = False
    """Move nothing, say what would come of it."""


@declare_input_type
class MoveCursorInput(ResetStageInput):
    """A stage whose cursor shall stand somewhere else: give the place, or a slice before which that is."""

    cursor: BigInt | None = None
    """The place, as its split counts: the next ordinal, run, bucket, place, time in seconds, or index."""
    before_slice_id: strawberry.ID | None = None
    """A slice of the epoch that goes on now, such as `slice:12`: it and what came after it comes again."""


@declare_object_type
class CursorSet:
    """The cursor stands where it should."""

    stage: Stage
    """The stage as it is now."""


@declare_object_type
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
    repeated_slice_count: int
    """How many slices were taken in this epoch from there on: their work would be done again."""
    repeated_file_count: BigInt
    """How many files those have."""
    repeated_slices: list[Slice]
    """The first 100 of those slices: what they worked on."""


@declare_object_type
class CursorMoved(Problem):
    """A launch, a save or somebody has moved the cursor meanwhile: nothing was done."""

    split_seq: BigInt
    """The stage's `splitSeq` now."""


ResetStageResult = Annotated[
    CursorSet | CursorPlanned | CursorMoved | MutationProblem | Invalid,
    strawberry.union("ResetStageResult"),
]
MoveCursorResult = Annotated[
    CursorSet | CursorPlanned | CursorMoved | MutationProblem | Invalid,
    strawberry.union("MoveCursorResult"),
]
