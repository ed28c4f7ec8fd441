"""Keep the house, and let waiting launches begin: correctness never depends on Redis or on any one worker."""

import heapq
from collections.abc import Awaitable, Callable
from time import monotonic

from db import housekeeping, idempotency, loop_progress, setbacks
from db.files import file_checks, listed_files
from db.launching import launch_plans, queue
from db.launching.queue import QueueHead
from db.people import leaving, summaries
from db.submissions import accounts, deadlines, progress
from db.submissions.submissions import Submission
from workers.failpoints import wrap_failpoints
from workers.setbacks import hold_thing
from workers.tools import WorkerTools, log
from workers.uploads import drop_uploads

TIDY_EVERY_S = 60.0
MOST_FOLDED = 5000
MOST_BEGUN = 500
"""Launches that begin in one step."""


class PeriodicSweep:
    """Remembers only when it last tidied."""

    def __init__(self) -> None:
        self.tidied = float("-inf")

    async def step(self, tools: WorkerTools) -> bool:
        """Mark what is overdue, fold what is kept, and tidy now and then; true when there may be more."""
        return any(await run_each(tools, self._tidy, mark_overdue_submissions, fold_progress))

    async def _tidy(self, tools: WorkerTools) -> bool:
        if monotonic() - self.tidied > TIDY_EVERY_S:
            await tidy_up(tools)
            self.tidied = monotonic()
        return False


async def run_each(
    tools: WorkerTools, *parts: Callable[[WorkerTools], Awaitable[bool]]
) -> list[bool]:
    """Do all of it, whichever part fails; raises what was raised at the end."""
    found, errors = list[bool](), list[Exception]()
    for part in parts:
        try:
            found.append(await part(tools))
        except Exception as error:
            errors.append(error)
    if errors:
        raise ExceptionGroup("parts of the sweep failed", errors)
    return found


async def mark_overdue_submissions(tools: WorkerTools) -> bool:
    """Mark what is not located by its deadline."""
    async with wrap_failpoints("sweep.overdue"):
        return bool(await deadlines.mark_overdue(tools.db))


async def fold_progress(tools: WorkerTools) -> bool:
    """Add what has changed to the kept progress of stages, and to submissions' rows what they have passed on."""
    async with wrap_failpoints("sweep.fold"):
        if await accounts.fold_passed_inputs(tools.db, MOST_FOLDED) >= MOST_FOLDED:
            return True
        return await progress.fold_progress(tools.db, MOST_FOLDED) >= MOST_FOLDED


async def promote_launches(tools: WorkerTools) -> bool:
    """Let waiting launches begin, by priority and age; one that can't keeps only its own stage's waiting."""
    begun, heads = 0, [_sort_key(head) for head in await queue.list_free_heads(tools.db)]
    heapq.heapify(heads)
    while heads and begun < MOST_BEGUN:
        *_, head = heapq.heappop(heads)
        submission = await _begin_head(tools, head)
        # What could not begin keeps its stage's waiting; what failed is set aside, and others come before it.
        following = await queue.find_head(tools.db, head.stage_id) if submission else None
        if submission is not None:
            begun += 1
            await tools.tell([submission])
        if following is not None:
            heapq.heappush(heads, _sort_key(following))
    return begun > 0


async def _begin_head(tools: WorkerTools, head: QueueHead) -> Submission | None:
    """Let the first of a stage begin, if nothing is in its way."""
    submission = None
    async with (
        hold_thing(tools, "promote") as thing,
        wrap_failpoints("sweep.promote"),
        tools.db.acquire() as conn,
        conn.transaction(),
    ):
        thing.name_submission(head.id)
        submission = await queue.begin_waiting_launch(conn, head)
    return None if thing.has_failed else submission


def _sort_key(head: QueueHead) -> tuple[int, int, QueueHead]:
    return -head.priority, head.id, head


async def tidy_up(tools: WorkerTools) -> None:
    """What has to be done now and then."""
    await housekeeping.ensure_partitions(tools.db)
    await idempotency.delete_expired(tools.db)
    await launch_plans.delete_expired(tools.db)
    await leaving.delete_expired(tools.db)
    await loop_progress.delete_stale(tools.db)
    await setbacks.delete_stale(tools.db)
    await drop_uploads(tools)
    await file_checks.forget_old_checks(tools.db)
    await listed_files.delete_left_over(tools.db)
    await summaries.forget_old(tools.db)
    for stage_id, kept, counted in await housekeeping.find_drift(tools.db):
        log.error("stage %s: %s unfinished kept, %s counted", stage_id, kept, counted)
