"""Asking workers whether files are there: those of a dataset, or the inputs of a stage's next launch."""

import strawberry

from db.files import file_checks
from db.files.file_checks import FileScope
from db.launching import slices
from db.launching.launch_plans import PlannedSubmission
from db.launching.slice_claims import LaunchRequest
from door.describe import declare_input_type, declare_object_type
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import DATASET, STAGE, find_allowed
from schema.context import Info
from schema.files.file_checks import CheckFilesResult, FileCheck
from schema.problems import Invalid, NotFound, NotPermitted


@declare_input_type
class CheckLaunchFilesInput:
    """A stage whose next launch's inputs shall be looked at."""

    id: strawberry.ID
    """The stage's."""
    is_test: bool = False
    """Of the next one of its tests."""
    is_whole: bool = False
    """All of them, not a sample of 1,000."""


@declare_object_type
class FileCheckMutations:
    """Asking whether files are there."""

    @declare_mutation("modify")
    async def check_dataset_files(
        self, info: Info, id: strawberry.ID, *, is_whole: bool = False
    ) -> CheckFilesResult:
        """Have a worker look whether files of a dataset are there: 1,000 evenly among them, or all (`isWhole`).

        The answer is what was found before; what is found now is in the dataset's `fileCheck` soon.
        """
        row = await find_allowed(info, DATASET, id, "modify")
        if isinstance(row, NotFound | NotPermitted):
            return row
        scope, who = FileScope(row.id, 0, row.head), info.context.viewer.person_id
        conn = await begin_change()
        return FileCheck.of(await file_checks.ask_for_check(conn, scope, who, is_whole=is_whole))

    @declare_mutation("launch")
    async def check_launch_files(
        self,
        info: Info,
        input: CheckLaunchFilesInput,  # noqa: A002
    ) -> CheckFilesResult:
        """Have a worker look whether the inputs of a stage's next launch are there: 1,000 of them, or all (`isWhole`).

        The answer is what was found of the same files before; what is found now is in `previewLaunch` soon.
        """
        stage = await find_allowed(info, STAGE, input.id, "launch")
        if isinstance(stage, NotFound | NotPermitted):
            return stage
        who = info.context.viewer.person_id
        planned = await slices.plan_launch(
            info.context.db, stage.id, LaunchRequest(who, is_test=input.is_test)
        )
        scope = _build_scope(planned) if isinstance(planned, PlannedSubmission) else None
        if scope is None:
            why = "" if isinstance(planned, PlannedSubmission) else planned.why
            return Invalid(message=why or "Its next launch has no input files.", field="id")
        conn = await begin_change()
        return FileCheck.of(
            await file_checks.ask_for_check(conn, scope, who, is_whole=input.is_whole)
        )


async def find_launch_check(info: Info, planned: PlannedSubmission) -> FileCheck | None:
    """What was found of the inputs of a launch, if somebody asked."""
    scope = _build_scope(planned)
    row = await file_checks.find_by_scope(info.context.db, scope) if scope else None
    return FileCheck.of(row) if row else None


def _build_scope(planned: PlannedSubmission) -> FileScope | None:
    stage, taken = planned.stage, planned.slice
    if stage.generates or stage.dataset_id is None:
        return None
    return file_checks.build_slice_scope(stage.dataset_id, taken.low, taken.high, taken.listed)
