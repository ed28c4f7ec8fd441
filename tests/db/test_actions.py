"""Actions of one submission are carried out one at a time and in order, whoever takes them and whoever dies."""

import asyncio
import random

import asyncpg
import pytest

from db.pool import Pool
from db.submissions import actions
from db.submissions.actions import Action, TakenAction
from domain.submissions.jobs import JobActionVerb
from tests.resolvers.submission_factory import SubmissionFactory

LEASE_S = 60.0
DIED = "UPDATE action SET lease_until = now() - interval '1 second' WHERE id = $1"
# Locked in one order: those who do this at the same time wait for each other else.
DUE = """
    UPDATE action SET next_try_at = now()
     WHERE id IN (SELECT id FROM action WHERE done_at IS NULL ORDER BY id FOR UPDATE)
"""
LEFT = "SELECT count(*) FROM action WHERE done_at IS NULL"
SYSTEM = "UPDATE submission SET batch_system = $2 WHERE id = $1"


@pytest.fixture
async def work(db: Pool) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def make_submissions(work: SubmissionFactory, number: int) -> list[int]:
    return [(await work.submission(work.gen, "running")).id for _ in range(number)]


async def request_actions(work: SubmissionFactory, id: int, *verbs: JobActionVerb) -> list[Action]:
    return [
        await actions.request_action(work.plant.db, id, verb, "", work.plant.person_id)
        for verb in verbs
    ]


async def take_next(db: Pool, *full: str) -> TakenAction | None:
    return await actions.claim_action(db, LEASE_S, full)


async def test_a_removal_waits_for_the_hold_that_is_carried_out_and_comes_after_it(
    db: Pool, work: SubmissionFactory
) -> None:
    [id] = await make_submissions(work, 1)
    hold, remove = await request_actions(work, id, JobActionVerb.HOLD, JobActionVerb.REMOVE)
    first = await take_next(db)
    assert first is not None
    assert first.id == hold.id
    assert await take_next(db) is None
    await actions.finish_action(db, first, "held")
    second = await take_next(db)
    assert second is not None
    assert second.id == remove.id


async def test_a_removal_does_not_wait_for_what_is_tried_in_vain_and_ends_it(
    db: Pool, work: SubmissionFactory
) -> None:
    [id] = await make_submissions(work, 1)
    await request_actions(work, id, JobActionVerb.HOLD)
    hold = await take_next(db)
    assert hold is not None
    await request_actions(work, id, JobActionVerb.REMOVE)
    await actions.postpone_action(db, hold, 0, "it is away")
    remove = await take_next(db)
    assert remove is not None
    assert remove.verb is JobActionVerb.REMOVE
    await actions.postpone_action(db, remove, 0, "it is away, too")
    again = await take_next(db)
    assert again is not None
    assert again.id == remove.id
    await actions.finish_action(db, again, "removed")
    assert await take_next(db) is None
    said = [row.result_message for row in await actions.list_by_submissions(db, [id])]
    assert said == ["Not done: its removal came first.", "removed"]


async def test_who_was_thought_dead_changes_nothing_any_more(
    db: Pool, work: SubmissionFactory
) -> None:
    [id] = await make_submissions(work, 1)
    await request_actions(work, id, JobActionVerb.HOLD)
    first = await take_next(db)
    assert first is not None
    assert await actions.renew_lease(db, first.id, first.attempts, LEASE_S) == first.attempts
    assert await take_next(db) is None
    await db.execute(DIED, first.id)
    second = await take_next(db)
    assert second is not None
    assert (second.id, second.attempts) == (first.id, 2)
    assert await actions.renew_lease(db, first.id, first.attempts, LEASE_S) is None
    await actions.finish_action(db, first, "late")
    await actions.postpone_action(db, first, 0, "late")
    [row] = await actions.list_by_submissions(db, [id])
    assert (row.done_at, row.result_message) == (None, "")
    assert await take_next(db) is None


async def test_of_a_batch_system_that_is_full_nothing_is_taken(
    db: Pool, work: SubmissionFactory
) -> None:
    away, here = await make_submissions(work, 2)
    await db.execute(SYSTEM, away, "pool")
    for id in (away, here):
        await request_actions(work, id, JobActionVerb.HOLD)
    found = await take_next(db, "pool")
    assert found is not None
    assert (found.submission_id, found.batch_system) == (here, "local")
    assert await take_next(db, "pool") is None


async def test_the_database_itself_lets_no_two_be_carried_out(
    db: Pool, work: SubmissionFactory
) -> None:
    [id] = await make_submissions(work, 1)
    await request_actions(work, id, JobActionVerb.HOLD, JobActionVerb.RELEASE)
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute("UPDATE action SET lease_until = now()")


class Worker:
    """Takes what there is, and then does it, puts it off, or dies."""

    def __init__(self, db: Pool, seed: float, busy: dict[int, int]) -> None:
        self.db, self.draw, self.busy = db, random.Random(seed), busy

    async def work(self) -> None:
        while await self.db.fetchval(LEFT):
            action = await take_next(self.db)
            if action is None:
                await self.db.execute(DUE)
                continue
            assert self.busy.setdefault(action.submission_id, action.id) == action.id
            await asyncio.sleep(self.draw.uniform(0, 0.005))
            del self.busy[action.submission_id]
            match self.draw.randrange(4):
                case 0:
                    await self.db.execute(DIED, action.id)
                case 1:
                    await actions.postpone_action(self.db, action, 0, "")
                case _:
                    await actions.finish_action(self.db, action, "done")


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_asked_and_whoever_dies_the_order_is_kept(
    db: Pool, work: SubmissionFactory, seed: int
) -> None:
    draw = random.Random(seed)
    ids = await make_submissions(work, 4)
    for id in ids:
        await request_actions(work, id, *draw.choices(list(JobActionVerb), k=6))
    busy: dict[int, int] = {}
    await asyncio.gather(*(Worker(db, draw.random(), busy).work() for _ in range(6)))
    for id in ids:
        rows = await actions.list_by_submissions(db, [id])
        done = [row.done_at for row in rows if row.done_at and row.result_message == "done"]
        assert done == sorted(done)
        assert len(set(done)) == len(done)
        # What was not done has a removal after it that was.
        for n, row in enumerate(rows):
            left = row.result_message != "done"
            assert not left or any(
                r.verb is JobActionVerb.REMOVE and r.result_message == "done" for r in rows[n + 1 :]
            )
