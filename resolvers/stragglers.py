"""Launching what came late: files that were located after the dependents were launched."""

from typing import cast

import strawberry

from db import stragglers
from db import submissions as rows
from db.pool import Connection
from door.describe import thing
from resolvers.launches import NotLaunched, permitted, problem
from resolvers.once import Ask, Done, once
from resolvers.recoveries import visible
from schema.context import Info
from schema.fields import changes
from schema.launching import LateLaunched, LaunchLateResult, NothingToLaunch
from schema.problems import NotFound
from schema.submissions import Submission


@thing
class StragglerMutations:
    """Launching what came late."""

    @changes("launch")
    async def launch_late(
        self, info: Info, submission_id: strawberry.ID, idempotency_key: str | None = None
    ) -> LaunchLateResult:
        """Launch the next slices of the stages for which files of this submission wait (`late`).

        Without it they go along with the next slice that the stage launches anyway.
        """
        row = await visible(info, submission_id)
        if isinstance(row, NotFound):
            return row
        campaign = await info.context.load.campaign.load(row.campaign_id)
        if no := await permitted(info, campaign, f"submission {submission_id[:50]!r}"):
            return no

        person_id = info.context.viewer.person_id

        async def effect(conn: Connection) -> str | NotLaunched:
            found = await stragglers.launch_late(conn, row.family, person_id)
            if not found:
                return NothingToLaunch(message="No file of it came late and waits for a slice.")
            made = [str(outcome.submission.id) for outcome in found if outcome.submission]
            return " ".join(made) or problem(found[0])

        done = await once(info, Ask("launchLate", idempotency_key, row.family), effect)
        if not isinstance(done, Done):
            return cast(LaunchLateResult, done)
        made = await rows.by_ids(info.context.db, [int(id) for id in done.result.split()])
        for one in made if not done.again else ():
            await info.context.enqueue("launch", one.id, one.launch_attempt + 1)
        return LateLaunched(submissions=[Submission.of(one) for one in made])
