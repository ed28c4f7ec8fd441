"""Moving a stage's cursor by hand."""

from dataclasses import dataclass, replace

from db.launching import slice_previews, split_positions, stage_launch_view
from db.launching.stage_launch_view import StageLaunchView
from db.pool import Database
from domain.campaigns.splits.reading import parse_split
from domain.launching.split_positions import (
    SplitPosition,
    compute_moved_position,
    compute_next_epoch,
    find_last_position,
)
from domain.names import MOST_REASON, check_text
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import STAGE, find_allowed
from schema import ids
from schema.campaigns.stages import load_stage as shown
from schema.context import Info
from schema.launching.slice_previews import SplitPreview
from schema.launching.split_positions import (
    CursorMoved,
    CursorPlanned,
    CursorSet,
    MoveCursorInput,
    MoveCursorResult,
    ResetStageInput,
    ResetStageResult,
)
from schema.problems import Invalid, NotFound, NotPermitted
from schema.submissions.launches import Slice

MOST = 100
Refusal = CursorMoved | NotFound | NotPermitted | Invalid


@dataclass(frozen=True, slots=True)
class PositionMove:
    """From where the cursor goes, and where it stands then."""

    stage: StageLaunchView
    now: SplitPosition
    to: SplitPosition


@declare_object_type
class CursorMutations:
    """Moving cursors."""

    @declare_mutation("modify")
    async def reset_stage(self, info: Info, input: ResetStageInput) -> ResetStageResult:  # noqa: A002
        """Begin a stage's work, or that of its tests, again: in the next epoch, from its beginning.

        What runs goes on; files of a live submission wait until it is over.
        """
        return await _change_position(info, input)

    @declare_mutation("modify")
    async def move_cursor(self, info: Info, input: MoveCursorInput) -> MoveCursorResult:  # noqa: A002
        """Let a stage go on from another place: forward in the same epoch, back in the next one.

        What lies between is left out when it goes forward, and done again when it goes back.
        """
        if (input.cursor is None) is (input.before_slice_id is None):
            return Invalid(message="Give either cursor or beforeSliceId.", field="cursor")
        return await _change_position(info, input)


async def _change_position(
    info: Info, given: ResetStageInput
) -> CursorSet | CursorPlanned | Refusal:
    row = await find_allowed(info, STAGE, given.id, "modify")
    if isinstance(row, NotFound | NotPermitted):
        return row
    if said := check_text(given.reason, MOST_REASON):
        return Invalid(message=said, field="reason")
    conn = await begin_change()
    found = await _compute_move(conn, row.id, given)
    if not isinstance(found, PositionMove):
        return found
    if given.dry_run:
        return await _plan_move(conn, found, given)
    why = given.reason, info.context.viewer.person_id
    seq = found.stage.split_seq
    if not await split_positions.move_position(
        conn, row.id, seq, found.to, why, is_test=given.is_test
    ):
        return _report_moved_meanwhile(seq)
    stage = await shown(info, row.id)
    assert stage is not None  # noqa: S101 - stages stay
    return CursorSet(stage=stage)


async def _compute_move(
    db: Database, stage_id: int, given: ResetStageInput
) -> PositionMove | NotFound | Invalid | CursorMoved:
    """Where the cursor would go from where it is."""
    stage = await stage_launch_view.find_by_stage(db, stage_id, is_test=given.is_test)
    if stage is None:
        return tenants.report_unknown("stage", given.id)
    if given.expected_split_seq not in (None, stage.split_seq):
        return _report_moved_meanwhile(stage.split_seq)
    cursor = int(stage.cursor_for(is_test=given.is_test))
    now = SplitPosition(stage.epoch_for(is_test=given.is_test), cursor)
    if not isinstance(given, MoveCursorInput):
        return PositionMove(stage, now, compute_next_epoch(now))
    to = await _resolve_target(db, stage, now, given)
    return (
        to if isinstance(to, Invalid) else PositionMove(stage, now, compute_moved_position(now, to))
    )


async def _resolve_target(
    db: Database, stage: StageLaunchView, now: SplitPosition, given: MoveCursorInput
) -> int | Invalid:
    """The place that is meant."""
    if given.before_slice_id is not None:
        key = ids.parse_node_id(given.before_slice_id, "slice") or 0
        found = await split_positions.find_position_before(db, key, stage.id, now.epoch)
        said = f"The stage's epoch {now.epoch} has no slice {given.before_slice_id[:50]!r}."
        return Invalid(message=said, field="beforeSliceId") if found is None else found
    to = given.cursor or 0
    most = find_last_position(parse_split(stage.split_for(is_test=given.is_test)), stage.source)
    if not 0 <= to <= most:
        said = f"The cursor of {stage.name} stands from 0 to {most}, not at {to}."
        return Invalid(message=said, field="cursor")
    return to


async def _plan_move(db: Database, move: PositionMove, given: ResetStageInput) -> CursorPlanned:
    """What would come next, and what of it was done before."""
    stage = _build_moved_stage(move, is_test=given.is_test)
    found = await slice_previews.preview_slices(db, stage, MOST, is_test=given.is_test)
    back = SplitPosition(move.now.epoch, move.to.cursor)
    again = await split_positions.count_taken_again(db, stage.id, back)
    return CursorPlanned(
        epoch=move.to.epoch,
        cursor=move.to.cursor,
        split_seq=stage.split_seq,
        next=SplitPreview.of(found, stage, is_test=given.is_test),
        repeated_slice_count=again.slices,
        repeated_file_count=again.files,
        repeated_slices=[
            Slice.of(row)
            for row in await split_positions.list_taken_again(db, stage.id, back, MOST)
        ],
    )


def _build_moved_stage(move: PositionMove, *, is_test: bool) -> StageLaunchView:
    """The stage with its cursor where it would be."""
    to = move.to
    if is_test:
        return replace(move.stage, test_epoch=to.epoch, test_cursor=to.cursor)
    return replace(move.stage, epoch=to.epoch, cursor=to.cursor)


def _report_moved_meanwhile(split_seq: int) -> CursorMoved:
    return CursorMoved(
        message="The cursor has moved meanwhile: look at the stage again.", split_seq=split_seq
    )
