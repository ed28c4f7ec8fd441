"""Looking ahead at a stage's slices, and at its next launch."""

import strawberry

from db import launch_plans, launch_previews, launchables, previews, slices
from db.launch_plans import Planned
from db.launchables import Launchable
from db.pool import Database
from db.taking import Asked
from domain.splits import parse
from door.describe import thing
from door.pages import bad_input
from resolvers.launches import problem
from schema.context import Info
from schema.fields import reads
from schema.ids import number
from schema.launch_previews import LaunchPreview, LaunchShown
from schema.splits import SplitPreview

MOST = 100


@thing
class SplitQueries:
    """Looking ahead."""

    @reads()
    async def preview_split(
        self, info: Info, stage_id: strawberry.ID, *, is_test: bool = False, most: int = MOST
    ) -> SplitPreview | None:
        """The next slices of a stage, 1 to 100 of them, as things are now; nothing is taken.

        Those of test launches, which have a cursor of their own, with `isTest`. It looks no further
        than about a million files.
        """
        if not 1 <= most <= MOST:
            raise bad_input(f"most is 1 to {MOST}.")
        stage = await _visible(info, stage_id, is_test=is_test)
        if stage is None:
            return None
        found = await previews.preview(info.context.db, stage, most, is_test=is_test)
        return SplitPreview.of(found, stage, is_test=is_test)

    @reads()
    async def preview_launch(
        self, info: Info, stage_id: strawberry.ID, *, is_test: bool = False
    ) -> LaunchPreview | None:
        """What a launch of a stage by you, or with `isTest` of a test of it, would do now; nothing is taken.

        What is shown is kept for an hour, so that `launchStage` can launch just that.
        """
        stage = await _visible(info, stage_id, is_test=is_test)
        if stage is None:
            return None
        db = info.context.db
        asked = Asked(info.context.viewer.person_id, is_test=is_test)
        planned = await slices.plan(db, stage.id, asked)
        slices_, more = await launch_previews.count_slices(db, stage, is_test=is_test)
        left_out = await previews.left_out_of(db, stage, is_test=is_test)
        return LaunchPreview(
            launch=await _shown(db, planned) if isinstance(planned, Planned) else None,
            problem=None if isinstance(planned, Planned) else problem(planned),
            slices=slices_,
            slices_more=more,
            left_out=left_out,
            left_out_for=parse(stage.split_for(is_test=is_test)).kind.needs,
        )


async def _visible(info: Info, stage_id: strawberry.ID, *, is_test: bool) -> Launchable | None:
    """A stage of an experiment that the viewer sees."""
    id = number(stage_id, "stage")
    row = await info.context.load.stage.load(id) if id else None
    if row is None or not info.context.viewer.sees(row.experiment_id):
        return None
    return await launchables.by_stage(info.context.db, row.id, is_test=is_test)


async def _shown(db: Database, planned: Planned) -> LaunchShown:
    """The launch, with its plan kept."""
    kept = await launch_plans.keep(db, await launch_plans.parts(db, planned))
    found = await launch_previews.loads(db, planned)
    expected = await launch_previews.expected(db, planned.stage.id, is_test=planned.is_test)
    return LaunchShown.of(planned, kept, found, expected)
