"""Launching what came late: files that were located after the dependents were launched."""

from typing import cast

import strawberry

from db.launching import late_files
from door.describe import declare_object_type
from resolvers.launching.launches import build_problem, launch_soon
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import SUBMISSION, find_allowed
from schema.context import Info
from schema.launching.launch_results import LateFilesLaunched, LaunchLateResult, NothingToLaunch
from schema.problems import NotFound, NotPermitted
from schema.submissions.submissions import Submission


@declare_object_type
class LateFileMutations:
    """Launching what came late."""

    @declare_mutation("launch")
    async def launch_late(self, info: Info, id: strawberry.ID) -> LaunchLateResult:
        """Launch the next slices of the stages for which files of this submission wait (`late`).

        Without it they go along with the next slice that the stage launches anyway; for a stage that joins they wait,
        and are then a slice of their own.
        """
        row = await find_allowed(info, SUBMISSION, id, "launch")
        if isinstance(row, NotFound | NotPermitted):
            return row
        found = await late_files.launch_waiting_stages(
            await begin_change(), row.family, info.context.viewer.person_id
        )
        if not found:
            return NothingToLaunch(message="No file of it came late and waits for a slice.")
        made = [outcome.submission for outcome in found if outcome.submission]
        if not made:
            return cast(LaunchLateResult, build_problem(found[0]))  # it waits at holds
        launch_soon(info, made)
        return LateFilesLaunched(submissions=[Submission.of(one) for one in made])
