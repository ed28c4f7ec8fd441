"""Moving a stage's cursor by hand."""

from dataclasses import dataclass, replace
from typing import cast

from db import cursors, launchables, previews
from db.launchables import Launchable
from db.pool import Connection, Database
from domain.cursors import Place, begun_again, last, moved
from domain.names import MOST_REASON, wrong_text
from domain.splits import parse
from door.describe import thing
from resolvers import tenants
from resolvers.once import Ask, Done, once
from schema import ids
from schema.context import Info
from schema.cursors import (
    CursorMoved,
    CursorPlanned,
    CursorSet,
    MoveCursorInput,
    MoveCursorResult,
    ResetStageInput,
    ResetStageResult,
)
from schema.fields import changes
from schema.launches import Slice
from schema.problems import IdempotencyKeyReused, Invalid, NotFound, NotPermitted
from schema.splits import SplitPreview
from schema.stages import stage as shown

MOST = 100
Refusal = CursorMoved | NotFound | NotPermitted | Invalid


@dataclass(frozen=True, slots=True)
class Move:
    """From where the cursor goes, and where it stands then."""

    stage: Launchable
    now: Place
    to: Place


@thing
class CursorMutations:
    """Moving cursors."""

    @changes("modify")
    async def reset_stage(self, info: Info, input: ResetStageInput) -> ResetStageResult:  # noqa: A002
        """Begin a stage's work, or that of its tests, again: in the next epoch, from its beginning.

        What runs goes on; files of a live submission wait until it is over.
        """
        return await _change(info, "resetStage", input)

    @changes("modify")
    async def move_cursor(self, info: Info, input: MoveCursorInput) -> MoveCursorResult:  # noqa: A002
        """Let a stage go on from another place: forward in the same epoch, back in the next one.

        What lies between is left out when it goes forward, and done again when it goes back.
        """
        if (input.cursor is None) is (input.before_slice is None):
            return Invalid(message="Give either cursor or beforeSlice.", field="cursor")
        return await _change(info, "moveCursor", input)


async def _change(
    info: Info, operation: str, given: ResetStageInput
) -> CursorSet | CursorPlanned | Refusal | IdempotencyKeyReused:
    if refusal := await _refusal(info, given):
        return refusal
    if given.dry_run:
        found = await _move(info.context.db, given)
        return await _planned(info.context.db, found, given) if isinstance(found, Move) else found

    async def effect(conn: Connection) -> str | Refusal:
        found = await _move(conn, given)
        if not isinstance(found, Move):
            return found
        why = given.reason, info.context.viewer.person_id
        seq = found.stage.split_seq
        done = await cursors.move(conn, found.stage.id, seq, found.to, why, is_test=given.is_test)
        return str(done.id) if done else _meanwhile(seq)

    done = await once(info, Ask(operation, given.idempotency_key, given), effect)
    if not isinstance(done, Done):
        return cast(Refusal | IdempotencyKeyReused, done)
    stage = await shown(info, int(done.result))
    assert stage is not None  # noqa: S101 - stages stay
    return CursorSet(stage=stage)


async def _refusal(info: Info, given: ResetStageInput) -> NotFound | NotPermitted | Invalid | None:
    key = ids.number(given.stage_id, "stage")
    row = await info.context.load.stage.load(key) if key else None
    if row is None or not info.context.viewer.sees(row.experiment_id):
        return tenants.unknown("stage", given.stage_id)
    campaign = await info.context.load.campaign.load(row.campaign_id)
    if campaign is None or not info.context.allows(
        "modify", row.experiment_id, campaign.owner_id, campaign.owning_role
    ):
        return tenants.refused("modify", f"stage {row.name}")
    said = wrong_text(given.reason, MOST_REASON)
    return Invalid(message=said, field="reason") if said else None


async def _move(db: Database, given: ResetStageInput) -> Move | NotFound | Invalid | CursorMoved:
    """Where the cursor would go from where it is."""
    key = ids.number(given.stage_id, "stage") or 0
    stage = await launchables.by_stage(db, key, is_test=given.is_test)
    if stage is None:
        return tenants.unknown("stage", given.stage_id)
    if given.expected_split_seq not in (None, stage.split_seq):
        return _meanwhile(stage.split_seq)
    cursor = int(stage.cursor_for(is_test=given.is_test))
    now = Place(stage.epoch_for(is_test=given.is_test), cursor)
    if not isinstance(given, MoveCursorInput):
        return Move(stage, now, begun_again(now))
    to = await _wanted(db, stage, now, given)
    return to if isinstance(to, Invalid) else Move(stage, now, moved(now, to))


async def _wanted(
    db: Database, stage: Launchable, now: Place, given: MoveCursorInput
) -> int | Invalid:
    """The place that is meant."""
    if given.before_slice is not None:
        key = ids.number(given.before_slice, "slice") or 0
        found = await cursors.before(db, key, stage.id, now.epoch)
        said = f"The stage's epoch {now.epoch} has no slice {given.before_slice[:50]!r}."
        return Invalid(message=said, field="beforeSlice") if found is None else found
    to = given.cursor or 0
    most = last(parse(stage.split_for(is_test=given.is_test)), stage.source)
    if not 0 <= to <= most:
        said = f"The cursor of {stage.name} stands from 0 to {most}, not at {to}."
        return Invalid(message=said, field="cursor")
    return to


async def _planned(db: Database, move: Move, given: ResetStageInput) -> CursorPlanned:
    """What would come next, and what of it was done before."""
    stage = _standing(move, is_test=given.is_test)
    found = await previews.preview(db, stage, MOST, is_test=given.is_test)
    back = Place(move.now.epoch, move.to.cursor)
    again = await cursors.again(db, stage.id, back)
    return CursorPlanned(
        epoch=move.to.epoch,
        cursor=move.to.cursor,
        split_seq=stage.split_seq,
        next=SplitPreview.of(found, stage, is_test=given.is_test),
        slices_again=again.slices,
        files_again=again.files,
        again=[Slice.of(row) for row in await cursors.again_first(db, stage.id, back, MOST)],
    )


def _standing(move: Move, *, is_test: bool) -> Launchable:
    """The stage with its cursor where it would be."""
    to = move.to
    if is_test:
        return replace(move.stage, test_epoch=to.epoch, test_cursor=to.cursor)
    return replace(move.stage, epoch=to.epoch, cursor=to.cursor)


def _meanwhile(split_seq: int) -> CursorMoved:
    return CursorMoved(
        message="The cursor has moved meanwhile: look at the stage again.", split_seq=split_seq
    )
