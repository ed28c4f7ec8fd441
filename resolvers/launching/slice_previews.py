"""Looking ahead at a stage's slices, and at its next launch."""

import strawberry

from db.launching import (
    foreseen_names,
    launch_plans,
    launch_previews,
    slice_previews,
    slices,
    split_queries,
    stage_launch_view,
)
from db.launching.launch_plans import PlannedSubmission
from db.launching.slice_claims import LaunchRequest
from db.launching.stage_launch_view import StageLaunchView
from domain.campaigns.splits.reading import parse_split
from door.describe import declare_object_type
from door.pages import make_input_error
from resolvers.launching.file_checks import find_launch_check
from resolvers.launching.launches import build_problem
from resolvers.nouns import STAGE, find_seen
from schema.context import Info
from schema.fields import declare_query
from schema.launching.launch_previews import LaunchPreview, PlannedLaunch
from schema.launching.slice_previews import SplitPreview

MOST = 100


@declare_object_type
class SplitQueries:
    """Looking ahead."""

    @declare_query(weight=200)
    async def preview_split(
        self, info: Info, id: strawberry.ID, *, is_test: bool = False, most: int = MOST
    ) -> SplitPreview | None:
        """The next slices of a stage, 1 to 100 of them, as things are now; nothing is taken.

        Those of test launches, which have a cursor of their own, with `isTest`. It looks no further
        than about a million files.
        """
        if not 1 <= most <= MOST:
            raise make_input_error(f"most is 1 to {MOST}.")
        stage = await _find_visible_stage(info, id, is_test=is_test)
        if stage is None:
            return None
        found = await slice_previews.preview_slices(info.context.db, stage, most, is_test=is_test)
        return SplitPreview.of(found, stage, is_test=is_test)

    @declare_query(weight=1000)
    async def preview_launch(
        self, info: Info, id: strawberry.ID, *, is_test: bool = False
    ) -> LaunchPreview | None:
        """What a launch of a stage by you, or with `isTest` of a test of it, would do now; nothing is taken.

        What is shown is kept for an hour, so that `launchStage` can launch just that.
        """
        stage = await _find_visible_stage(info, id, is_test=is_test)
        if stage is None:
            return None
        db = info.context.db
        asked = LaunchRequest(info.context.viewer.person_id, is_test=is_test)
        planned = await slices.plan_launch(db, stage.id, asked)
        slices_, more = await launch_previews.count_slices(db, stage, is_test=is_test)
        left_out = await slice_previews.count_left_out(db, stage, is_test=is_test)
        scope = await split_queries.read_scope(db, stage, is_test=is_test)
        return LaunchPreview(
            launch=await _show_planned_launch(info, planned)
            if isinstance(planned, PlannedSubmission)
            else None,
            problem=None if isinstance(planned, PlannedSubmission) else build_problem(planned),
            slices=slices_,
            slices_more=more,
            left_out=left_out,
            left_out_for=parse_split(stage.split_for(is_test=is_test)).kind.needs,
            missing_from_catalog=scope.missing,
        )


async def _find_visible_stage(
    info: Info, id: strawberry.ID, *, is_test: bool
) -> StageLaunchView | None:
    """A stage of an experiment that the viewer sees."""
    row = await find_seen(info, STAGE, id)
    if row is None:
        return None
    return await stage_launch_view.find_by_stage(info.context.db, row.id, is_test=is_test)


async def _show_planned_launch(info: Info, planned: PlannedSubmission) -> PlannedLaunch:
    """The launch, with its plan kept."""
    db = info.context.db
    kept = await launch_plans.keep_plan(db, await launch_plans.read_parts(db, planned))
    found = await launch_previews.measure_job_loads(db, planned)
    expected = await launch_previews.estimate_job_usage(
        db, planned.stage.id, is_test=planned.is_test
    )
    warnings = await foreseen_names.warn_of_launch(db, planned)
    seen = await find_launch_check(info, planned)
    return PlannedLaunch.of(planned, kept, found, expected, warnings, seen)
