"""What failed jobs have in common."""

import asyncio

import strawberry

from db import triage
from domain.triage import FailedJob
from door.describe import thing
from schema import ids
from schema.context import Info
from schema.fields import reads
from schema.triage import Triage

MOST_JOBS = 20_000


@thing
class TriageQueries:
    """Looking at failures."""

    @reads()
    async def submission_triage(self, info: Info, submission_id: strawberry.ID) -> Triage | None:
        """Failed and held jobs of one submission by what they have in common."""
        id = ids.number(submission_id, "submission")
        row = await info.context.load.submission.load(id) if id else None
        if row is None or not info.context.viewer.sees(row.experiment_id):
            return None
        failed = await triage.of_submission(info.context.db, row.id, MOST_JOBS + 1)
        return await grouped(failed)

    @reads()
    async def stage_triage(self, info: Info, stage_id: strawberry.ID) -> Triage | None:
        """Failed and held jobs of a stage, newest submissions first, by what they have in common."""
        id = ids.number(stage_id, "stage")
        row = await info.context.load.stage.load(id) if id else None
        if row is None or not info.context.viewer.sees(row.experiment_id):
            return None
        failed = await triage.of_stage(info.context.db, row.id, MOST_JOBS + 1)
        return await grouped(failed)


async def grouped(failed: list[FailedJob]) -> Triage:
    """Group in a thread: 20,000 log tails take a while, and others want answers meanwhile."""
    return await asyncio.to_thread(Triage.of, failed[:MOST_JOBS], truncated=len(failed) > MOST_JOBS)
