"""What failed jobs have in common."""

from functools import partial

import strawberry

from db.submissions import triage
from domain.submissions.triage import FailedJob
from door.describe import declare_object_type
from resolvers.nouns import STAGE, SUBMISSION, find_seen
from resolvers.timeouts import COMPUTING
from schema.context import Info
from schema.fields import declare_query
from schema.submissions.triage import Triage

MOST_JOBS = 20_000


@declare_object_type
class TriageQueries:
    """Looking at failures."""

    @declare_query(weight=300)
    async def submission_triage(self, info: Info, id: strawberry.ID) -> Triage | None:
        """Failed and held jobs of one submission by what they have in common."""
        row = await find_seen(info, SUBMISSION, id)
        if row is None:
            return None
        failed = await triage.list_by_submission(info.context.db, row.id, MOST_JOBS + 1)
        return await group_failed_jobs(failed)

    @declare_query(weight=1000)
    async def stage_triage(self, info: Info, id: strawberry.ID) -> Triage | None:
        """Failed and held jobs of a stage, newest submissions first, by what they have in common."""
        row = await find_seen(info, STAGE, id)
        if row is None:
            return None
        failed = await triage.list_by_stage(info.context.db, row.id, MOST_JOBS + 1)
        return await group_failed_jobs(failed)


async def group_failed_jobs(failed: list[FailedJob]) -> Triage:
    """Group in a thread: 20,000 log tails take a while, and others want answers meanwhile."""
    truncated = len(failed) > MOST_JOBS
    return await COMPUTING.call(partial(Triage.of, failed[:MOST_JOBS], truncated=truncated))
