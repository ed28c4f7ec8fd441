"""Find what nobody picked up, and keep the house: correctness never depends on Redis or on any one worker."""

from time import monotonic

from db import deadlines, housekeeping, idempotency, launch_plans, launches, queue
from workers.launch import launch
from workers.points import around
from workers.tools import Tools, log

PATIENCE_S = 1.0
"""How long a new submission may wait for the worker that was told of it."""
TIDY_EVERY_S = 60.0


class Sweep:
    """Remembers only when it last tidied."""

    def __init__(self) -> None:
        self.tidied = float("-inf")

    async def step(self, tools: Tools) -> bool:
        """Launch what is stuck, mark what is overdue, promote what waits; true when something was found."""
        if monotonic() - self.tidied > TIDY_EVERY_S:
            await tidy(tools)
            self.tidied = monotonic()
        async with around("sweep.overdue"):
            overdue = await deadlines.mark(tools.db)
        stuck = await launches.stuck(tools.db, PATIENCE_S)
        for submission_id in stuck:
            await launch(tools, submission_id)
        return await promote(tools) or bool(stuck or overdue)


async def promote(tools: Tools) -> bool:
    """Let waiting launches begin, by priority and age; one that can't keeps only its own stage's waiting."""
    begun, free = 0, await queue.free_stages(tools.db)
    while free:
        async with around("sweep.promote"), tools.db.acquire() as conn, conn.transaction():
            first = await queue.next_of(conn, free)
            submission = await queue.begin(conn, first) if first else None
        if first is None:
            break
        if submission is None:
            free.remove(first.stage_id)
            continue
        begun += 1
        await tools.tell([submission])
    return begun > 0


async def tidy(tools: Tools) -> None:
    """What has to be done now and then."""
    await housekeeping.ensure_partitions(tools.db)
    await idempotency.forget(tools.db)
    await launch_plans.forget(tools.db)
    for stage_id, kept, counted in await housekeeping.drift(tools.db):
        log.error("stage %s: %s unfinished kept, %s counted", stage_id, kept, counted)
