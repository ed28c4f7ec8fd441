"""The database refuses what no submission does, whoever writes it."""

from itertools import product

import asyncpg
import pytest

from db.pool import Pool
from domain.submissions.submissions import TRANSITIONS, SubmissionState
from tests.forced_states import force_state
from tests.resolvers.submission_factory import SubmissionFactory

MOVES = "SELECT from_state, to_state FROM submission_move"
MOVE = "UPDATE submission SET state = $1, ended_at = CASE WHEN $2 THEN NULL ELSE now() END"


@pytest.fixture
async def work(db: Pool) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def test_the_database_has_the_table_that_the_code_has(db: Pool) -> None:
    rows = {(row["from_state"], row["to_state"]) for row in await db.fetch(MOVES)}
    assert rows == {(old, new) for old, news in TRANSITIONS.items() for new in news}


async def test_a_move_is_made_if_it_is_in_the_table_and_refused_otherwise(
    db: Pool, work: SubmissionFactory
) -> None:
    await work.submission(work.gen)
    for old, new in product(SubmissionState, SubmissionState):
        await force_state(db, old)
        if old is new or new in TRANSITIONS[old]:
            await db.execute(MOVE, new, new.is_live)
            continue
        with pytest.raises(
            asyncpg.CheckViolationError, match=f"is {old}, and may not become {new}"
        ):
            await db.execute(MOVE, new, new.is_live)


@pytest.mark.parametrize(
    "sets",
    [
        pytest.param("jobs_running = jobs_running + 1", id="a job that is in two states"),
        pytest.param("jobs = jobs + 1", id="a job that is in none"),
        pytest.param("files_waiting = -1", id="fewer files than none"),
        pytest.param("ended_at = now()", id="live and over"),
        pytest.param("lease_holder = 'x'", id="launched by somebody while it runs"),
    ],
)
async def test_counters_ends_and_leases_are_those_of_the_state(
    db: Pool, work: SubmissionFactory, sets: str
) -> None:
    await work.submission(work.gen, "running")
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(f"UPDATE submission SET {sets}")
