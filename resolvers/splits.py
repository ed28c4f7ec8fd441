"""Looking ahead at a stage's slices."""

import strawberry

from db import launchables, previews
from door.describe import thing
from door.pages import bad_input
from schema.context import Info
from schema.fields import reads
from schema.ids import number
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
        id = number(stage_id, "stage")
        row = await info.context.load.stage.load(id) if id else None
        if row is None or not info.context.viewer.sees(row.experiment_id):
            return None
        stage = await launchables.by_stage(info.context.db, row.id, is_test=is_test)
        if stage is None:
            return None
        found = await previews.preview(info.context.db, stage, most, is_test=is_test)
        return SplitPreview.of(found, stage, is_test=is_test)
